#include <rte_ether.h>
#include <rte_mbuf.h>

#include <optional>

#include "dataplane/stage/stages.h"

namespace sekisho::dataplane {
namespace {

using ipc::DropReason, ipc::SaCounter;

// An SaId may have been given to another tunnel since this tunnel's TX SA went; the SA knows whose it is.
OutboundSa* sa_of(const Context& context, const Packet& packet) {
  const ipc::TunnelId id = packet.origin == Origin::kernel ? ipc::TunnelId(packet.origin_id) : packet.next_hop->tunnel;
  const Tunnel tunnel = context.tunnels.get(id);
  if (tunnel.tx_sa == ipc::no_sa) return nullptr;
  OutboundSa* sa = context.sad.outbound(tunnel.tx_sa);
  return sa != nullptr && sa->tunnel == id ? sa : nullptr;
}

bool selected(const OutboundSa& sa, const Packet& packet) {
  const Selectors& selectors = sa.cold->selectors;
  if (selectors.any(packet.header.family)) return true;
  return selectors.match(flow_of(packet.l3, packet.header, selectors.wants_ports()));
}

// Room in the mbuf for all that goes before and behind the inner packet, with the Ethernet header.
bool has_room(const Outbound& out) {
  const rte_mbuf& mbuf = *out.packet.mbuf;
  const auto* start = static_cast<const uint8_t*>(mbuf.buf_addr);
  const size_t front = RTE_ETHER_HDR_LEN + size_t{out.sa->outer.length} + esp_header_size + out.sa->lengths.iv;
  const size_t behind = out.esp_length - esp_header_size - out.sa->lengths.iv;
  const auto before = static_cast<size_t>(out.packet.l3 - start);
  return before >= front && before + behind <= mbuf.buf_len;
}

// Nothing if the way to the peer is known: an adjacency, or the kernel, which will find out.
std::optional<DropReason> check_outer(const Context& context, const Outbound& out) {
  if (out.outer->kind == ipc::NextHopKind::punt) return {};
  if (out.outer->kind != ipc::NextHopKind::adjacency) return DropReason::blackhole;
  const WorkerPort& port = context.ports->ports[out.outer->port.value()];
  if (port.device == no_device) return DropReason::blackhole;
  if (out.sa->outer.length + out.esp_length > port.mtu) return DropReason::too_big;
  return {};
}

PathEvent event_of(const OutboundSa& sa, ipc::SaEventKind kind) { return sa_event(kind, sa.id, sa.spi.host()); }

bool within_byte_limits(Context& context, OutboundSa& sa, uint32_t length) {
  const SaCold& cold = *sa.cold;
  const uint64_t bytes = sa.bytes.fetch_add(length, std::memory_order_relaxed) + length;
  if (cold.soft_bytes != 0 && bytes >= cold.soft_bytes)
    context.raise(sa.raised, raised_soft_expired, event_of(sa, ipc::SaEventKind::soft_expired));
  if (cold.hard_bytes == 0 || bytes < cold.hard_bytes) return true;
  sa.expired.store(true, std::memory_order_relaxed);
  context.raise(sa.raised, raised_hard_expired, event_of(sa, ipc::SaEventKind::hard_expired));
  return bytes == cold.hard_bytes;
}

}  // namespace

void tunnel_output(Context& context, Burst& in, BurstOf<Outbound>& out) {
  for (const Packet& packet : in.items()) {
    OutboundSa* sa = sa_of(context, packet);
    if (sa == nullptr) {
      context.drop(packet.mbuf, DropReason::no_outbound_sa);
      continue;
    }
    if (sa->expired.load(std::memory_order_relaxed)) {
      // Again if the ring of events was full when it expired: no other packet comes this far.
      context.raise(sa->raised, raised_hard_expired, event_of(*sa, ipc::SaEventKind::hard_expired));
      context.drop(packet.mbuf, DropReason::sa_expired, sa->id, SaCounter::expired);
      continue;
    }
    if (!selected(*sa, packet)) {
      context.drop(packet.mbuf, DropReason::selector_outbound, sa->id, SaCounter::selector);
      continue;
    }
    const uint16_t payload = packet.header.length;
    const size_t plain = payload + padding_for(payload, sa->lengths.block) + esp_trailer_size;
    const uint16_t next_hop = context.replica->outer[sa->id.value()].load(std::memory_order_relaxed);
    const Outbound item{packet, sa, &context.replica->next_hops[next_hop],
                        static_cast<uint16_t>(esp_header_size + sa->lengths.iv + plain + sa->lengths.icv)};
    if (plain > UINT16_MAX - 128 || !has_room(item)) {
      context.drop(packet.mbuf, DropReason::no_memory, sa->id, SaCounter::no_memory);
      continue;
    }
    if (const auto reason = check_outer(context, item)) {
      context.drop(packet.mbuf, *reason);
      continue;
    }
    if (sa->byte_limited && !within_byte_limits(context, *sa, payload)) {
      context.drop(packet.mbuf, DropReason::sa_expired, sa->id, SaCounter::expired);
      continue;
    }
    out.add(item);
  }
}

}  // namespace sekisho::dataplane
