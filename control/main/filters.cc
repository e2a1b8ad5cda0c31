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

// A list of groups that stays keeps its id, and what is known of it.
void Filters::set(const config::Config& config) {
  const bool had_some = !held_.empty();
  std::vector<config::Filter> wanted = config::filters(config);
  std::erase_if(held_, [&](const Held& held) {
    return std::ranges::none_of(wanted, [&](const config::Filter& each) { return each.same_list(held.filter); });
  });
  for (config::Filter& filter : wanted) {
    const auto held = std::ranges::find_if(held_, [&](const Held& each) { return each.filter.same_list(filter); });
    if (held != held_.end()) {
      held->filter = std::move(filter);
    } else {
      const ipc::FilterId id = free_id();
      held_.push_back({std::move(filter), id, sum_filter(sink_.counters(), id), {}});
    }
  }
  if (sink_.ready() && (had_some || !held_.empty())) push();
}

// It may hold what an earlier control has left, and have counted by its ids.
void Filters::dataplane_up() {
  count_from_now();
  push();
}

void Filters::count_from_now() {
  for (Held& held : held_) held.before = sum_filter(sink_.counters(), held.id);
}

Transaction Filters::replacement() const {
  Transaction transaction;
  transaction.add(ipc::FiltersReplace{});
  for (const Held& held : held_) {
    transaction.add(ipc::FilterAdd{held.id, config::identity(held.filter.vrf, held.filter.groups)});
    for (ipc::FilterRuleAdd rule : held.filter.rules) {
      rule.filter = held.id;
      transaction.add(rule);
    }
    for (const std::string& interface : held.filter.interfaces)
      transaction.add(ipc::FilterAttach{held.id, ipc::to_text<16>(interface)});
  }
  return transaction;
}

void Filters::push() {
  sink_.submit(replacement(), [this](const std::optional<Error>& refusal) { answered(refusal); });
}

// Until filters are taken again the dataplane has those from before, under ids that may have become others'.
void Filters::answered(const std::optional<Error>& refusal) {
  const bool refused_before = refusal_.has_value();
  refusal_ = refusal;
  if (refusal) return failed_(*refusal);
  if (refused_before) count_from_now();
}

// By the interface: the id may be that of a filter from before, or closed_filter.
void Filters::denied(const ipc::PacketDenied& report, Instant now) {
  const std::string interface = *ipc::to_string(report.interface);
  const auto held = std::ranges::find_if(held_, [&](const Held& each) {
    return std::ranges::find(each.filter.interfaces, interface) != each.filter.interfaces.end();
  });
  if (held == held_.end()) return;
  rpc::Denial denial{.at = now,
                     .interface = interface,
                     .direction = report.direction,
                     .reason = report.reason,
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
  rpc::SecurityView view{.refusal = refusal_};
  const ipc::CounterTable* counters = sink_.counters();
  if (counters != nullptr) {
    view.flows = __atomic_load_n(&counters->flows, __ATOMIC_RELAXED);
    view.flow_places = __atomic_load_n(&counters->flow_places, __ATOMIC_RELAXED);
  }
  for (const Held& held : held_) {
    rpc::FilterView filter{.groups = held.filter.groups,
                           .interfaces = held.filter.interfaces,
                           .denials = {held.denials.begin(), held.denials.end()}};
    if (counters != nullptr && !refusal_) filter.counters = difference(sum_filter(counters, held.id), held.before);
    view.filters.push_back(std::move(filter));
  }
  return view;
}

}  // namespace sekisho::control
