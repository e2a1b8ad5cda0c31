// Quiescent-state-based reclamation: how the manager knows that no worker can still see what it has unlinked.
//
// A reader (a worker) loads shared pointers only between two quiescent reports, and holds none across a report. A
// writer unlinks an object, starts a grace period, and frees the object once every reader has reported since, or is
// offline. Nobody ever waits: the writer polls.
#pragma once

#include <cstdint>
#include <memory>

struct rte_rcu_qsbr;

namespace sekisho::dataplane {

class Qsbr {
 public:
  using Token = uint64_t;

  // Readers are numbered 0..max_readers-1.
  explicit Qsbr(unsigned max_readers);
  Qsbr(const Qsbr&) = delete;
  Qsbr& operator=(const Qsbr&) = delete;

  // The reader's side; each call is made by the thread that is reader `reader`. A reader that joined is online; while
  // it is offline it must not touch what the writer publishes.
  void join(unsigned reader);
  void leave(unsigned reader);
  void online(unsigned reader);
  void offline(unsigned reader);
  void quiescent(unsigned reader);

  // The writer's side (one thread). passed() is true once every reader has been quiescent or offline since start().
  Token start();
  bool passed(Token token);

 private:
  struct Free {
    void operator()(rte_rcu_qsbr* state) const;
  };
  std::unique_ptr<rte_rcu_qsbr, Free> state_;
};

}  // namespace sekisho::dataplane
