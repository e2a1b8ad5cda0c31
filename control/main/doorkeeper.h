// A child process that opens what control itself has no right to open, and hands it over. Control gives up nearly all
// privileges; the child, made while it still has them, keeps the few that its duty takes, and a filter leaves it no
// system call but those of that duty. It reads short requests of control's and nothing else, and ends when control
// does.
#pragma once

#include <seccomp.h>

#include <array>
#include <cstdint>
#include <expected>
#include <functional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/message.h"
#include "base/unique_fd.h"

namespace sekisho::control {

class Doorkeeper {
 public:
  static constexpr size_t longest_request = 64;

  // What one request has opened.
  struct Opened {
    static constexpr size_t most = 4;
    std::array<int, most> fds{};
    size_t count = 0;
    void add(int fd) { fds[count++] = fd; }
  };

  struct Duty {
    const char* name;               // of the process, at most 15 characters
    std::vector<int> capabilities;  // CAP_*, that it keeps
    // Adds to the filter what `open` does beside closing descriptors; 0, or a negative errno.
    int (*allow)(scmp_filter_ctx filter);
    // Runs in the child, under the filter, so it allocates nothing; 0, or errno, and then what was opened is closed.
    std::function<int(ByteView request, Opened& opened)> open;
  };

  // Before the process has threads and before it gives up its privileges.
  // Errors: SKO-SYS-002.
  static Result<Doorkeeper> hire(const Duty& duty);

  // Waits for the child a quarter of a second at most. The error is an errno; EPIPE where the child is gone, or has no
  // right to do what it was hired for; EAGAIN where it takes longer, and then what it opens is closed once it comes.
  std::expected<std::vector<UniqueFd>, int> ask(ByteView request);
  // In words, with what is to be done where the child has ended, which no other one replaces.
  std::string reason(int error) const;

 private:
  Doorkeeper(UniqueFd child, const char* name) : child_(std::move(child)), name_(name) {}
  UniqueFd child_;
  const char* name_;
  uint64_t last_ = 0;  // number of the last request, which its answer bears
};

}  // namespace sekisho::control
