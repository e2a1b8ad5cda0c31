#include <rte_ether.h>
#include <rte_mbuf.h>

#include "dataplane/stage/esp_packet.h"
#include "dataplane/stage/ethernet.h"
#include "dataplane/stage/stages.h"

namespace sekisho::dataplane {
namespace {

struct Input {
  Context& context;
  ipc::PortId port;
  MacAddress station;
  Burst& transit;
  Burst& esp;

  uint8_t place = 0;  // of the frame at hand

  void keep(rte_mbuf* mbuf, uint8_t* l3, const IpHeader& header) {
    Burst& burst = may_be_esp(l3, header) ? esp : transit;
    burst.emplace(mbuf, l3, header, ipc::NextHopId{}, port.value(), Origin::port, place);
  }
  bool take_usual(rte_mbuf* mbuf);
  void take_any(rte_mbuf* mbuf);
};

// False where a frame is anything but the most common kind: one segment, to this station, a usual IP header.
bool Input::take_usual(rte_mbuf* mbuf) {
  auto* frame = rte_pktmbuf_mtod(mbuf, uint8_t*);
  uint8_t* l3 = frame + RTE_ETHER_HDR_LEN;
  if (mbuf->nb_segs != 1 || mbuf->data_len < RTE_ETHER_HDR_LEN || !goes_to(station, frame)) return false;
  const size_t available = mbuf->data_len - size_t{RTE_ETHER_HDR_LEN};
  IpHeader header;
  switch (load16(frame + 12)) {
    case RTE_ETHER_TYPE_IPV4:
      if (!is_usual_ipv4(l3, available, header)) return false;
      break;
    case RTE_ETHER_TYPE_IPV6:
      if (!is_usual_ipv6(l3, available, header)) return false;
      break;
    default:
      return false;
  }
  keep(mbuf, l3, header);
  return true;
}

void Input::take_any(rte_mbuf* mbuf) {
  // The stages want a packet in one piece.
  if (mbuf->nb_segs != 1 && rte_pktmbuf_linearize(mbuf) != 0) return context.drop(mbuf, ipc::DropReason::no_memory);
  if (mbuf->data_len < RTE_ETHER_HDR_LEN) return context.drop(mbuf, ipc::DropReason::malformed_ethernet);
  auto* frame = rte_pktmbuf_mtod(mbuf, uint8_t*);
  const bool group = (frame[0] & 1) != 0;  // broadcast and multicast
  if (!group && !goes_to(station, frame)) return context.drop(mbuf, ipc::DropReason::foreign_mac);
  const uint16_t type = load16(frame + 12);
  if (group || (type != RTE_ETHER_TYPE_IPV4 && type != RTE_ETHER_TYPE_IPV6)) {
    if (context.filters != nullptr && !admits_frame(context, ipc::Direction::inbound, port, mbuf)) return;
    return context.to_slow_path({mbuf, port.value(), Via::port});
  }
  Packet packet{mbuf, frame + RTE_ETHER_HDR_LEN, {}, {}, port.value(), Origin::port, place};
  switch (check_ip(packet.l3, mbuf->data_len - size_t{RTE_ETHER_HDR_LEN}, packet.header)) {
    case IpVerdict::forward:
      return keep(mbuf, packet.l3, packet.header);
    case IpVerdict::punt:
      if (context.filters != nullptr && !admits_to_kernel(context, packet)) return;
      return context.punt(packet);
    case IpVerdict::malformed:
      return context.drop(mbuf, ipc::DropReason::malformed_ip);
  }
}

}  // namespace

void ip_input(Context& context, ipc::PortId port, std::span<rte_mbuf* const> frames, Burst& transit, Burst& esp) {
  const WorkerPort& from = context.ports->ports[port.value()];
  // ESP by a port of another VRF is a packet like any other.
  Input input{context, port, from.mac, transit, from.vrf == ipc::front_door ? esp : transit};
  for (rte_mbuf* mbuf : frames) rte_prefetch0(rte_pktmbuf_mtod(mbuf, void*));
  uint64_t bytes = 0;
  for (rte_mbuf* mbuf : frames) {
    bytes += mbuf->pkt_len;
    ++input.place;
    if (!input.take_usual(mbuf)) [[unlikely]]
      input.take_any(mbuf);
  }
  count(context.counters.ports[port.value()], ipc::PortCounter::rx_packets, frames.size());
  count(context.counters.ports[port.value()], ipc::PortCounter::rx_bytes, bytes);
}

}  // namespace sekisho::dataplane
