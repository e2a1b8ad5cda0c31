#include "dataplane/worker/path.h"

#include <rte_mbuf.h>

namespace sekisho::dataplane {

Path::Path(const SharedTables& shared, crypto::EspCrypto& crypto, HandedRing& to_kernel, ipc::WriterCounters& counters)
    : context_{counters,           shared.sad,          shared.tunnels,        crypto,
               shared.events,      shared.manager_bell, shared.slow_path_bell, to_kernel,
               TxBuffers(counters)} {}

void Path::begin(const Replica* replica, const WorkerPorts* ports) {
  context_.replica = replica;
  context_.ports = ports;
}

void Path::receive(ipc::PortId port, std::span<rte_mbuf* const> frames) {
  Burst ip, good, transit;
  BurstOf<Inbound> esp;
  eth_input(context_, port, frames, ip);
  ip_input(context_, ip, good);
  sad_lookup(context_, good, esp, transit);
  if (!esp.empty()) decapsulate(esp);
  if (!transit.empty()) forward(transit);
  context_.flush();
}

void Path::decapsulate(BurstOf<Inbound>& in) {
  BurstOf<Inbound> authentic;
  Burst inner;
  esp_open(context_, in, authentic);
  tunnel_input(context_, authentic, inner);
  if (!inner.empty()) forward(inner);
}

void Path::forward(Burst& in) {
  Burst out, adjacency, tunnel;
  fib_lookup(context_, in, out);
  ip_forward(context_, out, adjacency, tunnel);
  eth_output(context_, adjacency);
  if (!tunnel.empty()) encapsulate(tunnel);
}

void Path::encapsulate(Burst& in) {
  BurstOf<Outbound> chosen;
  tunnel_output(context_, in, chosen);
  if (!chosen.empty()) esp_seal(context_, chosen);
}

// The kernel's packets are sound but for what a user of a raw socket may send; nothing is punted back.
void Path::from_kernel(std::span<const Handed> items) {
  Burst tunnel;
  for (const Handed& item : items) {
    if (item.via == Via::port) {
      send_raw(ipc::PortId(item.id), item.mbuf);
      continue;
    }
    auto* l3 = rte_pktmbuf_mtod(item.mbuf, uint8_t*);
    Packet packet{item.mbuf, l3, nullptr, {}, item.id, Origin::kernel};
    const bool sound = item.mbuf->nb_segs == 1 && item.id < ipc::max_tunnels &&
                       check_ip(l3, item.mbuf->data_len, packet.header) != IpVerdict::malformed;
    if (sound)
      tunnel.add(packet);
    else
      context_.drop(item.mbuf, ipc::DropReason::malformed_ip);
  }
  if (!tunnel.empty()) encapsulate(tunnel);
  context_.flush();
}

void Path::hand_over(ipc::PortId port, std::span<rte_mbuf* const> frames) {
  for (rte_mbuf* frame : frames) send_raw(port, frame);
  context_.flush();
}

void Path::send_raw(ipc::PortId port, rte_mbuf* frame) {
  if (port.value() >= ipc::max_ports || context_.ports->ports[port.value()].device == no_device)
    return context_.drop(frame, ipc::DropReason::blackhole);
  context_.tx.add(*context_.ports, port, frame);
}

}  // namespace sekisho::dataplane
