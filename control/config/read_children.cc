// What a tunnel carries: its child SAs with their selectors, and the routes that follow from them.
#include <fmt/format.h>

#include <algorithm>

#include "base/messages/config.h"
#include "control/config/fields.h"
#include "control/config/negotiation.h"
#include "ipc/schema.h"

namespace sekisho::config {
namespace {

constexpr size_t max_children = 16;

// One child of IKEv1 has one pair of selectors, and what every peer has for a tunnel interface is IPv4's.
std::vector<TrafficSelector> everything(ike::IkeVersion version) {
  const auto all = [](Family family) { return TrafficSelector::from_prefix(Prefix(IpAddress::any(family), 0)); };
  if (version == ike::IkeVersion::v1) return {all(Family::ipv4)};
  return {all(Family::ipv4), all(Family::ipv6)};
}

bool has_family(const std::vector<TrafficSelector>& selectors, Family family) {
  return std::ranges::any_of(selectors, [&](const auto& selector) { return selector.first.family() == family; });
}

void read_selector_list(const Object& object, std::string_view key, std::vector<TrafficSelector>& selectors) {
  const auto node = object.get(key);
  if (!node) return;
  selectors.clear();
  for (const Prefix& prefix : read_list(node->items(1, ipc::max_selector_pairs, "selectors"), read_prefix))
    selectors.push_back(TrafficSelector::from_prefix(prefix));
}

// The data path checks a packet against pairs of one local and one remote selector of the same family.
size_t count_pairs(const ike::ChildDefinition& child) {
  size_t pairs = 0;
  for (const auto& local : child.local_selectors)
    pairs += static_cast<size_t>(std::ranges::count_if(
        child.remote_selectors, [&](const auto& remote) { return remote.first.family() == local.first.family(); }));
  return pairs;
}

bool may_carry(const ike::Connection& connection, const Prefix& prefix) {
  return std::ranges::any_of(connection.children, [&](const ike::ChildDefinition& child) {
    return std::ranges::any_of(child.remote_selectors, [&](const TrafficSelector& selector) {
      return selector.first.family() == prefix.family() && selector.first <= prefix.address() &&
             prefix.last() <= selector.last;
    });
  });
}

// Whether a route of the configuration leads to the address that is more specific than `prefix`.
bool has_more_specific(const Config& config, const Prefix& prefix, const IpAddress& address) {
  const auto better = [&](const Prefix& other) { return other.length() > prefix.length() && other.contains(address); };
  for (const auto& [name, port] : config.ports)
    for (const auto& entry : port.addresses)
      if (port.vrf.empty() && better(Prefix(entry.address, entry.length))) return true;
  return std::ranges::any_of(config.routes, better, &Route::prefix);
}

void check_route(const Prefix& prefix, const Node& node, const Tunnel& tunnel, Context& context) {
  context.claims.claim(ClaimKind::route, within(tunnel.interface.vrf, prefix.text()), node);
  check_way(prefix, node, tunnel, context.config);
}

// Selectors of the configuration are prefixes.
Prefix prefix_of(const TrafficSelector& selector) {
  unsigned length = 0;
  while (Prefix(selector.first, length).last() != selector.last ||
         Prefix(selector.first, length).address() != selector.first)
    ++length;
  return {selector.first, length};
}

// Where it is not known what is meant, nothing is refused for not being within it.
void permit_everything(ike::ChildDefinition& child) {
  child.local_selectors = child.remote_selectors = everything(ike::IkeVersion::v2);
}

// "selectors" of a tunnel or of a child.
void read_selectors(const Object& object_with_selectors, ike::IkeVersion version, ike::ChildDefinition& child) {
  child.local_selectors = child.remote_selectors = everything(version);
  const auto node = object_with_selectors.get("selectors");
  if (!node) return;
  const ErrorWatch watch(*node);
  const Object object(*node, {"local", "remote"});
  read_selector_list(object, "local", child.local_selectors);
  read_selector_list(object, "remote", child.remote_selectors);
  if (!watch.clean()) return permit_everything(child);
  const auto& local = child.local_selectors;
  const auto& remote = child.remote_selectors;
  for (const Family family : {Family::ipv4, Family::ipv6})
    if (has_family(local, family) && has_family(remote, family)) {
      if (const size_t pairs = count_pairs(child); pairs > ipc::max_selector_pairs)
        node->fail(messages::config_out_of_range, fmt::format("{} pairs of a local and a remote selector, at most {}",
                                                              pairs, ipc::max_selector_pairs));
      return;
    }
  node->fail(messages::config_family_mismatch, "the local and the remote selectors have no family in common");
}

void check_children(const std::vector<ike::ChildDefinition>& children, const Node& node) {
  if (children.empty() || children.size() > max_children)
    node.fail(messages::config_out_of_range,
              fmt::format("{} children, 1 to {} are wanted", children.size(), max_children));
  const auto sorted = [](std::vector<TrafficSelector> selectors) {
    std::ranges::sort(selectors, {}, &TrafficSelector::text);
    return selectors;
  };
  for (size_t i = 0; i < std::min(children.size(), max_children); ++i)
    for (size_t j = 0; j < i; ++j)
      if (sorted(children[i].local_selectors) == sorted(children[j].local_selectors) &&
          sorted(children[i].remote_selectors) == sorted(children[j].remote_selectors))
        node.fail(messages::config_children_alike, fmt::format("{} and {}", children[j].name, children[i].name));
}

}  // namespace

void check_way(const Prefix& prefix, const Node& node, const Tunnel& tunnel, const Config& config,
               std::string_view whose) {
  const ike::Connection& connection = tunnel.connection;
  if (!may_carry(connection, prefix)) {
    std::string selectors;
    for (const auto& child : connection.children)
      for (const auto& selector : child.remote_selectors) selectors += (selectors.empty() ? "" : " ") + selector.text();
    node.fail(messages::config_route_outside_selectors,
              fmt::format("{} is not within {}{}", prefix.text(), selectors, whose));
  }
  // A VRF's routes are none of the outer packets'.
  if (tunnel.interface.vrf.empty() && prefix.contains(connection.remote) && !connection.remote.is_any() &&
      !has_more_specific(config, prefix, connection.remote))
    node.fail(messages::config_route_loop,
              fmt::format("{} covers the peer {}{}", prefix.text(), connection.remote.text(), whose));
}

void read_children(const Object& tunnel_object, Tunnel& tunnel) {
  std::vector<ike::ChildDefinition>& children = tunnel.connection.children;
  const auto node = tunnel_object.get("children");
  if (!node) return read_selectors(tunnel_object, tunnel.connection.version, children.front());
  if (const auto selectors = tunnel_object.get("selectors"))
    selectors->fail(messages::config_children_selectors, "the tunnel has \"children\"");
  const ike::ChildDefinition defaults = children.front();
  const auto members = node->members();
  if (!members) {
    permit_everything(children.front());
    return;
  }
  const ErrorWatch watch(*node);
  std::vector<ike::ChildDefinition> read;
  for (const auto& [name, member] : *members) {
    if (const std::string fault = tunnel_name_fault(name); !fault.empty())
      member.fail(messages::config_bad_name, fault);
    const Object object(member, {"esp", "selectors"});
    ike::ChildDefinition& child = read.emplace_back(defaults);
    child.name = name;
    read_child_esp(object, tunnel, child);
    read_selectors(object, tunnel.connection.version, child);
  }
  if (watch.clean()) check_children(read, *node);
  // An object's members have no order (RFC 8259 section 4), so none is to count.
  std::ranges::sort(read, {}, &ike::ChildDefinition::name);
  if (!read.empty()) children = std::move(read);
}

void read_tunnel_routes(const Object& object, const Node& node, Tunnel& tunnel, Context& context) {
  if (const auto routes = object.get("routes")) {
    tunnel.routes = read_list(*routes, [&](const Node& item) {
      auto prefix = read_prefix(item);
      if (prefix) check_route(*prefix, item, tunnel, context);
      return prefix;
    });
    if (tunnel.routes.size() > max_routes)
      routes->fail(messages::config_out_of_range,
                   fmt::format("{} routes, at most {}", tunnel.routes.size(), max_routes));
    return;
  }
  if (group_of(context.config, tunnel.connection.name)) return;
  for (const ike::ChildDefinition& child : tunnel.connection.children)
    for (const TrafficSelector& selector : child.remote_selectors) {
      const Prefix prefix = prefix_of(selector);
      if (prefix.length() == 0 || std::ranges::find(tunnel.routes, prefix) != tunnel.routes.end()) continue;
      tunnel.routes.push_back(prefix);
      check_route(prefix, node, tunnel, context);
    }
}

}  // namespace sekisho::config
