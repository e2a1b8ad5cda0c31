// The ports as one worker sees them: which queues it polls, and how it sends on each port. The manager makes a new
// WorkerPorts for every change, publishes it with Worker::set_ports(), and frees the old one after a grace period; a
// device is stopped only after that, too.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "ipc/schema.h"

struct rte_ring;

namespace sekisho::dataplane {

inline constexpr uint16_t no_device = UINT16_MAX;

struct alignas(32) WorkerPort {
  uint16_t device = no_device;  // DPDK's port id; no_device: there is no such port
  uint16_t tx_queue = 0;        // unless handover is set
  uint16_t mtu = 0;             // of the IP packet
  ipc::VrfId vrf;               // by whose routes what comes in is forwarded
  std::array<uint8_t, 6> mac{};
  // Where the device has fewer TX queues than there are workers: the ring of mbufs (many producers) to the worker that
  // owns a queue.
  rte_ring* handover = nullptr;
};

struct RxQueue {
  ipc::PortId port;
  uint16_t device = no_device;
  uint16_t queue = 0;
};

// A hand-over ring that this worker empties into its own TX queue of the port.
struct HandoverInput {
  ipc::PortId port;
  rte_ring* ring = nullptr;
};

struct WorkerPorts {
  std::array<WorkerPort, ipc::max_ports> ports;
  std::vector<RxQueue> rx;
  std::vector<HandoverInput> handover;
};

}  // namespace sekisho::dataplane
