#include "dataplane/bench/routes.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "dataplane/bench/addresses.h"

namespace sekisho::dataplane::bench {

TEST_CASE("large routing tables") {
  const auto v4 = internet_prefixes(Family::ipv4, 20'000);
  CHECK(v4.size() == 20'000);
  CHECK(std::set<Prefix>(v4.begin(), v4.end()).size() == v4.size());
  const auto of_length = [&](unsigned length) { return std::ranges::count(v4, length, &Prefix::length); };
  CHECK(of_length(24) > 11'500);
  CHECK(of_length(24) < 12'500);
  CHECK(std::ranges::all_of(v4, [](const Prefix& prefix) { return prefix.length() >= 13 && prefix.length() <= 24; }));
  CHECK(internet_prefixes(Family::ipv4, 20'000) == v4);

  for (const unsigned count : {10u, 20'000u, 1'000'000u}) {
    const auto v6 = internet_prefixes(Family::ipv6, count);
    CHECK(std::set<Prefix>(v6.begin(), v6.end()).size() == count);
    std::set<IpAddress> hosts;
    for (const Prefix& prefix : v6) hosts.insert(host_in(prefix));
    CHECK(hosts.size() == count);
    CHECK(std::ranges::count(v6, 48u, &Prefix::length) * 2 > count);
    CHECK(std::ranges::count(v6, 32u, &Prefix::length) <= 7936);
  }
}

TEST_CASE("they leave a scenario's own addresses alone") {
  for (const Prefix& prefix : internet_prefixes(Family::ipv4, 20'000)) {
    CHECK_FALSE(prefix.contains(gateway_address));
    CHECK_FALSE(prefix.contains(peer_address(9999)));
    CHECK_FALSE(prefix.contains(all_tunnel_nets(Side::ours, Family::ipv4)));
    CHECK_FALSE(prefix.contains(all_tunnel_nets(Side::peers, Family::ipv4)));
  }
}

TEST_CASE("tunnels have prefixes of their own") {
  CHECK(tunnel_net(Side::ours, Family::ipv4, 257).text() == "10.65.1.0/24");
  CHECK(tunnel_net(Side::peers, Family::ipv4, 257).text() == "10.129.1.0/24");
  CHECK(tunnel_net(Side::peers, Family::ipv6, 257).text() == "fd00:2:101::/48");
  CHECK(peer_address(257).text() == "198.19.1.1");
  CHECK(host_in(tunnel_net(Side::ours, Family::ipv6, 0)).text() == "fd00:1::1");
  for (const Family family : {Family::ipv4, Family::ipv6})
    for (const Side side : {Side::ours, Side::peers})
      CHECK(all_tunnel_nets(side, family).contains(tunnel_net(side, family, ipc::max_tunnels - 1)));
}

}  // namespace sekisho::dataplane::bench
