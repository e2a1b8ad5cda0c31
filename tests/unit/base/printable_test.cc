#include "base/printable.h"

#include <catch2/catch.hpp>

namespace sekisho {

TEST_CASE("text is made fit for a terminal") {
  CHECK(printable("a.example.net") == "a.example.net");
  CHECK(printable("関所 ü") == "関所 ü");
  CHECK(printable("\x1b[31mred\n\t\x7f") == "\\u{1b}[31mred\\u{a}\\u{9}\\u{7f}");
  CHECK(printable("\xc2\x9b") == "\\u{9b}");  // the one-byte CSI as UTF-8
  CHECK(printable("\x9b"
                  "1A") == "\\x9b1A");              // and raw
  CHECK(printable("\xe2\x80\xae") == "\\u{202e}");  // right-to-left override
  CHECK(printable("\xc0\xaf\xed\xa0\x80") == "\\xc0\\xaf\\xed\\xa0\\x80");
  CHECK(printable("\xf4\x90\x80\x80") == "\\xf4\\x90\\x80\\x80");
  CHECK(printable("\xe9") == "\\xe9");
  CHECK(printable(std::string_view("a\0b", 3)) == "a\\u{0}b");
  CHECK(display_width("関所") == 2);
}

}  // namespace sekisho
