// What was unlinked and waits for its grace period. Owned and used by the manager thread alone.
#pragma once

#include <deque>
#include <functional>
#include <memory>

#include "dataplane/rcu/qsbr.h"

namespace sekisho::dataplane {

class Reclaimer {
 public:
  explicit Reclaimer(Qsbr& qsbr) : qsbr_(qsbr) {}

  // Runs `action` after a grace period. Whatever it frees must be unlinked already.
  void defer(std::function<void()> action);
  // Destroys the object after a grace period.
  template <typename T, typename Deleter>
  void retire(std::unique_ptr<T, Deleter> object) {
    if (object) defer([shared = std::shared_ptr<T>(std::move(object))]() mutable { shared.reset(); });
  }

  // Runs what is due; to be called from the manager's loop, every few milliseconds while !empty().
  void poll();
  bool empty() const { return waiting_.empty(); }

 private:
  struct Waiting {
    Qsbr::Token token;
    std::function<void()> action;
  };
  Qsbr& qsbr_;
  std::deque<Waiting> waiting_;  // tokens ascend
};

}  // namespace sekisho::dataplane
