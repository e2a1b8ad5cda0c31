// How deep JSON text nests, before anything is made of it: a parser that needs no stack may still give a document that
// is copied, compared or written level by level, and so overflows the stack of who does that.
#pragma once

#include <cstddef>
#include <string_view>

namespace sekisho {

// Whether text that is JSON has arrays and objects within one another on more than `levels` levels. Of other text the
// answer means nothing, and the parser refuses that.
constexpr bool nests_deeper(std::string_view json, size_t levels) {
  size_t open = 0;
  bool in_string = false;
  for (size_t at = 0; at < json.size(); ++at) {
    const char c = json[at];
    if (in_string) {
      if (c == '\\') ++at;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++open > levels) return true;
    } else if ((c == ']' || c == '}') && open > 0) {
      --open;
    }
  }
  return false;
}

}  // namespace sekisho
