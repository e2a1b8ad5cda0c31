// Mutated configurations: whatever the bytes, decode() ends, with a configuration or with errors that are fit to print.
#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <string>

#include "tests/unit/control/config/fixture.h"

namespace sekisho::config {
namespace {

bool printable(const std::string& text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f; });
}

void mutate(std::string& text, std::mt19937& random) {
  constexpr std::string_view interesting = "{}[],:\"\\0-9.eE/~\n\x01\x7f\xc3\xff";
  const size_t at = random() % text.size();
  const size_t length = 1 + random() % 12;
  switch (random() % 5) {
    case 0:
      text[at] = static_cast<char>(random());
      break;
    case 1:
      text[at] = interesting[random() % interesting.size()];
      break;
    case 2:
      text.erase(at, length);
      break;
    case 3:
      text.insert(at, text.substr(random() % text.size(), length));
      break;
    default:
      text.insert(at, 1, interesting[random() % interesting.size()]);
  }
  if (text.empty()) text = " ";
}

// Replaces one value of the tree by one of another kind, so that the text stays JSON.
void replace_value(Json& config, std::mt19937& random) {
  const Json flat = config.flatten();
  auto member = flat.begin();
  std::advance(member, static_cast<ptrdiff_t>(random() % flat.size()));
  const Json values[] = {
      nullptr,    true,           -1,     18446744073709551615u, 1e300,          "",
      "\x1b[2J",  "10.0.0.1",     "::/0", Json::array(),         Json::object(), std::string(300, 'x'),
      {"a", "a"}, {{"name", "x"}}};
  config[Json::json_pointer(member.key())] = values[random() % std::size(values)];
}

void check_outcome(const std::string& text, const Fixture& fixture, size_t& refused) {
  const auto config = decode(text, fixture.directory());
  if (config) return;
  ++refused;
  REQUIRE_FALSE(config.error().empty());
  for (const auto& [pointer, error] : config.error()) REQUIRE(printable(error.detail));
}

}  // namespace

TEST_CASE("mutated configurations neither crash the decoder nor reach a terminal unescaped") {
  const Fixture fixture;
  std::mt19937 random(20221);
  size_t refused = 0;
  for (int round = 0; round < 3000; ++round) {
    std::string text(valid_text);
    for (size_t i = 0; i <= random() % 4; ++i) mutate(text, random);
    check_outcome(text, fixture, refused);
  }
  CHECK(refused > 1000);
  refused = 0;
  for (int round = 0; round < 2000; ++round) {
    Json config = Json::parse(valid_text);
    for (size_t i = 0; i <= random() % 4; ++i) replace_value(config, random);
    check_outcome(config.dump(), fixture, refused);
  }
  CHECK(refused > 1000);
}

}  // namespace sekisho::config
