// Looks at bfdd's sessions again and again while somebody wants to know: one question for all of them, the next one a
// tenth of a second after the answer to the last, never two at once.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "control/routing/bfd/sessions.h"
#include "control/routing/vty/question.h"

namespace sekisho::bfd {

class SessionWatch {
 public:
  // A connected socket of bfdd's command line that does not block.
  using Connect = std::function<Result<UniqueFd>()>;
  // What bfdd said, or SKO-RTG-038. From the loop, never from within want().
  using Told = std::function<void(const Result<std::vector<Session>>&)>;

  SessionWatch(sd_event* loop, Connect connect, Told told);

  void want(bool wanted);

 private:
  void ask();
  void take(const Result<std::string>& answer);
  void tell(const Result<std::vector<Session>>& sessions);

  sd_event* loop_;
  Connect connect_;
  Told told_;
  bool wanted_ = false;
  std::unique_ptr<vty::Question> question_;
  control::Timer timer_;
};

}  // namespace sekisho::bfd
