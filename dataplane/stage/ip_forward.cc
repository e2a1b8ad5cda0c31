#include <rte_mbuf.h>

#include "dataplane/stage/ethernet.h"
#include "dataplane/stage/stages.h"

namespace sekisho::dataplane {
namespace {

bool passes(const Packet& packet, uint16_t mtu) {
  return hop_limit(packet.l3, packet.header.family) > 1 && packet.header.length <= mtu;
}

// Whether the packet may go on; if not the kernel has it, to answer it or to fragment it.
bool may_leave(Context& context, const Packet& packet, uint16_t mtu) {
  if (passes(packet, mtu)) [[likely]]
    return true;
  context.punt(packet);
  return false;
}

// A neighbour, with what every packet to it needs.
struct Neighbour {
  Neighbour(const WorkerPorts& ports, const NextHop& next_hop)
      : port(ports.ports[next_hop.port.value()]), id(next_hop.port), header(next_hop.mac, port.mac) {}

  const WorkerPort& port;
  const ipc::PortId id;
  const EthernetHeader header;
};

void send(Context& context, const Neighbour& to, const Packet& packet) {
  if (to.port.device == no_device) [[unlikely]]
    return context.drop(packet.mbuf, ipc::DropReason::blackhole);
  if (!may_leave(context, packet, to.port.mtu)) return;
  decrement_hop_limit(packet.l3, packet.header.family);
  uint8_t* frame = packet.l3 - RTE_ETHER_HDR_LEN;
  const uint32_t length = RTE_ETHER_HDR_LEN + uint32_t{packet.header.length};
  to.header.write(frame, packet.header.family);
  set_content(*packet.mbuf, frame, length);
  context.tx.add(*context.ports, to.id, packet.mbuf, length);
}

// Sends the packets that stand at the front of `packets` and go to the same neighbour; returns how many that are.
size_t send_run(Context& context, std::span<const Packet> packets, const NextHop& next_hop) {
  const Neighbour to(*context.ports, next_hop);
  size_t count = 0;
  do send(context, to, packets[count]);
  while (++count < packets.size() && packets[count].next_hop == packets[0].next_hop);
  return count;
}

// What does not pass whole: it may be that it does in fragments.
[[gnu::noinline]] bool may_enter_in_pieces(Context& context, const Packet& packet, const Tunnel& tunnel) {
  if (!may_leave(context, packet, may_fragment(packet, tunnel.df) ? UINT16_MAX : tunnel.mtu)) return false;
  context.oversized = true;
  return true;
}

void enter_tunnel(Context& context, const Packet& packet, ipc::TunnelId id, BurstOf<Outbound>& out) {
  const Tunnel tunnel = context.tunnels.get(id);
  if (tunnel.tx_sa == ipc::no_sa && !tunnel.on_traffic) [[unlikely]]
    return context.drop(packet.mbuf, ipc::DropReason::no_outbound_sa);
  if (!passes(packet, tunnel.mtu) && !may_enter_in_pieces(context, packet, tunnel)) [[unlikely]]
    return;
  decrement_hop_limit(packet.l3, packet.header.family);
  choose_sa(context, packet, id, tunnel, out);
}

void end_here(Context& context, const Packet& packet, ipc::NextHopKind kind) {
  switch (kind) {
    case ipc::NextHopKind::local:
      return local_input(context, packet);
    case ipc::NextHopKind::punt:
      return context.punt(packet);
    default:
      return context.drop(packet.mbuf, ipc::DropReason::blackhole);
  }
}

}  // namespace

void ip_forward(Context& context, Burst& in, BurstOf<Outbound>& tunnels) {
  const auto packets = in.items();
  for (size_t at = 0; at < packets.size();) {
    const Packet& packet = packets[at];
    const NextHop& next_hop = context.replica->next_hops[packet.next_hop.value()];
    if (next_hop.kind == ipc::NextHopKind::adjacency) {
      at += send_run(context, packets.subspan(at), next_hop);
      continue;
    }
    if (next_hop.kind == ipc::NextHopKind::tunnel) {
      enter_tunnel(context, packet, next_hop.tunnel, tunnels);
    } else if (next_hop.kind == ipc::NextHopKind::group) {
      choose_members(*context.replica, packets.subspan(at));
      continue;  // with a next hop that is none
    } else {
      end_here(context, packet, next_hop.kind);
    }
    ++at;
  }
}

}  // namespace sekisho::dataplane
