#include <rte_ether.h>
#include <rte_mbuf.h>

#include <algorithm>
#include <optional>

#include "dataplane/stage/stages.h"
#include "dataplane/stage/tcp_mss.h"

namespace sekisho::dataplane {
namespace {

using ipc::DropReason, ipc::SaCounter;

// Room in the mbuf for all that goes before the inner packet, with the Ethernet header, and for the most that any suite
// puts behind it. An SA may move into UDP, or to IPv6, before the packet is sealed.
bool has_room(const Outbound& out) {
  constexpr size_t behind = 64;
  static_assert(std::ranges::all_of(
      esp_suites, [](const EspSuiteInfo& s) { return s.block + esp_trailer_size + s.icv <= behind; }));
  static_assert(trailer_room <= behind);
  const rte_mbuf& mbuf = *out.packet.mbuf;
  const size_t front = RTE_ETHER_HDR_LEN + OuterHeader::max_length + esp_header_size + out.sa->lengths.iv;
  const auto before = static_cast<size_t>(out.packet.l3 - static_cast<const uint8_t*>(mbuf.buf_addr));
  return before >= front && before + out.packet.header.length + behind <= mbuf.buf_len;
}

// Nothing if the way to the peer is known: an adjacency, or the kernel, which will find out.
std::optional<DropReason> check_outer(const Context& context, const Outbound& out) {
  if (out.outer->kind == ipc::NextHopKind::adjacency) [[likely]] {
    const WorkerPort& port = context.ports->ports[out.outer->port.value()];
    if (port.device == no_device) return DropReason::blackhole;
    if (out.sa->outer().length + out.esp_length > port.mtu) return DropReason::too_big;
    return {};
  }
  if (out.outer->kind == ipc::NextHopKind::punt) return {};
  return DropReason::blackhole;
}

PathEvent event_of(const OutboundSa& sa, ipc::SaEventKind kind) { return sa_event(kind, sa.id, sa.spi.host()); }

bool within_byte_limits(Context& context, OutboundSa& sa, uint32_t length) {
  const SaCold& cold = *sa.cold;
  const uint64_t bytes = sa.bytes.fetch_add(length, std::memory_order_relaxed) + length;
  if (cold.soft_bytes != 0 && bytes >= cold.soft_bytes)
    context.raise(sa.raised, raised_soft_expired, [&] { return event_of(sa, ipc::SaEventKind::soft_expired); });
  if (cold.hard_bytes == 0 || bytes < cold.hard_bytes) return true;
  sa.expired.store(true, std::memory_order_relaxed);
  context.raise(sa.raised, raised_hard_expired, [&] { return event_of(sa, ipc::SaEventKind::hard_expired); });
  return bytes == cold.hard_bytes;
}

// Another TX SA of the tunnel, whose selectors fit.
[[gnu::noinline]] OutboundSa* find_further(const Context& context, const Outbound& out) {
  for (unsigned i = 0; i < TunnelTable::max_further; ++i) {
    const ipc::SaId id = context.tunnels.further(out.tunnel, i);
    if (id == ipc::no_sa) break;
    OutboundSa* sa = context.sad.outbound(id);
    if (sa != nullptr && sa->tunnel == out.tunnel && selects(*sa, out.packet)) return sa;
  }
  return nullptr;
}

// Fills in the rest of `out`; or drops the packet.
bool admit(Context& context, Outbound& out) {
  const Packet& packet = out.packet;
  // An SaId may have been given to another tunnel since this tunnel's TX SA went; the SA knows whose it is.
  if (out.sa->tunnel != out.tunnel) [[unlikely]] {
    context.drop(packet.mbuf, DropReason::no_outbound_sa);
    return false;
  }
  if (!selects(*out.sa, packet)) [[unlikely]] {
    OutboundSa* further = find_further(context, out);
    if (further == nullptr) {
      // The SA's counter is for what somebody may miss: the kernel's MLD reports are in every tunnel.
      if (is_multicast(packet))
        context.drop(packet.mbuf, DropReason::selector_outbound);
      else
        context.drop(packet.mbuf, DropReason::selector_outbound, out.sa->id, SaCounter::selector);
      return false;
    }
    out.sa = further;
  }
  OutboundSa& sa = *out.sa;
  const auto drop = [&](DropReason reason, SaCounter counter) {
    context.drop(packet.mbuf, reason, sa.id, counter);
    return false;
  };
  if (sa.expired.load(std::memory_order_relaxed)) [[unlikely]] {
    // Again if the ring of events was full when it expired: no other packet comes this far.
    context.raise(sa.raised, raised_hard_expired, [&] { return event_of(sa, ipc::SaEventKind::hard_expired); });
    return drop(DropReason::sa_expired, SaCounter::expired);
  }
  const uint16_t payload = packet.header.length;
  const size_t plain = payload + padding_for(payload, sa.lengths.block) + esp_trailer_size;
  out.outer = &context.replica->next_hops[context.replica->outer[sa.id.value()].load(std::memory_order_relaxed)];
  out.esp_length = static_cast<uint16_t>(esp_header_size + sa.lengths.iv + plain + sa.lengths.icv);
  if (!has_room(out)) [[unlikely]]
    return drop(DropReason::no_memory, SaCounter::no_memory);
  if (const auto reason = check_outer(context, out)) [[unlikely]] {
    context.drop(packet.mbuf, *reason);
    return false;
  }
  if (is_tcp_syn(packet.l3, packet.header)) [[unlikely]]
    clamp_mss(packet.l3, packet.header, context.tunnels.mss(out.tunnel));
  if (sa.byte_limited && !within_byte_limits(context, sa, payload)) [[unlikely]]
    return drop(DropReason::sa_expired, SaCounter::expired);
  return true;
}

}  // namespace

void tunnel_output(Context& context, BurstOf<Outbound>& packets) {
  packets.filter([&context, last = static_cast<const OutboundSa*>(nullptr)](Outbound& out) mutable {
    if (out.sa != last) prefetch_parts(context, *out.sa);
    last = out.sa;
    return admit(context, out);
  });
}

}  // namespace sekisho::dataplane
