// Text from peers, files and other processes, made fit for a terminal and a log line: what would move the cursor,
// change colours or reorder text is shown as an escape.
#pragma once

#include <string>
#include <string_view>

namespace sekisho {

// Control characters (C0, DEL, C1), line and paragraph separators and bidirectional controls become \u{XX}; bytes that
// are no UTF-8 become \xXX; the rest stays.
std::string printable(std::string_view text);

// How many characters a terminal shows for text of printable(): its code points.
size_t display_width(std::string_view text);

}  // namespace sekisho
