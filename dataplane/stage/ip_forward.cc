#include "dataplane/stage/stages.h"

namespace sekisho::dataplane {
namespace {

// The MTU of the way out, or why there is none.
struct WayOut {
  uint16_t mtu;
  ipc::DropReason reason;
};
WayOut way_out(const Context& context, const NextHop& next_hop) {
  if (next_hop.kind == ipc::NextHopKind::tunnel) {
    const Tunnel tunnel = context.tunnels.get(next_hop.tunnel);
    return {tunnel.tx_sa == ipc::no_sa ? uint16_t{0} : tunnel.mtu, ipc::DropReason::no_outbound_sa};
  }
  const WorkerPort& port = context.ports->ports[next_hop.port.value()];
  return {port.device == no_device ? uint16_t{0} : port.mtu, ipc::DropReason::blackhole};
}

}  // namespace

void ip_forward(Context& context, Burst& in, Burst& adjacency, Burst& tunnel) {
  for (const Packet& packet : in.items()) {
    const uint8_t family = packet.header.family;
    const WayOut out = way_out(context, *packet.next_hop);
    if (out.mtu == 0) {
      context.drop(packet.mbuf, out.reason);
      continue;
    }
    if (hop_limit(packet.l3, family) <= 1 || packet.header.length > out.mtu) {
      context.punt(packet);
      continue;
    }
    decrement_hop_limit(packet.l3, family);
    (packet.next_hop->kind == ipc::NextHopKind::tunnel ? tunnel : adjacency).add(packet);
  }
}

}  // namespace sekisho::dataplane
