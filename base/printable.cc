#include "base/printable.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>

namespace sekisho {
namespace {

struct Decoded {
  char32_t code = 0;
  size_t length = 0;  // 0: not UTF-8
};

bool continuation(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

// The first code point (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF). `text` is not empty.
Decoded decode(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) return {lead, 1};
  const size_t length = lead >= 0xf0 && lead < 0xf8   ? 4
                        : lead >= 0xe0 && lead < 0xf0 ? 3
                        : lead >= 0xc0 && lead < 0xe0 ? 2
                                                      : 0;
  if (length == 0 || text.size() < length) return {};
  char32_t code = lead & (0xffu >> (length + 1));
  for (const char c : text.substr(1, length - 1)) {
    if (!continuation(c)) return {};
    code = code << 6 | (static_cast<unsigned char>(c) & 0x3f);
  }
  constexpr char32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  if (code < least[length] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return {};
  return {code, length};
}

bool dangerous(char32_t code) {
  if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return true;
  return code == 0x61c || (code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
         (code >= 0x2066 && code <= 0x2069) || code == 0xfeff;
}

std::string escaped(const char* format, unsigned value) {
  char text[16];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

}  // namespace

std::string printable(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const Decoded decoded = decode(text);
    if (decoded.length == 0)
      result += escaped("\\x%02x", static_cast<unsigned char>(text[0]));
    else if (dangerous(decoded.code))
      result += escaped("\\u{%x}", static_cast<unsigned>(decoded.code));
    else
      result += text.substr(0, decoded.length);
    text.remove_prefix(std::max<size_t>(decoded.length, 1));
  }
  return result;
}

size_t display_width(std::string_view text) {
  return static_cast<size_t>(std::ranges::count_if(text, [](char c) { return !continuation(c); }));
}

}  // namespace sekisho
