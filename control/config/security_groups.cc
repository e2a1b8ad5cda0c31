#include "control/config/security_groups.h"

#include <algorithm>
#include <map>
#include <set>

#include "control/config/security_protocols.h"
#include "ipc/convert.h"

namespace sekisho::config {
namespace {

constexpr Family families[] = {Family::ipv4, Family::ipv6};

size_t count_of(const std::vector<Prefix>& prefixes, Family family) {
  return static_cast<size_t>(std::ranges::count(prefixes, family, &Prefix::family));
}

// Of one family; one for any address where none is named.
std::vector<Prefix> choices(const std::vector<Prefix>& named, Family family) {
  if (named.empty()) return {Prefix(IpAddress::any(family), 0)};
  std::vector<Prefix> of_family;
  std::ranges::copy_if(named, std::back_inserter(of_family), [&](const Prefix& p) { return p.family() == family; });
  return of_family;
}

size_t rule_count(const SecurityRule& rule) {
  const size_t ports = std::max<size_t>(rule.ports.size(), 1);
  if (rule.remote.empty() && rule.local.empty()) return ports;
  size_t pairs = 0;
  for (const Family family : families) {
    const auto count = [&](const std::vector<Prefix>& named) { return named.empty() ? 1 : count_of(named, family); };
    pairs += count(rule.remote) * count(rule.local);
  }
  return pairs * ports;
}

void add_ports(const SecurityRule& rule, ipc::FilterRuleAdd flat, std::vector<ipc::FilterRuleAdd>& out) {
  if (rule.ports.empty()) return out.push_back(flat);
  for (const PortRange& range : rule.ports) {
    flat.first_port = range.first;
    flat.last_port = range.last;
    out.push_back(flat);
  }
}

void add_rule(const SecurityRule& rule, ipc::Direction direction, std::vector<ipc::FilterRuleAdd>& out) {
  ipc::FilterRuleAdd flat{.direction = direction, .protocol = rule.protocol};
  flat.has_icmp_type = rule.icmp_type.has_value();
  flat.icmp_type = rule.icmp_type.value_or(0);
  if (rule.remote.empty() && rule.local.empty()) return add_ports(rule, flat, out);
  for (const Family family : families)
    for (const Prefix& remote : choices(rule.remote, family))
      for (const Prefix& local : choices(rule.local, family)) {
        flat.family = static_cast<uint8_t>(family);
        flat.remote = ipc::from_address(remote.address());
        flat.remote_length = static_cast<uint8_t>(remote.length());
        flat.local = ipc::from_address(local.address());
        flat.local_length = static_cast<uint8_t>(local.length());
        add_ports(rule, flat, out);
      }
}

using List = std::pair<std::string, std::vector<std::string>>;  // of a VRF

// That has groups: calls `take` with its list and its name.
void each_interface(const Config& config, auto take) {
  const auto add = [&](const std::string& vrf, const std::vector<std::string>& groups, const std::string& name) {
    if (!groups.empty()) take(List{vrf, groups}, name);
  };
  for (const auto& [name, port] : config.ports) add(port.vrf, port.security_groups, name);
  for (const auto& [name, tunnel] : config.tunnels)
    add(tunnel.interface.vrf, tunnel.interface.security_groups, tunnel.interface.name);
}

}  // namespace

std::array<size_t, 2> rule_counts(const SecurityGroup& group) {
  const auto count = [](const std::vector<SecurityRule>& rules) {
    size_t sum = 0;
    for (const SecurityRule& rule : rules) sum += rule_count(rule);
    return sum;
  };
  return {count(group.in), count(group.out)};
}

size_t filter_count(const Config& config) {
  std::set<List> lists;
  each_interface(config, [&](const List& list, const std::string&) { lists.insert(list); });
  return lists.size();
}

std::vector<Filter> filters(const Config& config) {
  std::map<List, std::vector<std::string>> interfaces;
  each_interface(config, [&](const List& list, const std::string& name) { interfaces[list].push_back(name); });
  std::vector<Filter> all;
  for (auto& [list, names] : interfaces) {
    const auto& [vrf, groups] = list;
    Filter filter{vrf, groups, std::move(names), {}};
    for (const std::string& group : groups) {
      const SecurityGroup& rules = config.security_groups.find(group)->second;
      for (const SecurityRule& rule : rules.in) add_rule(rule, ipc::Direction::inbound, filter.rules);
      for (const SecurityRule& rule : rules.out) add_rule(rule, ipc::Direction::outbound, filter.rules);
    }
    all.push_back(std::move(filter));
  }
  return all;
}

// FNV-1a of 64 bits (G. Fowler, L. C. Noll, K.-P. Vo) over the names, each with its end.
uint64_t identity(const std::string& vrf, const std::vector<std::string>& groups) {
  uint64_t hash = 0xcbf29ce484222325;
  const auto add = [&](const std::string& name) {
    for (const char c : name) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3;
    hash *= 0x100000001b3;
  };
  add(vrf);
  for (const std::string& group : groups) add(group);
  return hash;
}

std::string protocol_text(uint8_t protocol) {
  if (protocol == 0) return {};
  const auto* const found = std::ranges::find(security_protocols, protocol, &SecurityProtocol::number);
  return found != std::end(security_protocols) ? std::string(found->name) : std::to_string(protocol);
}

}  // namespace sekisho::config
