#include "dataplane/manager/staging.h"

#include <utility>

#include "base/messages/dataplane.h"
#include "dataplane/manager/validate.h"
#include "ipc/convert.h"

namespace sekisho::dataplane {
namespace {

std::string number(auto id) { return std::to_string(id.value()); }

std::unexpected<Error> named_twice(const char* what, auto id) {
  return fail(messages::command_refused, std::string(what) + " " + number(id) + " is named twice in one transaction");
}

// The holdings with a transaction laid over them.
class Outcome {
 public:
  Outcome(const Staging& staging, const Holdings& holdings) : staging_(staging), holdings_(holdings) {}

  bool has_port(ipc::PortId id) const {
    return staging_.ports.contains(id) || (holdings_.ports.contains(id) && !staging_.removed_ports.contains(id));
  }
  bool has_tunnel(ipc::TunnelId id) const {
    return staging_.tunnels.contains(id) || (holdings_.tunnels.contains(id) && !staging_.removed_tunnels.contains(id));
  }
  const SaRecord* sa(ipc::SaId id) const {
    if (const auto found = staging_.sas.find(id); found != staging_.sas.end()) return &found->second.value.record;
    const auto found = holdings_.sas.find(id);
    return found != holdings_.sas.end() && !staging_.removed_sas.contains(id) ? &found->second : nullptr;
  }

