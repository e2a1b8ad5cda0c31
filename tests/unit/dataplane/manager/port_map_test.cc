#include "dataplane/manager/port_map.h"

#include <catch2/catch.hpp>
#include <set>

namespace sekisho::dataplane {
namespace {

// Tokens that stand for rings; map_ports() does not look into them.
rte_ring* ring(uintptr_t n) { return reinterpret_cast<rte_ring*>(n * 64); }

MappedPort port(uint16_t device, uint16_t queues, unsigned workers) {
  MappedPort mapped{device, queues, queues, 1500, MacAddress{{2, 0, 0, 0, 0, static_cast<uint8_t>(device)}}, {}};
  if (queues < workers)
    for (uint16_t queue = 0; queue < queues; ++queue) mapped.handover.push_back(ring(100u * (device + 1u) + queue));
  return mapped;
}

}  // namespace

TEST_CASE("each queue has one worker, and each worker a way out of each port") {
  for (unsigned workers = 1; workers <= 5; ++workers)
    for (uint16_t queues = 1; queues <= workers; ++queues) {
      const std::map<ipc::PortId, MappedPort> ports = {{ipc::PortId(0), port(10, queues, workers)},
                                                       {ipc::PortId(3), port(11, 1, workers)}};
      std::set<std::pair<uint16_t, uint16_t>> polled;
      std::set<rte_ring*> emptied, filled;
      std::set<std::pair<uint16_t, uint16_t>> sent;
      for (unsigned worker = 0; worker < workers; ++worker) {
        const auto view = map_ports(ports, worker, workers);
        for (const RxQueue& rx : view->rx) CHECK(polled.emplace(rx.device, rx.queue).second);
        for (const HandoverInput& input : view->handover) CHECK(emptied.insert(input.ring).second);
        for (const auto& [id, mapped] : ports) {
          const WorkerPort& own = view->ports[id.value()];
          CHECK(own.device == mapped.device);
          CHECK(own.mtu == 1500);
          if (own.handover != nullptr) filled.insert(own.handover);
          // No two workers send by the same queue.
          if (own.handover == nullptr) CHECK(sent.emplace(mapped.device, own.tx_queue).second);
        }
        CHECK(view->ports[1].device == no_device);
      }
      CHECK(polled.size() == queues + 1u);
      CHECK(sent.size() == queues + 1u);
      // Whatever is filled is emptied.
      for (rte_ring* each : filled) CHECK(emptied.contains(each));
    }
}

TEST_CASE("every worker knows a port's VRF, whether it polls the port or not") {
  std::map<ipc::PortId, MappedPort> ports = {{ipc::PortId(0), port(0, 1, 2)}, {ipc::PortId(1), port(1, 1, 2)}};
  ports[ipc::PortId(1)].vrf = ipc::VrfId(3);
  for (unsigned worker = 0; worker < 2; ++worker) {
    CHECK(map_ports(ports, worker, 2)->ports[0].vrf == ipc::front_door);
    CHECK(map_ports(ports, worker, 2)->ports[1].vrf == ipc::VrfId(3));
  }
}

TEST_CASE("ports with one queue spread over the workers") {
  const std::map<ipc::PortId, MappedPort> ports = {{ipc::PortId(0), port(0, 1, 2)}, {ipc::PortId(1), port(1, 1, 2)}};
  CHECK(map_ports(ports, 0, 2)->rx.size() == 1);
  CHECK(map_ports(ports, 1, 2)->rx.size() == 1);
}

}  // namespace sekisho::dataplane
