#include "dataplane/manager/filter_sets.h"

#include <algorithm>
#include <utility>

namespace sekisho::dataplane {

FilterSets::FilterSets() : closed_(std::make_shared<const Filter>(Filter{.id = ipc::closed_filter, .rules = {}})) {
  current_.owned.push_back(closed_);
}

// A filter that is sent again as it was keeps its generation: none of its flows is judged anew.
void FilterSets::make(const FilterRecords& records) {
  decltype(made_) made;
  for (const auto& [id, record] : records.filters) {
    const auto before = records_.filters.find(id);
    if (before != records_.filters.end() && before->second == record) {
      made[id] = made_.at(id);
      continue;
    }
    if (++last_generation_ == 0) ++last_generation_;
    made[id] = std::make_shared<const Filter>(Filter{id, record.identity, last_generation_, record.rules});
  }
  records_ = records;
  made_ = std::move(made);
}

const Filter* FilterSets::filter_of(const std::string& interface, bool filtered) const {
  const auto attachment = records_.attachments.find(interface);
  if (attachment != records_.attachments.end()) return made_.at(attachment->second).get();
  return filtered ? closed_.get() : nullptr;
}

// A new interface may have the id of one that had a filter.
bool FilterSets::concerned(const auto& staged, const auto& held) const {
  return std::ranges::any_of(staged, [&](const auto& each) {
    const auto& record = each.second.value;
    const auto before = held.find(each.first);
    if (before != held.end()) return before->second.filtered != record.filtered;
    return some_ || filter_of(record.name, record.filtered) != nullptr;
  });
}

std::optional<FilterSets::Change> FilterSets::take(const Staging& staging, const Holdings& before) {
  const auto attach = [this](auto& interfaces, auto id, const auto& record) {
    interfaces[id.value()] = filter_of(record.name, record.filtered);
  };
  if (staging.filters) {
    make(*staging.filters);
    current_ = {};
    current_.owned.push_back(closed_);
    for (const auto& [id, filter] : made_) current_.owned.push_back(filter);
    for (const auto& [id, record] : before.ports) attach(current_.ports, id, record);
    for (const auto& [id, record] : before.tunnels) attach(current_.tunnels, id, record);
  } else if (!concerned(staging.ports, before.ports) && !concerned(staging.tunnels, before.tunnels)) {
    return {};
  }
  for (const auto& [id, staged] : staging.ports) attach(current_.ports, id, staged.value);
  for (const auto& [id, staged] : staging.tunnels) attach(current_.tunnels, id, staged.value);
  const auto has_filter = [](const Filter* filter) { return filter != nullptr; };
  some_ = std::ranges::any_of(current_.ports, has_filter) || std::ranges::any_of(current_.tunnels, has_filter);
  return Change{some_ ? std::make_unique<const Filters>(current_) : nullptr};
}

}  // namespace sekisho::dataplane
