#include "base/message.h"

#include <catch2/catch.hpp>
#include <regex>
#include <string>

namespace sekisho {

TEST_CASE("every catalogue entry has an id of its own, a cause and a remedy") {
  const std::regex form("SKO-(BEN|CFG|DPL|IKE|RTG|SYS)-[0-9]{3}");
  std::string_view previous;
  for (const Message* message : message_catalogue()) {
    CHECK(std::regex_match(std::string(message->id), form));
    CHECK(message->id > previous);
    CHECK_FALSE(message->title.empty());
    CHECK(message->cause.ends_with('.'));
    CHECK(message->remedy.ends_with('.'));
    CHECK(find_message(message->id) == message);
    previous = message->id;
  }
  CHECK(find_message("SKO-IKE-999") == nullptr);
}

}  // namespace sekisho
