// Collects what is wrong with a configuration, so that the operator sees all of it at once.
#pragma once

#include <string>
#include <string_view>

#include "control/config/config.h"

namespace sekisho::config {

class ErrorList {
 public:
  // Beyond max_config_errors they are only counted.
  void add(std::string pointer, const Message& message, std::string detail);
  bool empty() const { return errors_.empty(); }
  size_t count() const { return errors_.size() + uncounted_; }
  bool full() const { return uncounted_ > 0; }
  ConfigErrors take();

 private:
  ConfigErrors errors_;
  size_t uncounted_ = 0;
};

// `pointer` with one more step (RFC 6901 section 3: "~" and "/" are escaped).
std::string child_pointer(std::string_view pointer, std::string_view key);

}  // namespace sekisho::config
