// Which VRF has which id in the dataplane. An id that was given up is taken again as late as possible, and a control
// that was started anew keeps those that the dataplane has: another VRF's packets must not meet routes that are about
// to go.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "ipc/schema.h"

namespace sekisho::control {

class VrfIds {
 public:
  // The names of all VRFs but the front door, fewer than ipc::max_vrfs.
  void set(const std::vector<std::string>& names);
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
  ipc::VrfId take_next();

  std::map<std::string, ipc::VrfId> ids_ = {{"", ipc::front_door}};
  std::set<ipc::VrfId> held_;  // by the dataplane, when it was last looked at
  uint8_t next_ = 1;
};

}  // namespace sekisho::control
