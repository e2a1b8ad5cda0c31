#include "dataplane/worker/path.h"

#include <rte_ether.h>
#include <rte_mbuf.h>

#include <utility>

namespace sekisho::dataplane {

Path::Path(const SharedTables& shared, SharedCrypto& crypto, HandedRing& to_kernel, ipc::WriterCounters& counters)
    : context_{counters,       shared.sad,          shared.tunnels,        crypto,
               shared.events,  shared.manager_bell, shared.slow_path_bell, to_kernel,
               shared.packets, TxBuffers(counters)} {
  context_.filter_table = shared.filters;
}

void Path::begin(const Replica* replica, const WorkerPorts* ports) {
  context_.replica = replica;
  context_.ports = ports;
  // After the ports: of an interface that is there, the filter is known.
  context_.filters = context_.filter_table != nullptr ? context_.filter_table->active() : nullptr;
}

void Path::receive(ipc::PortId port, std::span<rte_mbuf* const> frames) {
  Burst transit, esp;
  context_.mark(Stage::receive);
  ip_input(context_, port, frames, transit, esp);
  context_.mark(Stage::ip_input);
  if (!esp.empty()) decapsulate(esp, transit);
  if (!transit.empty()) forward(transit);
  context_.flush();
  context_.mark(Stage::transmit);
}

void Path::decapsulate(Burst& esp, Burst& transit) {
  BurstOf<Inbound> inbound;
  sad_lookup(context_, esp, inbound, transit);
  context_.mark(Stage::sad_lookup);
  if (inbound.empty()) return;
  Burst inner;
  esp_open(context_, inbound);
  tunnel_input(context_, inbound, inner);
  context_.mark(Stage::tunnel_input);
  if (!inner.empty()) forward(inner);
}

void Path::forward(Burst& in) {
  BurstOf<Outbound> tunnels;
  fib_lookup(context_, in);
  context_.mark(Stage::fib_lookup);
  if (context_.filters != nullptr) {
    security_groups(context_, in);
    context_.mark(Stage::security_groups);
  }
  ip_forward(context_, in, tunnels);
  context_.mark(Stage::ip_forward);
  if (!tunnels.empty()) encapsulate(tunnels);
}

void Path::encapsulate(BurstOf<Outbound>& packets) {
  if (std::exchange(context_.oversized, false)) [[unlikely]]
    encapsulate_fragmented(packets);
  else
    seal(packets);
}

// Fragments stand where their packet stood: a flow keeps its order.
void Path::encapsulate_fragmented(BurstOf<Outbound>& packets) {
  BurstOf<Outbound> fitting;
  for (const Outbound& item : packets.items()) {
    while (!fragment(context_, item, fitting)) {
      seal(fitting);
      fitting.clear();
    }
  }
  if (!fitting.empty()) seal(fitting);
}

void Path::seal(BurstOf<Outbound>& packets) {
  tunnel_output(context_, packets);
  context_.mark(Stage::tunnel_output);
  if (!packets.empty()) esp_seal(context_, packets);
}

// The kernel's packets are sound but for what a user of a raw socket may send; nothing is punted back.
void Path::from_kernel(std::span<const Handed> items) {
  BurstOf<Outbound> tunnels;
  for (const Handed& item : items) {
    if (item.via == Via::port) {
      const ipc::PortId port(item.id);
      if (context_.filters == nullptr || admits_frame(context_, ipc::Direction::outbound, port, item.mbuf))
        send_raw(port, item.mbuf);
      continue;
    }
    if (item.via == Via::reassembled) continue;
    auto* l3 = rte_pktmbuf_mtod(item.mbuf, uint8_t*);
    Packet packet{item.mbuf, l3, {}, {}, item.id, Origin::kernel, 0};
    const bool sound = item.mbuf->nb_segs == 1 && item.id < ipc::max_tunnels &&
                       check_ip(l3, item.mbuf->data_len, packet.header) != IpVerdict::malformed;
    if (!sound) {
      context_.drop(item.mbuf, ipc::DropReason::malformed_ip);
      continue;
    }
    const ipc::TunnelId id(item.id);
    if (context_.filters != nullptr && !admits_to_tunnel(context_, packet, id)) continue;
    const Tunnel tunnel = context_.tunnels.get(id);
    // It waited for an SA, or its twin's MTU has just changed.
    context_.oversized |= packet.header.length > tunnel.mtu;
    choose_sa(context_, packet, id, tunnel, tunnels);
  }
  if (!tunnels.empty()) encapsulate(tunnels);
  receive_reassembled(items);
  context_.flush();
}

// Fragmented ESP was an ESP packet once: from here on it is one that came by the port, which may have left the front
// door meanwhile.
void Path::receive_reassembled(std::span<const Handed> items) {
  Burst esp, transit;
  uint8_t place = 0;
  for (const Handed& item : items) {
    if (item.via != Via::reassembled) continue;
    Packet packet{
        item.mbuf, rte_pktmbuf_mtod_offset(item.mbuf, uint8_t*, RTE_ETHER_HDR_LEN), {}, {}, item.id, Origin::port,
        place++};
    if (check_ip(packet.l3, item.mbuf->data_len - size_t{RTE_ETHER_HDR_LEN}, packet.header) == IpVerdict::forward)
      (vrf_of(context_, packet) == ipc::front_door ? esp : transit).add(packet);
    else
      context_.drop(item.mbuf, ipc::DropReason::malformed_ip);
  }
  if (!esp.empty()) decapsulate(esp, transit);
  if (!transit.empty()) forward(transit);
}

void Path::hand_over(ipc::PortId port, std::span<rte_mbuf* const> frames) {
  for (rte_mbuf* frame : frames) send_raw(port, frame);
  context_.flush();
}

void Path::send_raw(ipc::PortId port, rte_mbuf* frame) {
  if (port.value() >= ipc::max_ports || context_.ports->ports[port.value()].device == no_device)
    return context_.drop(frame, ipc::DropReason::blackhole);
  context_.tx.add(*context_.ports, port, frame, frame->pkt_len);
}

}  // namespace sekisho::dataplane
