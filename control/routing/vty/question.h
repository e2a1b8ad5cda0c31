// A question to a daemon of FRR in the words of its command line, by the socket that vtysh uses:
//
//   COMMAND NUL ->   <- text NUL NUL NUL STATUS     as often as there are commands
//
// Attack surface: the daemon is another process, of another user. Its answer is bounded in size and time; what it says
// is for the caller to doubt.
#pragma once

#include <deque>
#include <functional>
#include <string>

#include "base/message.h"
#include "base/unique_fd.h"
#include "control/loop/loop.h"
#include "control/routing/vty/faults.h"

namespace sekisho::vty {

class Question {
 public:
  // The text, or one of the faults. Called once, from the loop; it may destroy the question.
  using Done = std::function<void(Result<std::string>)>;
  struct Limits {
    size_t size = 0;  // of the answer, in octets
    Duration time{};
  };

  // `socket` is connected and does not block. At least one command, and neither NUL nor a newline in any. They are put
  // one after the other, as long as none is refused; the answer to the last one counts.
  Question(sd_event* loop, UniqueFd socket, std::deque<std::string> commands, Limits limits, const Faults& faults,
           Done done);

 private:
  void send();
  void ready();
  void end(Result<std::string> result);

  UniqueFd socket_;
  std::deque<std::string> commands_;  // left; the first one is out
  Limits limits_;
  Faults faults_;
  Done done_;
  std::string answer_;
  control::Timer timer_;
  control::Watch watch_;
};

}  // namespace sekisho::vty
