#include <rte_ether.h>
#include <rte_mbuf.h>

#include <cstring>

#include "dataplane/stage/stages.h"
#include "dataplane/stage/wire.h"

namespace sekisho::dataplane {

void strip_to_ip(const Packet& packet) {
  rte_mbuf& mbuf = *packet.mbuf;
  mbuf.data_off = static_cast<uint16_t>(packet.l3 - static_cast<uint8_t*>(mbuf.buf_addr));
  mbuf.data_len = packet.header.length;
  mbuf.pkt_len = packet.header.length;
}

void eth_output(Context& context, rte_mbuf* packet, const NextHop& next_hop, uint8_t family) {
  const WorkerPort& port = context.ports->ports[next_hop.port.value()];
  auto* frame = reinterpret_cast<uint8_t*>(rte_pktmbuf_prepend(packet, RTE_ETHER_HDR_LEN));
  if (frame == nullptr) return context.drop(packet, ipc::DropReason::no_memory);
  std::memcpy(frame, next_hop.mac.data(), next_hop.mac.size());
  std::memcpy(frame + 6, port.mac.data(), port.mac.size());
  store16(frame + 12, family == 4 ? RTE_ETHER_TYPE_IPV4 : RTE_ETHER_TYPE_IPV6);
  context.tx.add(*context.ports, next_hop.port, packet);
}

void eth_output(Context& context, Burst& in) {
  for (const Packet& packet : in.items()) {
    strip_to_ip(packet);
    eth_output(context, packet.mbuf, *packet.next_hop, packet.header.family);
  }
}

}  // namespace sekisho::dataplane
