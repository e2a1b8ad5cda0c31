// The section "security_groups", and the key of that name in ports and tunnel interfaces.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/messages/config.h"
#include "control/config/fields.h"
#include "control/config/sections.h"
#include "control/config/security_groups.h"
#include "control/config/security_protocols.h"

namespace sekisho::config {
namespace {

constexpr size_t max_rules = ipc::max_filter_rules;  // written, of a direction
constexpr size_t max_items = 256;                    // of a list in a rule
constexpr size_t max_attached = 8;
constexpr size_t longest_note = 255;
constexpr uint8_t tcp = 6, udp = 17, sctp = 132, icmp = 1, icmpv6 = 58;

// For what is any there is no word but at the place of all rules.
bool refuse_any(const Node& node) {
  if (!node.is("any")) return false;
  node.fail(messages::config_wrong_type, "a rule has no such word: a part of it that is to be any is left out");
  return true;
}

uint8_t read_protocol(const Node& node) {
  if (!node.is_text()) return static_cast<uint8_t>(node.integer(1, 255).value_or(0));
  const std::string name = *node.text();
  const auto* const found = std::ranges::find(security_protocols, name, &SecurityProtocol::name);
  if (found != std::end(security_protocols)) return found->number;
  std::string names;
  for (const SecurityProtocol& each : security_protocols) names += fmt::format("{}, ", each.name);
  node.fail(messages::config_bad_choice,
            fmt::format("{} is none of: {}or a number from 1 to 255, without quotation marks", shown(name), names));
  return 0;
}

std::optional<PortRange> parse_range(std::string_view text) {
  const auto number = [](std::string_view digits) -> std::optional<uint16_t> {
    uint16_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc() || end != digits.data() + digits.size() || value == 0) return {};
    return value;
  };
  const size_t dash = text.find('-');
  const auto first = number(text.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : number(text.substr(dash + 1));
  if (!first || !last || *first > *last) return {};
  return PortRange{*first, *last};
}

std::optional<PortRange> read_port_range(const Node& node) {
  if (!node.is_text()) {
    const auto port = node.integer(1, UINT16_MAX);
    if (!port) return {};
    return PortRange{static_cast<uint16_t>(*port), static_cast<uint16_t>(*port)};
  }
  const std::string text = *node.text();
  const auto range = parse_range(text);
  if (!range)
    node.fail(messages::config_out_of_range,
              fmt::format("{} is neither a port, 1 to 65535, nor a range such as 8000-8100", shown(text)));
  return range;
}

// Whether some packet has all of it.
void check_families(const Node& node, const SecurityRule& rule) {
  const auto only = [&](const std::vector<Prefix>& prefixes, Family family) {
    return std::ranges::all_of(prefixes, [&](const Prefix& prefix) { return prefix.family() == family; });
  };
  const auto has = [&](const std::vector<Prefix>& prefixes, Family family) {
    return prefixes.empty() || std::ranges::find(prefixes, family, &Prefix::family) != prefixes.end();
  };
  const auto both_have = [&](Family family) { return has(rule.remote, family) && has(rule.local, family); };
  if (!both_have(Family::ipv4) && !both_have(Family::ipv6))
    return node.fail(messages::config_family_mismatch, "\"remote\" and \"local\" have no family in common");
  if (rule.protocol == icmp && !(only(rule.remote, Family::ipv4) && only(rule.local, Family::ipv4)))
    return node.fail(messages::config_family_mismatch, "icmp is IPv4's: IPv6 prefixes go with icmpv6");
  if (rule.protocol == icmpv6 && !(only(rule.remote, Family::ipv6) && only(rule.local, Family::ipv6)))
    return node.fail(messages::config_family_mismatch, "icmpv6 is IPv6's: IPv4 prefixes go with icmp");
}

void check_rule(const Node& node, const Object& object, const SecurityRule& rule) {
  if (const auto ports = object.get("ports");
      ports && rule.protocol != tcp && rule.protocol != udp && rule.protocol != sctp)
    ports->fail(messages::config_security_rule_key, "\"ports\" goes with tcp, udp and sctp");
  if (const auto type = object.get("type"); type && rule.protocol != icmp && rule.protocol != icmpv6)
    type->fail(messages::config_security_rule_key, "\"type\" goes with icmp and icmpv6");
  check_families(node, rule);
}

SecurityRule read_rule(const Node& node) {
  const ErrorWatch watch(node);
  const Object object(node, {"protocol", "remote", "local", "ports", "type", "note"});
  SecurityRule rule;
  const auto entries = [](const Node& list) { return list.items(1, max_items, "entries"); };
  const auto part = [&object](std::string_view key) {
    auto node = object.get(key);
    if (node && refuse_any(*node)) node.reset();
    return node;
  };
  if (const auto protocol = part("protocol")) rule.protocol = read_protocol(*protocol);
  if (const auto remote = part("remote")) rule.remote = read_list(entries(*remote), read_prefix);
  if (const auto local = part("local")) rule.local = read_list(entries(*local), read_prefix);
  if (const auto ports = part("ports")) rule.ports = read_list(entries(*ports), read_port_range);
  if (const auto type = part("type")) assign(rule.icmp_type, type->integer(0, UINT8_MAX));
  if (const auto note = object.get("note")) {
    assign(rule.note, note->text());
    if (rule.note.size() > longest_note)
      note->fail(messages::config_out_of_range, fmt::format("{} octets, at most {}", rule.note.size(), longest_note));
  }
  if (watch.clean()) check_rule(node, object, rule);
  return rule;
}

std::vector<SecurityRule> read_rules(const Node& node) {
  if (node.is("any")) return {SecurityRule{}};
  std::vector<SecurityRule> rules;
  if (node.is_text()) {
    node.fail(messages::config_wrong_type,
              fmt::format("{} is neither \"any\" nor a list of rules", shown(*node.text())));
    return rules;
  }
  const auto items = node.items();
  if (!items) return rules;
  if (items->size() > max_rules)
    node.fail(messages::config_out_of_range, fmt::format("{} rules, at most {}", items->size(), max_rules));
  for (const Node& item : *items) rules.push_back(read_rule(item));
  return rules;
}

std::string names_of(const ByName<SecurityGroup>& groups) {
  std::string names;
  for (const auto& [name, group] : groups) names += (names.empty() ? "" : ", ") + name;
  return names.empty() ? "there is none" : "there are " + names;
}

}  // namespace

void read_security_group(const std::string& name, const Node& node, Context& context) {
  if (const std::string fault = tunnel_name_fault(name); !fault.empty()) node.fail(messages::config_bad_name, fault);
  const Object object(node, {"in", "out"});
  SecurityGroup& group = context.config.security_groups[name];
  if (const auto in = object.require("in")) group.in = read_rules(*in);
  if (const auto out = object.require("out")) group.out = read_rules(*out);
}

std::vector<std::string> read_security_groups(const Object& object, const Context& context) {
  const auto node = object.get("security_groups");
  if (!node) return {};
  std::array<size_t, 2> rules{};
  auto names = read_list(*node, [&](const Node& item) -> std::optional<std::string> {
    auto name = item.text();
    if (!name) return {};
    const auto& groups = context.config.security_groups;
    const auto group = groups.find(*name);
    if (group == groups.end()) {
      if (!context.security_groups_known) return {};
      item.fail(messages::config_security_group_unknown, fmt::format("{}; {}", shown(*name), names_of(groups)));
      return {};
    }
    return name;
  });
  if (names.size() > max_attached)
    node->fail(messages::config_out_of_range, fmt::format("{} groups, at most {}", names.size(), max_attached));
  std::ranges::sort(names);
  const auto [first, last] = std::ranges::unique(names);
  names.erase(first, last);
  for (const std::string& name : names) {
    const auto counts = rule_counts(context.config.security_groups.find(name)->second);
    for (size_t i = 0; i < rules.size(); ++i) rules[i] += counts[i];
  }
  for (size_t i = 0; i < rules.size(); ++i)
    if (rules[i] > ipc::max_filter_rules)
      node->fail(messages::config_security_rules, fmt::format("\"{}\" comes to {} combinations, at most {}",
                                                              i == 0 ? "in" : "out", rules[i], ipc::max_filter_rules));
  return names;
}

}  // namespace sekisho::config
