// `show security-group`: the rules of a group, where they hold, what came of them.
#include <algorithm>

#include "control/config/encode.h"
#include "control/config/report.h"
#include "control/config/security_groups.h"
#include "control/rpc/denials.h"
#include "control/rpc/views.h"

namespace sekisho::rpc {
namespace {

json port(const std::optional<uint16_t>& value) { return value ? json(*value) : json(); }

json denial_view(const Denial& denial, Instant now) {
  const bool packet = denial.reason != ipc::DenialReason::frame_type;
  return {{"age_seconds", std::chrono::duration<double>(now - denial.at).count()},
          {"interface", denial.interface},
          {"direction", word(denial.direction)},
          {"reason", word(denial.reason)},
          {"protocol", !packet                ? json()
                       : denial.protocol == 0 ? json("0")
                                              : json(config::protocol_text(denial.protocol))},
          {"source", packet ? json(denial.source.text()) : json()},
          {"source_port", port(denial.source_port)},
          {"destination", packet ? json(denial.destination.text()) : json()},
          {"destination_port", port(denial.destination_port)}};
}

json direction_view(const std::optional<FilterCounters>& counters, ipc::Direction direction) {
  if (!counters) return {};
  const size_t first = static_cast<size_t>(direction == ipc::Direction::inbound ? ipc::FilterCounter::inbound_flow
                                                                                : ipc::FilterCounter::outbound_flow);
  return {{"flow_packets", (*counters)[first]},
          {"rule_packets", (*counters)[first + 1]},
          {"denied_packets", (*counters)[first + 2]}};
}

json filter_view(const FilterView& filter, Instant now) {
  json denials = json::array();
  for (const Denial& denial : filter.denials) denials.push_back(denial_view(denial, now));
  return {{"groups", filter.groups},
          {"interfaces", filter.interfaces},
          {"in", direction_view(filter.counters, ipc::Direction::inbound)},
          {"out", direction_view(filter.counters, ipc::Direction::outbound)},
          {"denials", denials}};
}

}  // namespace

std::optional<json> security_group_views(const Operations& operations, std::string_view name) {
  const auto& configured = operations.running().security_groups;
  if (!name.empty() && !configured.contains(name)) return {};
  const SecurityView security = operations.security();
  json result = json::array();
  for (const auto& [group, rules] : configured) {
    if (!name.empty() && group != name) continue;
    json view = config::encode(rules);
    json filters = json::array(), interfaces = json::array();
    for (const FilterView& filter : security.filters) {
      if (std::ranges::find(filter.groups, group) == filter.groups.end()) continue;
      filters.push_back(filter_view(filter, operations.now()));
      for (const std::string& interface : filter.interfaces) interfaces.push_back(interface);
    }
    view.update({{"name", group},
                 {"interfaces", interfaces},
                 {"filters", filters},
                 {"refusal", security.refusal ? config::to_json(*security.refusal) : json()},
                 {"flows", {{"used", security.flows}, {"places", security.flow_places}}}});
    result.push_back(std::move(view));
  }
  return result;
}

}  // namespace sekisho::rpc
