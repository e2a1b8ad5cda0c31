// The socket where control connects. It is for its owner alone (mode 0600, in a directory made 0700 where there was
// none); a socket that a killed dataplane left behind is replaced, one that a living dataplane answers is not.
#pragma once

#include <string>

#include "base/message.h"
#include "base/unique_fd.h"

namespace sekisho::dataplane {

class Listener {
 public:
  static Result<Listener> open(const std::string& path);
  Listener(Listener&& other) noexcept;
  Listener& operator=(Listener&&) = delete;
  ~Listener();  // removes the socket

  int fd() const { return fd_.get(); }
  // The next connection, or nothing.
  UniqueFd accept();

 private:
  Listener(UniqueFd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}
  UniqueFd fd_;
  std::string path_;
};

}  // namespace sekisho::dataplane
