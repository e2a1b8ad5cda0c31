// "bgp" of a tunnel: AS numbers and inside addresses that its peer would not take. FRR speaks BGP, by a configuration
// of its own; this one is held against the facts before anybody waits for a session that cannot come up.
//
// What the clouds keep for themselves:
//   AWS    EC2 API Reference, CreateCustomerGateway (BgpAsn) and VpnTunnelOptionsSpecification (TunnelInsideCidr)
//   Azure  VPN Gateway FAQ, "BGP" (reserved ASNs, ASNs reserved by IANA), "Configure BGP for VPN Gateway" (APIPA)
#include <fmt/format.h>

#include <string_view>

#include "base/messages/config.h"
#include "control/config/fields.h"
#include "control/config/sections.h"

namespace sekisho::config {
namespace {

using Cloud = Bgp::Cloud;

enum class End : bool { ours, any };

struct Reserved {
  uint32_t first, last;
  Cloud cloud;  // where the peer is of this one; none: wherever it is
  End end;
  const char* why;
};
constexpr Reserved reserved[] = {
    {23456, 23456, Cloud::none, End::any, "stands for numbers that do not fit into 16 bits (RFC 6793)"},
    {65535, 65535, Cloud::none, End::any, "is reserved (RFC 7300)"},
    {UINT32_MAX, UINT32_MAX, Cloud::none, End::any, "is reserved (RFC 7300)"},
    {64496, 64511, Cloud::azure, End::any, "is for documentation (RFC 5398); Azure refuses it"},
    {65536, 65551, Cloud::azure, End::any, "is for documentation (RFC 5398); Azure refuses it"},
    {8074, 8075, Cloud::azure, End::ours, "is reserved by Azure"},
    {12076, 12076, Cloud::azure, End::ours, "is reserved by Azure"},
    {65515, 65515, Cloud::azure, End::ours, "is reserved by Azure for its gateways"},
    {65517, 65520, Cloud::azure, End::ours, "is reserved by Azure"},
    {7224, 7224, Cloud::aws, End::ours, "is reserved by AWS (us-east-1)"},
    {9059, 9059, Cloud::aws, End::ours, "is reserved by AWS (eu-west-1)"},
    {10124, 10124, Cloud::aws, End::ours, "is reserved by AWS (ap-northeast-1)"},
    {17493, 17493, Cloud::aws, End::ours, "is reserved by AWS (ap-southeast-1)"},
};

// 0: none, or one that was reported.
uint32_t read_as(const Object& object, std::string_view key, Cloud cloud) {
  const auto node = object.require(key);
  const auto value = node ? node->integer(1, UINT32_MAX) : std::nullopt;
  if (!value) return 0;
  const auto number = static_cast<uint32_t>(*value);
  for (const Reserved& each : reserved) {
    if (number < each.first || number > each.last) continue;
    if (each.cloud != Cloud::none && each.cloud != cloud) continue;
    if (each.end == End::ours && key != "local_as") continue;
    node->fail(messages::config_bgp_reserved_as, fmt::format("{} {}", number, each.why));
    return 0;
  }
  return number;
}

// Why no tunnel to this cloud has such an address inside; empty: one may.
std::string_view inside_fault(Cloud cloud, const IpAddress& address) {
  const auto within = [&address](const char* prefix) { return Prefix::parse(prefix)->contains(address); };
  if (cloud == Cloud::aws)
    for (const char* taken : {"169.254.0.0/30", "169.254.1.0/30", "169.254.2.0/30", "169.254.3.0/30", "169.254.4.0/30",
                              "169.254.5.0/30", "169.254.169.252/30"})
      if (within(taken)) return "is of a /30 that AWS reserves";
  if (cloud == Cloud::azure && within("169.254.0.0/16") && !within("169.254.21.0/24") && !within("169.254.22.0/24"))
    return "is not within 169.254.21.0 to 169.254.22.255, which is what Azure takes of 169.254.0.0/16";
  return {};
}

}  // namespace

void read_bgp(const Object& tunnel, Tunnel& result) {
  const auto node = tunnel.get("bgp");
  if (!node) return;
  const Object object(*node, {"local_as", "neighbour_as", "cloud"});
  Bgp& bgp = result.bgp.emplace();
  if (const auto cloud = object.get("cloud")) {
    assign(bgp.cloud, cloud->choice({"none", "aws", "azure", "other"}));
    for (const InterfaceAddress& each : result.interface.addresses)
      if (const auto fault = inside_fault(bgp.cloud, each.address); !fault.empty())
        cloud->fail(messages::config_bgp_inside_address, fmt::format("{} {}", each.address.text(), fault));
  }
  bgp.local_as = read_as(object, "local_as", bgp.cloud);
  bgp.neighbour_as = read_as(object, "neighbour_as", bgp.cloud);
  if (bgp.cloud != Cloud::none && bgp.local_as != 0 && bgp.local_as == bgp.neighbour_as)
    node->fail(messages::config_bgp_internal, std::to_string(bgp.local_as));
}

}  // namespace sekisho::config
