#include "control/rpc/sa_views.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "control/config/expiry.h"
#include "control/rpc/views.h"

namespace sekisho::rpc {
namespace {

// An Instant that was never set says nothing.
json age(Instant at, Instant now) { return at == Instant{} ? json() : json(seconds_between(at, now)); }
json remaining(Instant at, Instant now) {
  return at == Instant{} ? json() : json(std::max(0.0, seconds_between(now, at)));
}

json end_view(const Endpoint& endpoint, const std::string& id) {
  return {{"address", endpoint.address.text()}, {"port", endpoint.port}, {"id", id}};
}

// What the peer proved itself by; null where that is the pre-shared key.
json certificate_view(const std::optional<WallTime>& until, WallTime now) {
  if (!until) return {};
  return {{"expires", config::date_text(*until)},
          {"remaining_seconds", std::chrono::duration_cast<std::chrono::seconds>(*until - now).count()}};
}

json ike_sa_view(const ike::IkeSaView& sa, Instant now, WallTime wall_clock) {
  return {{"tunnel", sa.connection.empty() ? json() : json(sa.connection)},
          {"version", sa.version == ike::IkeVersion::v1 ? "IKEv1" : "IKEv2"},
          {"state", sa.state},
          {"role", sa.initiator ? "initiator" : "responder"},
          {"initiator_spi", fmt::format("{:016x}", sa.initiator_spi)},
          {"responder_spi", fmt::format("{:016x}", sa.responder_spi)},
          {"local", end_view(sa.local, sa.local_id)},
          {"remote", end_view(sa.remote, sa.remote_id)},
          {"remote_certificate", certificate_view(sa.certified_until, wall_clock)},
          {"proposal", sa.proposal},
          {"local_behind_nat", sa.local_behind_nat},
          {"remote_behind_nat", sa.remote_behind_nat},
          {"age_seconds", age(sa.created, now)},
          {"established_seconds", age(sa.established_at, now)},
          {"rekey_in_seconds", remaining(sa.rekey_at, now)},
          {"remaining_seconds", remaining(sa.expires_at, now)},
          {"child_sas", sa.children.size()}};
}

json counters(const SaCounters& values) {
  json result = json::object();
  for (size_t i = 0; i < values.size(); ++i) result[counter_key(ipc::name(static_cast<ipc::SaCounter>(i)))] = values[i];
  return result;
}

// Of the definition; one that another configuration made has it no more.
json replay_window(const ike::ChildSaView& child, const config::Tunnel* tunnel) {
  if (!tunnel) return {};
  const auto& definitions = tunnel->connection.children;
  const auto found = std::ranges::find(definitions, child.name, &ike::ChildDefinition::name);
  return found == definitions.end() ? json() : json(found->replay_window);
}

json child_sa_view(const ike::ChildSaView& child, const ike::IkeSaView& parent, const ChildCounters& counts,
                   const config::Tunnel* tunnel, Instant now) {
  return {{"tunnel", parent.connection},
          {"child", child.name.empty() ? json() : json(child.name)},
          {"state", child.state},
          {"inbound_spi", fmt::format("{:08x}", child.inbound_spi)},
          {"outbound_spi", fmt::format("{:08x}", child.outbound_spi)},
          {"suite", info(child.suite).name},
          {"pfs", child.pfs == crypto::KeyExchangeId::none ? json() : json(crypto::name(child.pfs))},
          {"esn", child.esn},
          {"udp_encapsulation", child.udp_encapsulation},
          {"outbound_active", child.outbound_active},
          {"replay_window", replay_window(child, tunnel)},
          {"local", end_view(parent.local, parent.local_id)},
          {"remote", end_view(parent.remote, parent.remote_id)},
          {"local_selectors", selector_texts(child.local_selectors)},
          {"remote_selectors", selector_texts(child.remote_selectors)},
          {"age_seconds", age(child.created, now)},
          {"rekey_in_seconds", child.state == "installed" ? remaining(child.rekey_at, now) : json()},
          {"remaining_seconds", remaining(child.expires_at, now)},
          {"in", counters(counts.in)},
          {"out", counters(counts.out)}};
}

}  // namespace

double seconds_between(Instant start, Instant end) {
  return static_cast<double>(std::chrono::duration_cast<std::chrono::milliseconds>(end - start).count()) / 1000;
}

json text_or_null(const std::string& text) { return text.empty() ? json() : json(text); }

json selector_texts(const std::vector<TrafficSelector>& selectors) {
  json result = json::array();
  for (const TrafficSelector& selector : selectors) result.push_back(selector.text());
  return result;
}

std::string counter_key(std::string_view name) {
  std::string key(name);
  if (key.ends_with("bytes")) key.replace(key.size() - 5, 5, "octets");
  std::ranges::replace(key, '-', '_');
  return key;
}

std::optional<json> ike_sa_views(const Operations& operations, std::string_view name) {
  if (!name.empty() && !operations.running().tunnels.contains(name)) return {};
  json result = json::array();
  for (const auto& sa : operations.ike_sas())
    if (name.empty() || sa.connection == name)
      result.push_back(ike_sa_view(sa, operations.now(), operations.wall_clock()));
  return result;
}

std::optional<json> child_sa_views(const Operations& operations, std::string_view name) {
  const auto& tunnels = operations.running().tunnels;
  if (!name.empty() && !tunnels.contains(name)) return {};
  std::map<uint32_t, ChildCounters> counts;
  for (const ChildCounters& child : operations.child_counters()) counts[child.inbound_spi] = child;
  json result = json::array();
  for (const auto& sa : operations.ike_sas()) {
    if (!name.empty() && sa.connection != name) continue;
    const auto tunnel = tunnels.find(sa.connection);
    for (const auto& child : sa.children)
      result.push_back(child_sa_view(child, sa, counts[child.inbound_spi],
                                     tunnel == tunnels.end() ? nullptr : &tunnel->second, operations.now()));
  }
  return result;
}

}  // namespace sekisho::rpc
