// The mempools that packets live in: one for all that ports receive and send, and a small one for what is put together
// of fragments. A packet fits one mbuf, so the room of an mbuf bounds the MTU: 128 bytes of headroom take the outer
// headers of a tunnel, and the room behind takes ESP's padding and ICV.
#pragma once

#include <rte_mempool.h>

#include <cstdint>

#include "base/message.h"
#include "ipc/schema.h"

namespace sekisho::dataplane {

inline constexpr uint16_t packet_room = 2048;      // Ethernet frame with what ESP appends
inline constexpr uint16_t packet_tail_room = 128;  // kept free of received bytes for ESP
inline constexpr uint16_t max_port_mtu = packet_room - packet_tail_room - 14;
inline constexpr uint16_t min_mtu = 576;
static_assert(max_port_mtu == ipc::most_mtu);

// For the few packets that are larger than a port's MTU: what is put together of fragments.
inline constexpr uint16_t large_packet_room = 9856;
Result<rte_mempool*> create_large_pool();

// Where packets come from that were not received.
struct PacketPools {
  rte_mempool* packets = nullptr;
  rte_mempool* large = nullptr;
};

// `private_size`: bytes behind each rte_mbuf for the data path's own marks. About an eighth of the memory goes to
// packets.
Result<rte_mempool*> create_packet_pool(unsigned memory_mb, uint16_t private_size);

}  // namespace sekisho::dataplane
