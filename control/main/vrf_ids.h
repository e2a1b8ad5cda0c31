// Which VRF has which id in the dataplane. An id whose former owner has routes there still is not given to another VRF,
// and a control that was started anew keeps those that the dataplane has: nobody's packets are to meet routes that are
// about to go.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "ipc/schema.h"

namespace sekisho::control {

class VrfIds {
 public:
  using InUse = std::function<bool(ipc::VrfId)>;

  // The names of all VRFs but the front door, fewer than ipc::max_vrfs. `in_use`: of those that are no VRF's by now,
  // whether the dataplane may have routes of it.
  void set(const std::vector<std::string>& names, const InUse& in_use);
  // What a port or tunnel of the dataplane says: the VRF that it is configured in has that id there. Where two of them
  // disagree, neither is believed. Before anything is told to that dataplane.
  struct Word {
    std::string vrf;  // empty: the front door, or the configuration has no such port or tunnel
    ipc::VrfId id;
  };
  void adopt(const std::vector<Word>& words);

  // By name; the front door's is empty. A name that is not there counts as the front door's.
  const std::map<std::string, ipc::VrfId>& all() const { return ids_; }
  ipc::VrfId of(const std::string& name) const;

 private:
  bool taken(ipc::VrfId id) const;
  ipc::VrfId take_free(const InUse& in_use) const;

  std::map<std::string, ipc::VrfId> ids_ = {{"", ipc::front_door}};
};

}  // namespace sekisho::control
