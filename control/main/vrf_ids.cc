#include "control/main/vrf_ids.h"

#include <algorithm>

namespace sekisho::control {

bool VrfIds::taken(ipc::VrfId id) const {
  return std::ranges::any_of(ids_, [id](const auto& each) { return each.second == id; });
}

// Those that the dataplane may hold routes of come last.
ipc::VrfId VrfIds::take_next() {
  for (const bool any : {false, true})
    for (uint8_t tried = 1; tried < ipc::max_vrfs; ++tried) {
      const ipc::VrfId id(next_);
      next_ = next_ + 1 == ipc::max_vrfs ? uint8_t{1} : static_cast<uint8_t>(next_ + 1);
      if (!taken(id) && (any || !held_.contains(id))) return id;
    }
  return ipc::front_door;  // there are no more than that
}

void VrfIds::set(const std::vector<std::string>& names) {
  std::erase_if(ids_, [&](const auto& each) { return !each.first.empty() && !std::ranges::count(names, each.first); });
  for (const std::string& name : names)
    if (!ids_.contains(name)) ids_.emplace(name, take_next());
}

void VrfIds::adopt(const std::vector<Word>& words) {
  std::map<std::string, std::set<ipc::VrfId>> by_name;
  std::map<ipc::VrfId, std::set<std::string>> by_id;
  held_.clear();
  for (const auto& [vrf, id] : words) {
    held_.insert(id);
    if (vrf.empty() || id == ipc::front_door || id.value() >= ipc::max_vrfs) continue;
    by_name[vrf].insert(id);
    by_id[id].insert(vrf);
  }
  std::vector<std::string> names;
  for (const auto& [name, id] : ids_)
    if (!name.empty()) names.push_back(name);
  ids_ = {{"", ipc::front_door}};
  for (const std::string& name : names)
    if (const auto said = by_name.find(name);
        said != by_name.end() && said->second.size() == 1 && by_id[*said->second.begin()].size() == 1)
      ids_.emplace(name, *said->second.begin());
  set(names);
}

ipc::VrfId VrfIds::of(const std::string& name) const {
  const auto found = ids_.find(name);
  return found == ids_.end() ? ipc::front_door : found->second;
}

}  // namespace sekisho::control
