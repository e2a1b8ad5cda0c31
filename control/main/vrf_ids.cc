#include "control/main/vrf_ids.h"

#include <algorithm>

namespace sekisho::control {

bool VrfIds::taken(ipc::VrfId id) const {
  return std::ranges::any_of(ids_, [id](const auto& each) { return each.second == id; });
}

ipc::VrfId VrfIds::take_free(const InUse& in_use) const {
  for (const bool any : {false, true})
    for (uint8_t id = 1; id < ipc::max_vrfs; ++id)
      if (!taken(ipc::VrfId(id)) && (any || !in_use(ipc::VrfId(id)))) return ipc::VrfId(id);
  return ipc::front_door;  // there are no more than that
}

void VrfIds::set(const std::vector<std::string>& names, const InUse& in_use) {
  std::erase_if(ids_, [&](const auto& each) { return !each.first.empty() && !std::ranges::count(names, each.first); });
  for (const std::string& name : names)
    if (!ids_.contains(name)) ids_.emplace(name, take_free(in_use));
}

void VrfIds::adopt(const std::vector<Word>& words) {
  std::map<std::string, std::set<ipc::VrfId>> by_name;
  std::map<ipc::VrfId, std::set<std::string>> by_id;
  std::set<ipc::VrfId> held;
  for (const auto& [vrf, id] : words) {
    held.insert(id);
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
  set(names, [&held](ipc::VrfId id) { return held.contains(id); });
}

ipc::VrfId VrfIds::of(const std::string& name) const {
  const auto found = ids_.find(name);
  return found == ids_.end() ? ipc::front_door : found->second;
}

}  // namespace sekisho::control
