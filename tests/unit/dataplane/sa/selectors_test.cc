#include "dataplane/sa/selectors.h"

#include <catch2/catch.hpp>
#include <vector>

#include "base/address.h"

namespace sekisho::dataplane {
namespace {

ipc::Address address(const char* text) {
  const auto parsed = IpAddress::parse(text);
  REQUIRE(parsed);
  ipc::Address result;
  result.family = static_cast<uint8_t>(parsed->family());
  std::ranges::copy(parsed->bytes(), result.bytes.begin());
  return result;
}

ipc::SelectorPair pair(const char* source, const char* source_last, const char* destination,
                       const char* destination_last) {
  ipc::SelectorPair pair;
  pair.source = {address(source), address(source_last)};
  pair.destination = {address(destination), address(destination_last)};
  return pair;
}

Flow flow(uint32_t source, uint32_t destination, uint8_t protocol = 17) {
  Flow flow;
  flow.source = source;
  flow.destination = destination;
  flow.protocol = protocol;
  return flow;
}

}  // namespace

TEST_CASE("selectors compare addresses inclusively and per family") {
  const std::vector pairs{pair("10.1.0.0", "10.1.255.255", "10.2.0.5", "10.2.0.9"),
                          pair("fd00:1::", "fd00:1::ffff", "fd00:2::", "fd00:2::ffff")};
  const auto selectors = Selectors::from(pairs);
  REQUIRE(selectors);
  CHECK_FALSE(selectors->any(4));
  CHECK_FALSE(selectors->any(6));
  CHECK_FALSE(selectors->wants_ports());
  CHECK(selectors->match(flow(0x0a010000, 0x0a020005)));
  CHECK(selectors->match(flow(0x0a01ffff, 0x0a020009)));
  CHECK_FALSE(selectors->match(flow(0x0a020000, 0x0a020005)));
  CHECK_FALSE(selectors->match(flow(0x0a010000, 0x0a020004)));
  CHECK_FALSE(selectors->match(flow(0x0a010000, 0x0a02000a)));
  Flow v6;
  v6.family = 6;
  v6.source = AddressValue{0xfd00000100000000} << 64 | 1;
  v6.destination = AddressValue{0xfd00000200000000} << 64 | 0xffff;
  CHECK(selectors->match(v6));
  v6.destination += 1;
  CHECK_FALSE(selectors->match(v6));
}

TEST_CASE("selectors compare protocol and ports, and match no port that is not there") {
  std::vector pairs{pair("0.0.0.0", "255.255.255.255", "0.0.0.0", "255.255.255.255")};
  pairs[0].protocol = 6;
  pairs[0].destination.first_port = 80;
  pairs[0].destination.last_port = 90;
  const auto selectors = Selectors::from(pairs);
  REQUIRE(selectors);
  CHECK(selectors->wants_ports());
  CHECK_FALSE(selectors->any(4));
  Flow http = flow(1, 2, 6);
  http.destination_port = 80;
  CHECK_FALSE(selectors->match(http));  // a fragment: its port is unknown
  http.has_ports = true;
  CHECK(selectors->match(http));
  http.destination_port = 91;
  CHECK_FALSE(selectors->match(http));
  http.destination_port = 90;
  http.protocol = 17;
  CHECK_FALSE(selectors->match(http));
}

TEST_CASE("everything of a family is a shortcut") {
  const std::vector pairs{
      pair("::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")};
  const auto selectors = Selectors::from(pairs);
  REQUIRE(selectors);
  CHECK(selectors->any(6));
  CHECK_FALSE(selectors->any(4));
}

TEST_CASE("selectors that make no sense are refused") {
  CHECK_FALSE(Selectors::from({}));
  const auto good = pair("10.0.0.0", "10.0.0.9", "10.0.0.0", "10.0.0.9");
  CHECK_FALSE(Selectors::from(std::vector(ipc::max_selector_pairs + 1, good)));
  auto backwards = good;
  std::swap(backwards.source.first, backwards.source.last);
  CHECK_FALSE(Selectors::from({&backwards, 1}));
  auto mixed = good;
  mixed.destination.first.family = 6;
  CHECK_FALSE(Selectors::from({&mixed, 1}));
  auto unknown = good;
  unknown.source.first.family = unknown.source.last.family = 7;
  CHECK_FALSE(Selectors::from({&unknown, 1}));
}

}  // namespace sekisho::dataplane
