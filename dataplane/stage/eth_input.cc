#include <rte_ether.h>
#include <rte_mbuf.h>

#include <cstring>

#include "dataplane/stage/stages.h"
#include "dataplane/stage/wire.h"

namespace sekisho::dataplane {
namespace {

enum class Sorted : uint8_t { ip, punt, foreign };

Sorted sort(const uint8_t* frame, const std::array<uint8_t, 6>& own_mac) {
  // The group bit: broadcast and multicast.
  if ((frame[0] & 1) != 0) return Sorted::punt;
  if (std::memcmp(frame, own_mac.data(), own_mac.size()) != 0) return Sorted::foreign;
  const uint16_t type = load16(frame + 12);
  return type == RTE_ETHER_TYPE_IPV4 || type == RTE_ETHER_TYPE_IPV6 ? Sorted::ip : Sorted::punt;
}

}  // namespace

void eth_input(Context& context, ipc::PortId port, std::span<rte_mbuf* const> frames, Burst& ip) {
  const WorkerPort& own = context.ports->ports[port.value()];
  uint64_t bytes = 0;
  for (rte_mbuf* mbuf : frames) rte_prefetch0(rte_pktmbuf_mtod(mbuf, void*));
  for (rte_mbuf* mbuf : frames) {
    bytes += mbuf->pkt_len;
    // The stages after this one want a packet in one piece.
    if (mbuf->nb_segs != 1 && rte_pktmbuf_linearize(mbuf) != 0) {
      context.drop(mbuf, ipc::DropReason::no_memory);
      continue;
    }
    if (mbuf->data_len < RTE_ETHER_HDR_LEN) {
      context.drop(mbuf, ipc::DropReason::malformed_ethernet);
      continue;
    }
    auto* frame = rte_pktmbuf_mtod(mbuf, uint8_t*);
    switch (sort(frame, own.mac)) {
      case Sorted::ip:
        ip.add({mbuf, frame + RTE_ETHER_HDR_LEN, nullptr, {}, port.value(), Origin::port});
        break;
      case Sorted::punt:
        context.to_slow_path({mbuf, port.value(), Via::port});
        break;
      case Sorted::foreign:
        context.drop(mbuf, ipc::DropReason::foreign_mac);
        break;
    }
  }
  count(context.counters.ports[port.value()], ipc::PortCounter::rx_packets, frames.size());
  count(context.counters.ports[port.value()], ipc::PortCounter::rx_bytes, bytes);
}

}  // namespace sekisho::dataplane
