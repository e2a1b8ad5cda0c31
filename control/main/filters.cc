#include "control/main/filters.h"

#include <algorithm>
#include <utility>

#include "ipc/convert.h"

namespace sekisho::control {

ipc::FilterId Filters::free_id() const {
  uint16_t id = 0;
  while (std::ranges::find(held_, ipc::FilterId(id), &Held::id) != held_.end()) ++id;
  return ipc::FilterId(id);
}

// What is neither wanted any more nor has an interface that is about to go.
void Filters::let_go(const config::Config& config, const std::vector<config::Filter>& wanted) {
  const auto stays = [&](const std::string& interface) {
    return config.ports.contains(interface) || std::ranges::any_of(config.tunnels, [&](const auto& each) {
             return each.second.interface.name == interface;
           });
  };
  for (Held& held : held_) {
    held.leaving = std::exchange(held.filter.interfaces, {});
    std::erase_if(held.leaving, stays);
  }
  const bool crowded = held_.size() + wanted.size() > ipc::max_filters;
  std::erase_if(held_, [&](const Held& held) {
    const bool unwanted =
        std::ranges::none_of(wanted, [&](const config::Filter& each) { return each.same_list(held.filter); });
    return unwanted && (held.leaving.empty() || crowded);
  });
}

// A list of groups that stays keeps its id, and what is known of it.
void Filters::set(const config::Config& config) {
  const bool had_some = !held_.empty();
  std::vector<config::Filter> wanted = config::filters(config);
  let_go(config, wanted);
  for (config::Filter& filter : wanted) {
    const auto held = std::ranges::find_if(held_, [&](const Held& each) { return each.filter.same_list(filter); });
    if (held != held_.end()) {
      held->filter = std::move(filter);
    } else {
      const ipc::FilterId id = free_id();
      held_.push_back({std::move(filter), id, sum_filter(sink_.counters(), id), {}, {}});
    }
  }
  if (sink_.ready() && (had_some || !held_.empty())) push();
}

// It may hold what an earlier control has left.
void Filters::dataplane_up() {
  for (Held& held : held_) held.before = {};
  push();
}

Transaction Filters::replacement(bool with_rules) const {
  Transaction transaction;
  transaction.add(ipc::FiltersReplace{});
  for (const Held& held : held_) {
    transaction.add(ipc::FilterAdd{held.id, config::identity(held.filter.vrf, held.filter.groups)});
    for (ipc::FilterRuleAdd rule : held.filter.rules) {
      rule.filter = held.id;
      if (with_rules) transaction.add(rule);
    }
    for (const auto* interfaces : {&held.filter.interfaces, &held.leaving})
      for (const std::string& interface : *interfaces)
        transaction.add(ipc::FilterAttach{held.id, ipc::to_text<16>(interface)});
  }
  return transaction;
}

void Filters::push() {
  sink_.submit(replacement(true), [this](const std::optional<Error>& refusal) {
    if (!refusal) return;
    failed_(*refusal);
    sink_.submit(replacement(false), [this](const std::optional<Error>& again) {
      if (again) failed_(*again);
    });
  });
}

void Filters::denied(const ipc::PacketDenied& report, Instant now) {
  const auto held = std::ranges::find(held_, report.filter, &Held::id);
  if (held == held_.end()) return;
  rpc::Denial denial{.at = now,
                     .interface = *ipc::to_string(report.interface),
                     .direction = report.direction,
                     .table_full = report.table_full != 0,
                     .protocol = report.protocol,
                     .source = *ipc::to_address(report.source),
                     .destination = *ipc::to_address(report.destination)};
  if (report.has_ports != 0) {
    denial.source_port = report.source_port;
    denial.destination_port = report.destination_port;
  }
  held->denials.push_front(std::move(denial));
  if (held->denials.size() > kept_denials) held->denials.pop_back();
}

rpc::SecurityView Filters::view() const {
  rpc::SecurityView view;
  const ipc::CounterTable* counters = sink_.counters();
  if (counters != nullptr) {
    view.flows = __atomic_load_n(&counters->flows, __ATOMIC_RELAXED);
    view.flow_places = __atomic_load_n(&counters->flow_places, __ATOMIC_RELAXED);
  }
  for (const Held& held : held_) {
    if (held.filter.interfaces.empty()) continue;
    rpc::FilterView filter{.groups = held.filter.groups,
                           .interfaces = held.filter.interfaces,
                           .denials = {held.denials.begin(), held.denials.end()}};
    if (counters != nullptr) filter.counters = difference(sum_filter(counters, held.id), held.before);
    view.filters.push_back(std::move(filter));
  }
  return view;
}

}  // namespace sekisho::control
