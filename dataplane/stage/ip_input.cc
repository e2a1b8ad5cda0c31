#include <rte_ether.h>
#include <rte_mbuf.h>

#include "dataplane/stage/esp_packet.h"
#include "dataplane/stage/ethernet.h"
#include "dataplane/stage/stages.h"

namespace sekisho::dataplane {
namespace {

// What is not an IP packet for this station.
void turn_away(Context& context, ipc::PortId port, const MacAddress& own, rte_mbuf* mbuf) {
  const auto* frame = rte_pktmbuf_mtod(mbuf, const uint8_t*);
  if (mbuf->data_len < RTE_ETHER_HDR_LEN) return context.drop(mbuf, ipc::DropReason::malformed_ethernet);
  // The group bit: broadcast and multicast.
  if ((frame[0] & 1) == 0 && std::memcmp(frame, own.data(), own.size()) != 0)
    return context.drop(mbuf, ipc::DropReason::foreign_mac);
  context.to_slow_path({mbuf, port.value(), Via::port});
}

}  // namespace

void ip_input(Context& context, ipc::PortId port, std::span<rte_mbuf* const> frames, Burst& transit, Burst& esp) {
  const MacAddress own = context.ports->ports[port.value()].mac;
  uint64_t bytes = 0;
  for (rte_mbuf* mbuf : frames) rte_prefetch0(rte_pktmbuf_mtod(mbuf, void*));
  for (rte_mbuf* mbuf : frames) {
    bytes += mbuf->pkt_len;
    // The stages want a packet in one piece.
    if (mbuf->nb_segs != 1 && rte_pktmbuf_linearize(mbuf) != 0) [[unlikely]] {
      context.drop(mbuf, ipc::DropReason::no_memory);
      continue;
    }
    auto* frame = rte_pktmbuf_mtod(mbuf, uint8_t*);
    if (mbuf->data_len < RTE_ETHER_HDR_LEN || !is_ip_for(own, frame)) [[unlikely]] {
      turn_away(context, port, own, mbuf);
      continue;
    }
    Packet& packet = transit.next();
    packet = {mbuf, frame + RTE_ETHER_HDR_LEN, {}, {}, port.value(), Origin::port};
    const size_t available = mbuf->data_len - size_t{RTE_ETHER_HDR_LEN};
    if (!is_usual_ipv4(packet.l3, available, packet.header)) [[unlikely]] {
      const IpVerdict verdict = check_ip(packet.l3, available, packet.header);
      if (verdict == IpVerdict::malformed) context.drop(mbuf, ipc::DropReason::malformed_ip);
      if (verdict == IpVerdict::punt) context.punt(packet);
      if (verdict != IpVerdict::forward) continue;
    }
    if (packet.header.family == 4 && may_be_esp(packet.l3, packet.header))
      esp.add(packet);
    else
      transit.keep_next();
  }
  count(context.counters.ports[port.value()], ipc::PortCounter::rx_packets, frames.size());
  count(context.counters.ports[port.value()], ipc::PortCounter::rx_bytes, bytes);
}

}  // namespace sekisho::dataplane
