#include <rte_mbuf.h>

#include "dataplane/stage/stages.h"
#include "dataplane/stage/wire.h"

namespace sekisho::dataplane {
namespace {

using ipc::DropReason, ipc::SaCounter;

PathEvent event_of(const InboundSa& sa, ipc::SaEventKind kind) { return sa_event(kind, sa.id, sa.spi); }

// Counts a packet against the limits. False: it lies beyond a hard one. The packet that reaches a hard limit passes,
// and is the last.
bool within_limits(Context& context, InboundSa& sa, uint32_t length) {
  const SaCold& cold = *sa.cold;
  const uint64_t packets = sa.packets.fetch_add(1, std::memory_order_relaxed) + 1;
  const uint64_t bytes = sa.bytes.fetch_add(length, std::memory_order_relaxed) + length;
  const auto reached = [](uint64_t value, uint64_t limit) { return limit != 0 && value >= limit; };
  const auto exceeded = [](uint64_t value, uint64_t limit) { return limit != 0 && value > limit; };
  if (reached(packets, cold.soft_packets) || reached(bytes, cold.soft_bytes))
    context.raise(sa.raised, raised_soft_expired, event_of(sa, ipc::SaEventKind::soft_expired));
  if (reached(packets, cold.hard_packets) || reached(bytes, cold.hard_bytes)) {
    sa.expired.store(true, std::memory_order_relaxed);
    context.raise(sa.raised, raised_hard_expired, event_of(sa, ipc::SaEventKind::hard_expired));
  }
  return !exceeded(packets, cold.hard_packets) && !exceeded(bytes, cold.hard_bytes);
}

// The peer behind a NAT shows another address than before. Only the newest packet tells: an old one may have been
// held back. Control decides what follows (RFC 7296 section 2.23).
void watch_source(Context& context, const Inbound& in) {
  InboundSa& sa = *in.sa;
  const uint8_t* outer = in.packet.l3;
  const auto source = Be32::from_raw(load_raw<uint32_t>(outer + 12));
  const auto port = Be16::from_raw(load_raw<uint16_t>(outer + in.packet.header.header_length));
  if (source == sa.source && port == sa.source_port) return;
  if (in.sequence < sa.replay.highest()) return;
  PathEvent event = event_of(sa, ipc::SaEventKind::source_changed);
  event.source = source;
  event.source_port = port;
  context.raise(sa.raised, raised_source_changed, event);
}

bool selected(const InboundSa& sa, const Packet& inner) {
  const Selectors& selectors = sa.cold->selectors;
  if (selectors.any(inner.header.family)) return true;
  return selectors.match(flow_of(inner.l3, inner.header, selectors.wants_ports()));
}

// The inner packet within the decrypted payload, or why there is none.
struct Refusal {
  DropReason reason;
  SaCounter counter;
};
std::optional<Refusal> find_inner(const Inbound& in, Packet& inner, IpVerdict& verdict) {
  const SuiteLengths& lengths = in.sa->lengths;
  uint8_t* plain = in.packet.l3 + in.esp.offset + esp_header_size + lengths.iv;
  const size_t plain_length = in.esp.length - esp_header_size - lengths.iv - lengths.icv;
  const auto trailer = check_trailer(plain, plain_length);
  if (!trailer) return Refusal{DropReason::esp_padding, SaCounter::padding};
  const uint8_t family = trailer->next_header == protocol_ipv4 ? 4 : trailer->next_header == protocol_ipv6 ? 6 : 0;
  if (family == 0) return Refusal{DropReason::esp_next_header, SaCounter::next_header};
  verdict = family == 4 ? check_ipv4(plain, trailer->payload, inner.header)
                        : check_ipv6(plain, trailer->payload, inner.header);
  if (verdict == IpVerdict::malformed) return Refusal{DropReason::esp_inner_malformed, SaCounter::truncated};
  inner.l3 = plain;
  if (!selected(*in.sa, inner)) return Refusal{DropReason::selector_inbound, SaCounter::selector};
  return {};
}

}  // namespace

void tunnel_input(Context& context, BurstOf<Inbound>& in, Burst& out) {
  for (const Inbound& item : in.items()) {
    InboundSa& sa = *item.sa;
    context.raise(sa.raised, raised_first_packet, event_of(sa, ipc::SaEventKind::first_packet));
    if (sa.udp_encapsulation) watch_source(context, item);
    Packet inner{item.packet.mbuf, nullptr, nullptr, {}, sa.tunnel.value(), Origin::tunnel};
    IpVerdict verdict{};
    if (const auto refusal = find_inner(item, inner, verdict)) {
      context.drop(inner.mbuf, refusal->reason, sa.id, refusal->counter);
      continue;
    }
    if (!propagate_ecn(traffic_class(item.packet.l3, 4), inner.l3, inner.header.family)) {
      context.drop(inner.mbuf, DropReason::esp_ecn);
      continue;
    }
    if (sa.limited && !within_limits(context, sa, inner.header.length)) {
      context.drop(inner.mbuf, DropReason::sa_expired, sa.id, SaCounter::expired);
      continue;
    }
    count(context.counters.sas[sa.id.value()], SaCounter::packets);
    count(context.counters.sas[sa.id.value()], SaCounter::bytes, inner.header.length);
    strip_to_ip(inner);
    if (verdict == IpVerdict::punt)
      context.punt(inner);
    else
      out.add(inner);
  }
}

}  // namespace sekisho::dataplane
