#include "control/config/error_list.h"

#include <utility>

#include "base/messages/config.h"

namespace sekisho::config {

void ErrorList::add(std::string pointer, const Message& message, std::string detail) {
  if (errors_.size() < max_config_errors)
    errors_.push_back({std::move(pointer), Error{&message, std::move(detail)}});
  else
    ++uncounted_;
}

ConfigErrors ErrorList::take() {
  if (uncounted_ > 0)
    errors_.push_back(
        {"", Error{&messages::config_too_many_errors, "at least " + std::to_string(uncounted_) + " more"}});
  uncounted_ = 0;
  return std::exchange(errors_, {});
}

std::string child_pointer(std::string_view pointer, std::string_view key) {
  std::string result(pointer);
  result += '/';
  for (const char c : key) {
    if (c == '~')
      result += "~0";
    else if (c == '/')
      result += "~1";
    else
      result += c;
  }
  return result;
}

}  // namespace sekisho::config
