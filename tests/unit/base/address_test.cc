#include "base/address.h"

#include <catch2/catch.hpp>

#include "base/outer_address.h"
#include "base/traffic_selector.h"

namespace sekisho {

TEST_CASE("addresses parse and print") {
  CHECK(IpAddress::parse("10.9.1.1")->text() == "10.9.1.1");
  CHECK(IpAddress::parse("2001:db8::1")->text() == "2001:db8::1");
  for (const char* bad : {"", "172.16.0.0.100", "10.1", "10.0.0.256", "010.0.0.1", "::1%eth0", "10.0.0.1/8"})
    CHECK_FALSE(IpAddress::parse(bad));
  CHECK(IpAddress::parse("10.9.1.1")->as_v4().host() == 0x0a090101);
  CHECK(IpAddress::v4(Be32(0x0a090101)) == *IpAddress::parse("10.9.1.1"));
}

TEST_CASE("a prefix of any length ends at its bit") {
  for (const char* ones : {"255.255.255.255", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"}) {
    const IpAddress all = *IpAddress::parse(ones), none = IpAddress::any(all.family());
    for (unsigned length = 0; length <= all.bits(); ++length) {
      const Prefix upper(all, length), lower(none, length);
      for (unsigned i = 0; i < all.bits(); ++i) {
        INFO("/" << length << ", bit " << i);
        const auto bit = [i](const IpAddress& address) { return (address.bytes()[i / 8] >> (7 - i % 8) & 1) != 0; };
        CHECK(bit(upper.address()) == (i < length));
        CHECK(bit(lower.last()) == (i >= length));
      }
      CHECK(upper.contains(all));
      CHECK(upper.contains(none) == (length == 0));
    }
  }
}

TEST_CASE("prefixes refuse host bits and contain what they should") {
  CHECK_FALSE(Prefix::parse("10.1.0.1/16"));
  CHECK_FALSE(Prefix::parse("10.0.0.0/33"));
  CHECK_FALSE(Prefix::parse("10.0.0.0/"));
  CHECK_FALSE(Prefix::parse("10.0.0.0/08"));
  const auto prefix = Prefix::parse("10.1.0.0/16");
  REQUIRE(prefix);
  CHECK(prefix->contains(*IpAddress::parse("10.1.255.255")));
  CHECK_FALSE(prefix->contains(*IpAddress::parse("10.2.0.0")));
  CHECK_FALSE(prefix->contains(*IpAddress::parse("::")));
  CHECK(prefix->last() == *IpAddress::parse("10.1.255.255"));
  CHECK(Prefix::parse("0.0.0.0/0")->contains(*prefix));
  CHECK(Prefix::parse("::/0")->last().text() == "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
  CHECK(Prefix::parse("10.0.0.1")->length() == 32);
}

TEST_CASE("interface addresses keep their host bits") {
  const auto address = InterfaceAddress::parse("169.254.1.1/30");
  REQUIRE(address);
  CHECK(address->text() == "169.254.1.1/30");
  CHECK_FALSE(InterfaceAddress::parse("169.254.1.1"));
}

TEST_CASE("what no host has is no unicast address, and what says nothing without its link is none of a tunnel's ends") {
  for (const char* good : {"1.0.0.0", "169.254.1.1", "223.255.255.255", "2001:db8::1", "fd00::1", "fec0::1"}) {
    INFO(good);
    CHECK(unicast_fault(*IpAddress::parse(good)).empty());
    CHECK(outer_address_fault(*IpAddress::parse(good)).empty());
  }
  for (const char* bad : {"0.0.0.0", "0.0.0.1", "127.0.0.1", "224.0.0.1", "239.255.255.255", "240.0.0.1",
                          "255.255.255.255", "::", "::1", "::ffff:10.9.1.1", "ff02::1"}) {
    INFO(bad);
    CHECK_FALSE(unicast_fault(*IpAddress::parse(bad)).empty());
    CHECK_FALSE(outer_address_fault(*IpAddress::parse(bad)).empty());
  }
  for (const char* local : {"fe80::1", "febf::1"}) {
    CHECK(unicast_fault(*IpAddress::parse(local)).empty());
    CHECK_FALSE(outer_address_fault(*IpAddress::parse(local)).empty());
  }
}

TEST_CASE("traffic selectors print as prefixes where they are one") {
  auto selector = TrafficSelector::from_prefix(*Prefix::parse("10.1.0.0/16"));
  CHECK(selector.text() == "10.1.0.0/16");
  selector.last = *IpAddress::parse("10.1.0.9");
  selector.protocol = 6;
  selector.first_port = 80;
  selector.last_port = 90;
  CHECK(selector.text() == "10.1.0.0-10.1.0.9[6/80-90]");
}

}  // namespace sekisho
