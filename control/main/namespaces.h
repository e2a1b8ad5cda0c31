// The network namespaces in which control works: its own, which is the front door, and one for each VRF that can be
// used. A VRF's is opened when it is there and another one, made anew under its name, is taken in the place of the old.
#pragma once

#include <sys/types.h>

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "control/kernel/configurator.h"
#include "control/kernel/mirror.h"
#include "control/loop/loop.h"
#include "control/main/namespace_door.h"
#include "control/twin/reconcile.h"

namespace sekisho::control {

class Namespaces {
 public:
  struct Namespace {
    std::unique_ptr<kernel::Mirror> mirror;
    kernel::Configurator configurator;
    UniqueFd fd;
    dev_t device = 0;  // of the descriptor's file, with the inode: which namespace it is
    ino_t inode = 0;
    Watch watch;
    OwnAddresses own_addresses = {};
    bool forwards = false;

    const kernel::State& state() const { return mirror->state(); }
  };
  struct Fault {
    Error error;
    Instant since;
  };
  using ByVrf = std::map<std::string, std::unique_ptr<Namespace>>;

  // `event` is called where the kernel has something to tell of a VRF; the front door's name is empty.
  static Result<Namespaces> open(sd_event* loop, NamespaceDoor door, std::function<void(const std::string&)> event);

  // What has changed with the last look.
  struct Looked {
    bool changed = false;       // some were opened, or taken in the place of others
    std::vector<Error> faults;  // that are new
  };
  // Opens those of the wanted VRFs that are not open, and looks whether the others are still the same. What could not
  // be opened before is tried again only with `again`: that may take the door a while.
  Looked look(const std::set<std::string>& wanted, bool again);
  // Of a VRF that is no longer wanted.
  void close(const std::string& vrf);
  // Packets, of which the guards are in place by now. Once.
  Result<void> let_forward(const std::string& vrf, Namespace& space);

  Namespace& front_door() const { return *open_.at(""); }
  const ByVrf& all() const { return open_; }
  Namespace* find(const std::string& vrf) const;
  const std::map<std::string, Fault>& faults() const { return faults_; }

 private:
  Namespaces(sd_event* loop, NamespaceDoor door, std::function<void(const std::string&)> event)
      : loop_(loop), door_(std::move(door)), event_(std::move(event)) {}
  Result<void> take(const std::string& vrf, kernel::NamespaceSockets sockets);
  void open_vrf(const std::string& vrf, Looked& looked);
  bool is_another_now(const std::string& vrf, const Namespace& space) const;

  sd_event* loop_;
  NamespaceDoor door_;
  std::function<void(const std::string&)> event_;
  ByVrf open_;
  std::map<std::string, Fault> faults_;
};

}  // namespace sekisho::control
