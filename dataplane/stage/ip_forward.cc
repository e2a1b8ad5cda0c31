#include <rte_mbuf.h>

#include "dataplane/stage/ethernet.h"
#include "dataplane/stage/stages.h"

namespace sekisho::dataplane {
namespace {

// Whether the packet may go on; if not the kernel has it, to answer it or to fragment it.
bool may_leave(Context& context, const Packet& packet, uint16_t mtu) {
  if (hop_limit(packet.l3, packet.header.family) > 1 && packet.header.length <= mtu) [[likely]]
    return true;
  context.punt(packet);
  return false;
}

void send(Context& context, const WorkerPorts& ports, const Packet& packet, const NextHop& next_hop) {
  const WorkerPort& port = ports.ports[next_hop.port.value()];
  if (port.device == no_device) [[unlikely]]
    return context.drop(packet.mbuf, ipc::DropReason::blackhole);
  if (!may_leave(context, packet, port.mtu)) return;
  decrement_hop_limit(packet.l3, packet.header.family);
  uint8_t* frame = packet.l3 - RTE_ETHER_HDR_LEN;
  const uint32_t length = RTE_ETHER_HDR_LEN + uint32_t{packet.header.length};
  ethernet_header(next_hop.mac, port.mac, packet.header.family).write(frame);
  set_content(*packet.mbuf, frame, length);
  context.tx.add(ports, next_hop.port, packet.mbuf, length);
}

void enter_tunnel(Context& context, const Packet& packet, ipc::TunnelId id, BurstOf<Outbound>& out) {
  const Tunnel tunnel = context.tunnels.get(id);
  if (tunnel.tx_sa == ipc::no_sa) [[unlikely]]
    return context.drop(packet.mbuf, ipc::DropReason::no_outbound_sa);
  if (!may_leave(context, packet, tunnel.mtu)) return;
  decrement_hop_limit(packet.l3, packet.header.family);
  choose_sa(context, packet, id, tunnel, out);
}

}  // namespace

void ip_forward(Context& context, Burst& in, BurstOf<Outbound>& tunnels) {
  // Known not to change under the packets that are written here.
  const WorkerPorts& ports = *context.ports;
  const NextHop* next_hops = context.replica->next_hops.data();
  for (const Packet& packet : in.items()) {
    const NextHop& next_hop = next_hops[packet.next_hop.value()];
    switch (next_hop.kind) {
      case ipc::NextHopKind::adjacency:
        send(context, ports, packet, next_hop);
        break;
      case ipc::NextHopKind::tunnel:
        enter_tunnel(context, packet, next_hop.tunnel, tunnels);
        break;
      case ipc::NextHopKind::local:
        local_input(context, packet);
        break;
      case ipc::NextHopKind::punt:
        context.punt(packet);
        break;
      case ipc::NextHopKind::drop:
        context.drop(packet.mbuf, ipc::DropReason::blackhole);
        break;
    }
  }
}

}  // namespace sekisho::dataplane
