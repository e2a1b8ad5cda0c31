#include <rte_mbuf.h>

#include "dataplane/stage/stages.h"
#include "dataplane/stage/tcp_mss.h"
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
    context.raise(sa.raised, raised_soft_expired, [&] { return event_of(sa, ipc::SaEventKind::soft_expired); });
  if (reached(packets, cold.hard_packets) || reached(bytes, cold.hard_bytes)) {
    sa.expired.store(true, std::memory_order_relaxed);
    context.raise(sa.raised, raised_hard_expired, [&] { return event_of(sa, ipc::SaEventKind::hard_expired); });
  }
  return !exceeded(packets, cold.hard_packets) && !exceeded(bytes, cold.hard_bytes);
}

// The peer behind a NAT shows another address than before. Only the newest packet tells: an old one may have been
// held back. Control decides what follows (RFC 7296 section 2.23).
void watch_source(Context& context, const Inbound& in) {
  InboundSa& sa = *in.sa;
  const auto port = Be16::from_raw(load_raw<uint16_t>(in.packet.l3 + in.packet.header.header_length));
  if (outer_source_is(sa, in.packet) && port == sa.source_port.load(std::memory_order_relaxed)) return;
  if (in.sequence < sa.replay.highest()) return;
  context.raise(sa.raised, raised_source_changed, [&] {
    PathEvent event = event_of(sa, ipc::SaEventKind::source_changed);
    event.source = source_of(in.packet);
    event.source_port = port;
    return event;
  });
}

// The verdict on the inner header, which must be of the family that ESP's next header names.
IpVerdict check_inner(uint8_t next_header, const uint8_t* plain, size_t length, IpHeader& header) {
  if (next_header == protocol_ipv4)
    return is_usual_ipv4(plain, length, header) ? IpVerdict::forward : check_ipv4(plain, length, header);
  return is_usual_ipv6(plain, length, header) ? IpVerdict::forward : check_ipv6(plain, length, header);
}

// What is left of the checks once the inner header is known.
bool admit(Context& context, const Inbound& in, const Packet& inner) {
  InboundSa& sa = *in.sa;
  if (!selects(sa, inner)) [[unlikely]] {
    context.drop(inner.mbuf, DropReason::selector_inbound, sa.id, SaCounter::selector);
    return false;
  }
  const uint8_t outer_class = traffic_class(in.packet.l3, in.packet.header.family);
  if (tells_ecn(outer_class) && !propagate_ecn(outer_class, inner.l3, inner.header.family)) [[unlikely]] {
    context.drop(inner.mbuf, DropReason::esp_ecn);
    return false;
  }
  if (sa.limited && !within_limits(context, sa, inner.header.length)) [[unlikely]] {
    context.drop(inner.mbuf, DropReason::sa_expired, sa.id, SaCounter::expired);
    return false;
  }
  return true;
}

// Takes one packet out of its tunnel: to `out`, to the kernel or away.
void take_out(Context& context, const Inbound& in, SaCount& traffic, Burst& out) {
  InboundSa& sa = *in.sa;
  const auto drop = [&](DropReason reason, SaCounter counter) { context.drop(in.packet.mbuf, reason, sa.id, counter); };
  uint8_t* plain = in.packet.l3 + in.esp.offset + esp_header_size + sa.lengths.iv;
  EspTrailer trailer;
  if (!check_trailer(plain, in.esp.length - esp_header_size - sa.lengths.iv - sa.lengths.icv, trailer)) [[unlikely]]
    return drop(DropReason::esp_padding, SaCounter::padding);
  if (trailer.next_header != protocol_ipv4 && trailer.next_header != protocol_ipv6) [[unlikely]]
    return drop(DropReason::esp_next_header, SaCounter::next_header);
  Packet& inner = out.next();
  inner.mbuf = in.packet.mbuf;
  inner.l3 = plain;
  inner.origin = Origin::tunnel;
  inner.origin_id = sa.tunnel.value();
  const IpVerdict verdict = check_inner(trailer.next_header, plain, trailer.payload, inner.header);
  if (verdict == IpVerdict::malformed) [[unlikely]]
    return drop(DropReason::esp_inner_malformed, SaCounter::truncated);
  if (!admit(context, in, inner)) [[unlikely]]
    return;
  traffic.add(sa.id, inner.header.length);
  if (is_tcp_syn(inner.l3, inner.header)) [[unlikely]]
    clamp_mss(inner.l3, inner.header, context.tunnels.mss(sa.tunnel));
  if (verdict == IpVerdict::forward) [[likely]]
    out.keep_next();
  else if (context.filters == nullptr || admits_to_kernel(context, inner))
    context.punt(inner);
}

}  // namespace

void tunnel_input(Context& context, BurstOf<Inbound>& in, Burst& out) {
  SaCount traffic(context.counters);
  for (const Inbound& item : in.items()) {
    InboundSa& sa = *item.sa;
    context.raise(sa.raised, raised_first_packet, [&] { return event_of(sa, ipc::SaEventKind::first_packet); });
    if (item.esp.udp) watch_source(context, item);
    take_out(context, item, traffic, out);
  }
}

}  // namespace sekisho::dataplane
