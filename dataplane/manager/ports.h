// The ports that exist: each a device, its kernel twin, and hand-over rings where it has fewer TX queues than there are
// workers. Every change is published to the workers as a new map; what a worker may still use is retired.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "dataplane/manager/holdings.h"
#include "dataplane/manager/port_map.h"
#include "dataplane/port/device.h"
#include "dataplane/rcu/reclaimer.h"
#include "dataplane/twin/slow_path.h"
#include "dataplane/worker/worker.h"

namespace sekisho::dataplane {

struct Port {
  std::unique_ptr<Device> device;
  std::vector<HandoverRing> handover;
  bool link_up = false;
  ipc::VrfId vrf;
};

class Ports {
 public:
  Ports(std::span<const std::unique_ptr<Worker>> workers, SlowPath& slow_path, Reclaimer& reclaimer,
        rte_mempool* packets)
      : workers_(workers), slow_path_(slow_path), reclaimer_(reclaimer), packets_(packets) {}
  // The workers have ended.
  ~Ports() = default;

  // A device that runs but that no worker knows yet. Dropping it undoes everything.
  struct Opened {
    std::unique_ptr<Port> port;
    KernelTwin twin;
  };
  Result<Opened> open(ipc::PortId id, const PortRecord& record);
  // Needs publish() thereafter.
  Result<void> add(ipc::PortId id, Opened opened);
  void remove(ipc::PortId id);
  Result<void> set_mtu(ipc::PortId id, uint16_t mtu);
  // Needs publish() thereafter. The VRF has its tables.
  void set_vrf(ipc::PortId id, ipc::VrfId vrf) { ports_.at(id)->vrf = vrf; }
  void publish();

  const Port& at(ipc::PortId id) const { return *ports_.at(id); }
  // Calls `changed` for every port whose link is not as it was at the last call.
  void poll_links(const std::function<void(ipc::PortId)>& changed);

 private:
  void settle();

  std::span<const std::unique_ptr<Worker>> workers_;
  SlowPath& slow_path_;
  Reclaimer& reclaimer_;
  rte_mempool* packets_;
  std::map<ipc::PortId, std::unique_ptr<Port>> ports_;
  std::vector<std::unique_ptr<WorkerPorts>> published_;
};

}  // namespace sekisho::dataplane
