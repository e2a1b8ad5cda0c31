#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <initializer_list>

#include "base/messages/config.h"
#include "control/config/fields.h"
#include "control/config/negotiation.h"
#include "ipc/schema.h"

namespace sekisho::config {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr uint64_t week = 7 * 24 * 3600, year = 365 * 24 * 3600ull;
constexpr uint64_t least_fragment = 576, largest_fragment = 65535;  // IP datagrams
constexpr size_t max_proposals = 16;
constexpr size_t max_routes = 4096;

// In order of preference; the last of each list are for peers of the legacy profile.
constexpr std::initializer_list<const char*> modern_ike = {"aes128gcm16-prfsha256-x25519",
                                                           "aes256gcm16-prfsha384-ecp384",
                                                           "aes128gcm16-prfsha256-ecp256", "aes256-sha256-modp2048"};
constexpr std::initializer_list<const char*> legacy_ike = {"aes256-sha1-modp1024", "aes128-sha1-modp1024"};
// IKEv1 has no combined modes in phase 1, and no x25519.
constexpr std::initializer_list<const char*> modern_ikev1 = {"aes256-sha256-ecp256", "aes256-sha256-modp2048"};
constexpr std::initializer_list<const char*> modern_esp = {"aes128gcm16", "aes256gcm16", "aes256-sha256"};
constexpr std::initializer_list<const char*> legacy_esp = {"aes128-sha1"};

void read_seconds(const Object& object, std::string_view key, uint64_t least, uint64_t most, Duration& duration) {
  if (const auto node = object.get(key))
    if (const auto value = node->integer(least, most)) duration = seconds(*value);
}

template <typename Proposal>
void append(std::vector<Proposal>& list, std::initializer_list<const char*> texts) {
  for (const char* text : texts)
    if (const auto proposal = Proposal::parse(text)) list.push_back(*proposal);
}

template <typename Proposal, typename Read>
void read_proposals(const Object& object, Profile profile, Read read, std::vector<Proposal>& proposals) {
  const auto node = object.get("proposals");
  if (!node) return;
  const auto items = node->items();
  if (!items) return;
  if (items->empty() || items->size() > max_proposals)
    node->fail(messages::config_out_of_range,
               fmt::format("{} proposals, 1 to {} are wanted", items->size(), max_proposals));
  proposals = read_list(*node, [&](const Node& item) { return read(item, profile); });
}

void read_retransmission(const Object& ike, ike::Retransmission& retransmission) {
  const auto node = ike.get("retransmission");
  if (!node) return;
  const Object object(*node, {"first_ms", "factor", "tries"});
  if (const auto first = object.get("first_ms"))
    if (const auto value = first->integer(50, 60'000)) retransmission.first = milliseconds(*value);
  if (const auto factor = object.get("factor")) assign(retransmission.factor, factor->number(1, 10));
  if (const auto tries = object.get("tries")) assign(retransmission.tries, tries->integer(1, 20));
}

// One child of IKEv1 has one pair of selectors, and what every peer has for a tunnel interface is IPv4's.
std::vector<TrafficSelector> everything(ike::IkeVersion version) {
  const auto all = [](Family family) { return TrafficSelector::from_prefix(Prefix(IpAddress::any(family), 0)); };
  if (version == ike::IkeVersion::v1) return {all(Family::ipv4)};
  return {all(Family::ipv4), all(Family::ipv6)};
}

// What the version cannot say is refused here, or a peer would be offered less than the operator wrote.
template <typename Proposal>
void check_version(const Object& object, const ike::Connection& connection, const std::vector<Proposal>& proposals) {
  const auto node = object.get("proposals");
  if (!node || connection.version == ike::IkeVersion::v2) return;
  for (const Proposal& proposal : proposals)
    if (!proposal.in_ikev1()) node->fail(messages::config_not_in_ikev1, proposal.text());
}

void read_version(const Object& object, ike::Connection& connection) {
  if (const auto version = object.get("version"))
    if (const auto choice = version->choice({"v1", "v2"}))
      connection.version = *choice == 0 ? ike::IkeVersion::v1 : ike::IkeVersion::v2;
  const auto aggressive = object.get("aggressive");
  if (!aggressive) return;
  assign(connection.aggressive, aggressive->boolean());
  if (connection.aggressive && connection.version != ike::IkeVersion::v1)
    aggressive->fail(messages::config_aggressive_without_v1, "\"version\" is v2");
}

void append_default_ike(Tunnel& tunnel) {
  auto& proposals = tunnel.connection.ike_proposals;
  append(proposals, tunnel.connection.version == ike::IkeVersion::v1 ? modern_ikev1 : modern_ike);
  if (tunnel.profile == Profile::legacy) append(proposals, legacy_ike);
}

bool has_family(const std::vector<TrafficSelector>& selectors, Family family) {
  return std::ranges::any_of(selectors, [&](const auto& selector) { return selector.first.family() == family; });
}

void read_selector_list(const Object& object, std::string_view key, std::vector<TrafficSelector>& selectors) {
  const auto node = object.get(key);
  if (!node) return;
  const auto prefixes = read_list(*node, read_prefix);
  if (const auto items = node->items(); items && (items->empty() || items->size() > ipc::max_selector_pairs))
    node->fail(messages::config_out_of_range,
               fmt::format("{} selectors, 1 to {} are wanted", items->size(), ipc::max_selector_pairs));
  selectors.clear();
  for (const Prefix& prefix : prefixes) selectors.push_back(TrafficSelector::from_prefix(prefix));
}

// The data path checks a packet against pairs of one local and one remote selector of the same family.
size_t count_pairs(const ike::Connection& connection) {
  size_t pairs = 0;
  for (const auto& local : connection.children.front().local_selectors)
    pairs += static_cast<size_t>(
        std::ranges::count_if(connection.children.front().remote_selectors,
                              [&](const auto& remote) { return remote.first.family() == local.first.family(); }));
  return pairs;
}

bool may_carry(const ike::Connection& connection, const Prefix& prefix) {
  return std::ranges::any_of(connection.children.front().remote_selectors, [&](const TrafficSelector& selector) {
    return selector.first.family() == prefix.family() && selector.first <= prefix.address() &&
           prefix.last() <= selector.last;
  });
}

// Whether a route of the configuration leads to the address that is more specific than `prefix`.
bool has_more_specific(const Config& config, const Prefix& prefix, const IpAddress& address) {
  const auto better = [&](const Prefix& other) { return other.length() > prefix.length() && other.contains(address); };
  for (const auto& [name, port] : config.ports)
    for (const auto& entry : port.addresses)
      if (better(Prefix(entry.address, entry.length))) return true;
  return std::ranges::any_of(config.routes, better, &Route::prefix);
}

void check_route(const Prefix& prefix, const Node& node, const ike::Connection& connection, Context& context) {
  context.claims.claim(ClaimKind::route, prefix.text(), node);
  if (!may_carry(connection, prefix)) {
    std::string selectors;
    for (const auto& selector : connection.children.front().remote_selectors)
      selectors += (selectors.empty() ? "" : " ") + selector.text();
    node.fail(messages::config_route_outside_selectors, fmt::format("{} is not within {}", prefix.text(), selectors));
  }
  if (prefix.contains(connection.remote) && !connection.remote.is_any() &&
      !has_more_specific(context.config, prefix, connection.remote))
    node.fail(messages::config_route_loop,
              fmt::format("{} covers the peer {}", prefix.text(), connection.remote.text()));
}

}  // namespace

void read_ike(const Object& tunnel_object, Tunnel& tunnel) {
  ike::Connection& connection = tunnel.connection;
  const auto node = tunnel_object.get("ike");
  if (!node) return append_default_ike(tunnel);
  const Object object(*node,
                      {"proposals", "lifetime", "dpd_interval", "retransmission", "retry_interval", "fragmentation",
                       "fragment_size", "mobike", "version", "aggressive"},
                      "version");
  read_version(object, connection);
  append_default_ike(tunnel);
  read_proposals(object, tunnel.profile, read_ike_proposal, connection.ike_proposals);
  check_version(object, connection, connection.ike_proposals);
  read_seconds(object, "lifetime", 2, year, connection.ike_lifetime);
  read_seconds(object, "dpd_interval", 0, 3600, connection.dpd_interval);
  read_seconds(object, "retry_interval", 1, 3600, connection.retry_interval);
  read_retransmission(object, connection.retransmission);
  if (const auto fragmentation = object.get("fragmentation"))
    assign(connection.fragmentation, fragmentation->boolean());
  if (const auto mobike = object.get("mobike")) assign(connection.mobike, mobike->boolean());
  if (const auto size = object.get("fragment_size")) {
    assign(connection.fragment_size, size->integer(0, largest_fragment));
    if (connection.fragment_size != 0 && connection.fragment_size < least_fragment)
      size->fail(messages::config_out_of_range, fmt::format("{} is neither 0 nor {} to {}", connection.fragment_size,
                                                            least_fragment, largest_fragment));
  }
}

void read_esp(const Object& tunnel_object, Tunnel& tunnel) {
  ike::Connection& connection = tunnel.connection;
  append(connection.children.front().esp_proposals, modern_esp);
  if (tunnel.profile == Profile::legacy) append(connection.children.front().esp_proposals, legacy_esp);
  const auto node = tunnel_object.get("esp");
  if (!node) return;
  const Object object(
      *node, {"proposals", "lifetime", "lifetime_bytes", "lifetime_packets", "replay_window", "encapsulation"});
  read_proposals(object, tunnel.profile, read_esp_proposal, connection.children.front().esp_proposals);
  check_version(object, tunnel.connection, connection.children.front().esp_proposals);
  read_seconds(object, "lifetime", 2, week, connection.children.front().lifetime);
  constexpr uint64_t most = uint64_t{1} << 62;
  if (const auto bytes = object.get("lifetime_bytes"))
    assign(connection.children.front().lifetime_bytes, bytes->integer(0, most));
  if (const auto packets = object.get("lifetime_packets"))
    assign(connection.children.front().lifetime_packets, packets->integer(0, most));
  if (const auto encapsulation = object.get("encapsulation"))
    assign(connection.encapsulation, encapsulation->choice({"auto", "force", "off"}));
  const auto window = object.get("replay_window");
  const auto size = window ? window->integer(0, 4096) : std::nullopt;
  if (!size) return;
  connection.children.front().replay_window = static_cast<uint16_t>(*size);
  if (*size % 64 != 0)
    window->fail(messages::config_out_of_range, fmt::format("{} is neither 0 nor a multiple of 64 up to 4096", *size));
}

void read_selectors(const Object& tunnel_object, ike::Connection& connection) {
  connection.children.front().local_selectors = connection.children.front().remote_selectors =
      everything(connection.version);
  const auto node = tunnel_object.get("selectors");
  if (!node) return;
  const Object object(*node, {"local", "remote"});
  read_selector_list(object, "local", connection.children.front().local_selectors);
  read_selector_list(object, "remote", connection.children.front().remote_selectors);
  const auto& local = connection.children.front().local_selectors;
  const auto& remote = connection.children.front().remote_selectors;
  if (local.empty() || remote.empty()) return;
  for (const Family family : {Family::ipv4, Family::ipv6})
    if (has_family(local, family) && has_family(remote, family)) {
      if (const size_t pairs = count_pairs(connection); pairs > ipc::max_selector_pairs)
        node->fail(messages::config_out_of_range, fmt::format("{} pairs of a local and a remote selector, at most {}",
                                                              pairs, ipc::max_selector_pairs));
      return;
    }
  node->fail(messages::config_family_mismatch, "the local and the remote selectors have no family in common");
}

void read_tunnel_routes(const Object& object, const Node& node, Tunnel& tunnel, Context& context) {
  if (const auto routes = object.get("routes")) {
    tunnel.routes = read_list(*routes, [&](const Node& item) {
      auto prefix = read_prefix(item);
      if (prefix) check_route(*prefix, item, tunnel.connection, context);
      return prefix;
    });
    if (tunnel.routes.size() > max_routes)
      routes->fail(messages::config_out_of_range,
                   fmt::format("{} routes, at most {}", tunnel.routes.size(), max_routes));
    return;
  }
  for (const TrafficSelector& selector : tunnel.connection.children.front().remote_selectors) {
    unsigned length = 0;
    while (Prefix(selector.first, length).last() != selector.last ||
           Prefix(selector.first, length).address() != selector.first)
      ++length;
    if (length == 0) continue;
    tunnel.routes.emplace_back(selector.first, length);
    check_route(tunnel.routes.back(), node, tunnel.connection, context);
  }
}

}  // namespace sekisho::config