 private:
  const Staging& staging_;
  const Holdings& holdings_;
};

using Checked = std::optional<Refusal>;

Checked refusal(uint32_t index, ipc::CommandType command, std::string reason) {
  return Refusal{index, command, std::move(reason)};
}

Checked check_ports(const Staging& staging, const Holdings& holdings) {
  for (const auto& [id, staged] : staging.ports) {
    const auto held = holdings.ports.find(id);
    if (held == holdings.ports.end()) continue;
    if (held->second.device != staged.value.device)
      return refusal(staged.index, ipc::CommandType::port_set,
                     "port " + number(id) + " has another device: " + held->second.device);
    if (held->second.name != staged.value.name)
      return refusal(staged.index, ipc::CommandType::port_set,
                     "port " + number(id) + " has another name: " + held->second.name);
  }
  return {};
}

Checked check_tunnels(const Staging& staging, const Holdings& holdings, const Outcome& outcome) {
  for (const auto& [id, staged] : staging.tunnels) {
    const auto held = holdings.tunnels.find(id);
    if (held != holdings.tunnels.end() && held->second.name != staged.value.name)
      return refusal(staged.index, ipc::CommandType::tunnel_set,
                     "tunnel " + number(id) + " has another name: " + held->second.name);
    for (const ipc::SaId tx : staged.value.tx_sas) {
      const SaRecord* sa = outcome.sa(tx);
      if (sa == nullptr || sa->direction != ipc::Direction::outbound || sa->tunnel != id)
        return refusal(staged.index, ipc::CommandType::tunnel_set,
                       "SA " + number(tx) + " is no outbound SA of tunnel " + number(id));
    }
  }
  return {};
}

Checked check_sas(const Staging& staging, const Holdings& holdings, const Outcome& outcome) {
  for (const auto& [id, staged] : staging.sas) {
    if (holdings.sas.contains(id))
      return refusal(staged.index, ipc::CommandType::sa_add, "SA " + number(id) + " is in use");
    const ipc::TunnelId tunnel = staged.value.record.tunnel;
    if (!outcome.has_tunnel(tunnel))
      return refusal(staged.index, ipc::CommandType::sa_add,
                     "SA " + number(id) + " belongs to tunnel " + number(tunnel) + ", which does not exist");
  }
  for (const auto& [id, staged] : staging.moved_sas) {
    const auto held = holdings.sas.find(id);
    if (held == holdings.sas.end() || held->second.spi != staged.value.spi)
      return refusal(staged.index, ipc::CommandType::sa_move, "there is no SA " + number(id) + " with that SPI");
  }
  if (staging.removed_tunnels.empty()) return {};
  for (const auto& [id, record] : holdings.sas) {
    const auto removed = staging.removed_tunnels.find(record.tunnel);
    if (removed != staging.removed_tunnels.end() && outcome.sa(id) != nullptr)
      return refusal(removed->second, ipc::CommandType::tunnel_remove,
                     "tunnel " + number(record.tunnel) + " still has SA " + number(id));
  }
  return {};
}

Checked check_next_hops(const Staging& staging, const Outcome& outcome) {
  for (const auto& [id, staged] : staging.next_hops) {
    const NextHop& hop = staged.value;
    if (hop.kind == ipc::NextHopKind::adjacency && !outcome.has_port(hop.port))
      return refusal(staged.index, ipc::CommandType::next_hop_set,
                     "next hop " + number(id) + " leaves by port " + number(hop.port) + ", which does not exist");
    if (hop.kind == ipc::NextHopKind::tunnel && !outcome.has_tunnel(hop.tunnel))
      return refusal(staged.index, ipc::CommandType::next_hop_set,
                     "next hop " + number(id) + " enters tunnel " + number(hop.tunnel) + ", which does not exist");
  }
  return {};
}

// Interface names belong to one port or tunnel each.
Checked check_names(const Staging& staging, const Holdings& holdings) {
  std::map<std::string, std::pair<char, uint32_t>> owners;  // kind and id
  const auto taken = [&owners](const std::string& name, char kind, uint32_t id) {
    return !owners.try_emplace(name, kind, id).second && owners[name] != std::pair(kind, id);
  };
  for (const auto& [id, record] : holdings.ports)
    if (!staging.removed_ports.contains(id)) taken(record.name, 'p', id.value());
  for (const auto& [id, record] : holdings.tunnels)
    if (!staging.removed_tunnels.contains(id)) taken(record.name, 't', id.value());
  for (const auto& [id, staged] : staging.ports)
    if (taken(staged.value.name, 'p', id.value()))
      return refusal(staged.index, ipc::CommandType::port_set, "interface name " + staged.value.name + " is taken");
  for (const auto& [id, staged] : staging.tunnels)
    if (taken(staged.value.name, 't', id.value()))
      return refusal(staged.index, ipc::CommandType::tunnel_set, "interface name " + staged.value.name + " is taken");
  return {};
}

}  // namespace

std::optional<Refusal> Staging::check(const Holdings& holdings) const {
  if (refusal_) return refusal_;
  const Outcome outcome(*this, holdings);
  if (auto refused = check_ports(*this, holdings)) return refused;
  if (auto refused = check_tunnels(*this, holdings, outcome)) return refused;
  if (auto refused = check_sas(*this, holdings, outcome)) return refused;
  if (auto refused = check_next_hops(*this, outcome)) return refused;
  // Names matter only where interfaces appear; a transaction of SAs or routes need not look at all of them.
  if (!ports.empty() || !tunnels.empty()) return check_names(*this, holdings);
  return {};
}

Result<void> Staging::stage(const ipc::PortSet& command) {
  if (auto valid = validate(command); !valid) return valid;
  if (ports.contains(command.id) || removed_ports.contains(command.id)) return named_twice("port", command.id);
  ports[command.id] = {count_,
                       {*ipc::to_string(command.name), *ipc::to_string(command.device), command.mtu, command.vrf,
                        command.filtered != 0}};
  name_vrf(command.vrf, command.type);
  return {};
}

Result<void> Staging::stage(const ipc::PortRemove& command) {
  if (auto valid = validate(command); !valid) return valid;
  if (ports.contains(command.id) || removed_ports.contains(command.id)) return named_twice("port", command.id);
  removed_ports[command.id] = count_;
  return {};
}

Result<void> Staging::stage(const ipc::TunnelSet& command) {
  if (auto valid = validate(command); !valid) return valid;
  if (tunnels.contains(command.id) || removed_tunnels.contains(command.id)) return named_twice("tunnel", command.id);
  const auto first = command.tx_sas.begin();
  tunnels[command.id] = {count_,
                         {.name = *ipc::to_string(command.name),
                          .mtu = command.mtu,
                          .tx_sas = {first, first + command.tx_count},
                          .on_traffic = command.on_traffic != 0,
                          .df = command.df,
                          .mss = {command.mss_ipv4, command.mss_ipv6},
                          .vrf = command.vrf,
                          .filtered = command.filtered != 0}};
  name_vrf(command.vrf, command.type);
  return {};
}

Result<void> Staging::stage(const ipc::TunnelRemove& command) {
  if (auto valid = validate(command); !valid) return valid;
  if (tunnels.contains(command.id) || removed_tunnels.contains(command.id)) return named_twice("tunnel", command.id);
  removed_tunnels[command.id] = count_;
  return {};
}

Result<void> Staging::stage(const ipc::NextHopSet& command) {
  if (auto valid = validate(command); !valid) return valid;
  next_hops[command.id] = {count_, {command.kind, command.port, command.tunnel, command.mac}};
  return {};
}

Result<void> Staging::stage(const ipc::NextHopGroupSet& command) {
  if (auto valid = validate(command); !valid) return valid;
  groups[command.id] = {count_, {command.buckets}};
  return {};
}

Result<void> Staging::stage(const ipc::RouteSet& command) {
  if (auto valid = validate(command); !valid) return valid;
  routes.push_back({count_, command.vrf, *prefix_of(command.prefix, command.length), command.next_hop});
  name_vrf(command.vrf, command.type);
  return {};
}

Result<void> Staging::stage(const ipc::RouteRemove& command) {
  if (auto valid = validate(command); !valid) return valid;
  routes.push_back({count_, command.vrf, *prefix_of(command.prefix, command.length), {}});
  return {};
}

Result<void> Staging::stage(const ipc::SaAdd& command) {
  if (auto valid = validate(command); !valid) return valid;
  if (names(command.id)) return named_twice("SA", command.id);
  NewSa made{{command.spi, command.tunnel, command.direction}, *ipc::to_address(command.destination), InboundSaPtr()};
  if (command.direction == ipc::Direction::inbound) {
    auto sa = make_inbound_sa(command, crypto_);
    if (!sa) return std::unexpected(sa.error());
    made.sa = std::move(*sa);
  } else {
    auto sa = make_outbound_sa(command, crypto_);
    if (!sa) return std::unexpected(sa.error());
    made.sa = std::move(*sa);
  }
  sas.emplace(command.id, Staged<NewSa>{count_, std::move(made)});
  return {};
}

Result<void> Staging::stage(const ipc::SaMove& command) {
  const auto outer = dataplane::check(command);
  if (!outer) return std::unexpected(outer.error());
  if (names(command.id)) return named_twice("SA", command.id);
  moved_sas.emplace(command.id, Staged<MovedSa>{count_, {command.spi, *outer}});
  return {};
}

Result<void> Staging::stage(const ipc::SaRemove& command) {
  if (auto valid = validate(command); !valid) return valid;
  if (names(command.id)) return named_twice("SA", command.id);
  removed_sas[command.id] = count_;
  return {};
}

Result<void> Staging::stage(const ipc::FiltersReplace&) {
  if (filters) return fail(messages::command_refused, "filters are replaced twice in one transaction");
  filters.emplace();
  return {};
}

Result<void> Staging::stage(const ipc::FilterAdd& command) {
  if (auto valid = validate(command); !valid) return valid;
  if (!filters) return fail(messages::command_refused, "a filter outside of a replacement");
  if (!filters->filters.try_emplace(command.id, FilterRecord{.identity = command.identity, .rules = {}}).second)
    return named_twice("filter", command.id);
  return {};
}

Result<void> Staging::stage(const ipc::FilterRuleAdd& command) {
  if (auto valid = validate(command); !valid) return valid;
  const bool known = filters && filters->filters.contains(command.filter);
  if (!known)
    return fail(messages::command_refused, "a rule of filter " + number(command.filter) + ", which is not there");
  auto& rules = filters->filters[command.filter].rules[static_cast<size_t>(command.direction)];
  if (rules.size() == ipc::max_filter_rules)
    return fail(messages::command_refused, "filter " + number(command.filter) + " has more rules than it may");
  rules.push_back(filter_rule(command));
  return {};
}

Result<void> Staging::stage(const ipc::FilterAttach& command) {
  if (auto valid = validate(command); !valid) return valid;
  const std::string name = *ipc::to_string(command.interface);
  if (!filters || !filters->filters.contains(command.filter))
    return fail(messages::command_refused, "interface " + name + " is to have a filter that is not there");
  if (filters->attachments.size() == size_t{ipc::max_ports} + ipc::max_tunnels)
    return fail(messages::command_refused, "more interfaces with filters than there may be interfaces");
  if (!filters->attachments.try_emplace(name, command.filter).second)
    return fail(messages::command_refused, "interface " + name + " is to have two filters");
  return {};
}

}  // namespace sekisho::dataplane
