// A question to a daemon of FRR in the words of its command line, by the socket that vtysh uses:
//
//   COMMAND NUL ->   <- text NUL NUL NUL STATUS
//
// Attack surface: the daemon is another process, of another user. Its answer is bounded in size and time; what it says
// is for the caller to doubt.
#pragma once

#include <functional>
#include <string>

#include "base/message.h"
#include "base/unique_fd.h"
#include "control/loop/loop.h"

namespace sekisho::bgp {

class Question {
 public:
  // The text, or SKO-RTG-014 to 016. Called once, from the loop; it may destroy the question.
  using Done = std::function<void(Result<std::string>)>;
  struct Limits {
    size_t size = 0;  // of the answer, in octets
    Duration time{};
  };

  // `socket` is connected and does not block. Neither NUL nor a newline may be in the command.
  Question(sd_event* loop, UniqueFd socket, std::string command, Limits limits, Done done);

 private:
  void ready();
  void end(Result<std::string> result);

  UniqueFd socket_;
  std::string command_;
  Limits limits_;
  Done done_;
  std::string answer_;
  control::Timer timer_;
  control::Watch watch_;
};

}  // namespace sekisho::bgp
