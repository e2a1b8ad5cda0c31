#include <rte_mbuf.h>

#include <algorithm>
#include <utility>

#include "dataplane/stage/ethernet.h"
#include "dataplane/stage/stages.h"

namespace sekisho::dataplane {
namespace {

using ipc::DropReason, ipc::SaCounter;

// Sequence numbers for `wanted` packets by one atomic add. `granted` is less where the SA has no more: a number past
// the last one is never used, and none is used twice (RFC 4303 section 3.3.3).
struct Numbers {
  uint64_t first;
  uint64_t granted;
};
Numbers take_numbers(Context& context, OutboundSa& sa, unsigned wanted) {
  // tunnel_output turned packets away once the SA had expired, so what is added past the end stays small.
  const uint64_t before = sa.sequence.fetch_add(wanted, std::memory_order_relaxed);
  const uint64_t left = before < sa.last_sequence ? sa.last_sequence - before : 0;
  const auto raise = [&](SaRaised bit, ipc::SaEventKind kind) {
    context.raise(sa.raised, bit, [&] { return sa_event(kind, sa.id, sa.spi.host()); });
  };
  if (before + wanted >= sa.soft_sequence) [[unlikely]]
    raise(raised_soft_expired, ipc::SaEventKind::soft_expired);
  if (wanted >= left) [[unlikely]] {
    sa.expired.store(true, std::memory_order_relaxed);
    raise(raised_hard_expired, ipc::SaEventKind::hard_expired);
  }
  return {before + 1, std::min<uint64_t>(wanted, left)};
}

// The outer DF (RFC 4301 section 8.1): what is taken from the byte where an IPv4 header has it, and the first eight
// bytes of the outer header with what is the same in all.
struct OuterDf {
  static constexpr uint8_t flag = 0x40;
  explicit OuterDf(ipc::DfPolicy policy)
      : taken(policy == ipc::DfPolicy::copy ? flag : 0),
        start(uint64_t{0x45} | uint64_t{policy == ipc::DfPolicy::set ? flag : 0u} << 48) {}

  const uint8_t taken;
  const uint64_t start;
};

// Of both families, without a checksum.
uint64_t udp_header(const OuterHeader& from, uint16_t esp_length) {
  const Be16 length(static_cast<uint16_t>(udp_header_size + esp_length));
  return uint64_t{from.ports} | uint64_t{length.raw()} << 32;
}

// RFC 4301 section 5.1.2.1: DSCP is copied, and ECN by the normal mode of RFC 6040. Identification follows the sequence
// number, so fragments of near packets are not confused.
void write_outer_ipv4(uint8_t* outer, const OuterHeader& from, uint32_t hop_limit_and_protocol, OuterDf df,
                      const Packet& packet, uint16_t esp_length, uint64_t sequence) {
  const uint8_t* inner = packet.l3;
  const bool ipv4 = packet.header.family == 4;
  const uint64_t dont_fragment = ipv4 ? inner[6] & df.taken : 0u;
  const uint64_t start = df.start | uint64_t{traffic_class(inner, packet.header.family)} << 8 |
                         uint64_t{Be16(static_cast<uint16_t>(from.length + esp_length)).raw()} << 16 |
                         uint64_t{Be16(static_cast<uint16_t>(sequence)).raw()} << 32 | dont_fragment << 48;
  const uint64_t words = (start & 0xffff) + (start >> 16 & 0xffff) + (start >> 32 & 0xffff) + (start >> 48);
  const auto checksum = static_cast<uint16_t>(~fold(from.sum + words));
  store_raw(outer, start);
  store_raw(outer + 8, hop_limit_and_protocol | uint32_t{checksum} << 16);
  store_raw(outer + 12, from.addresses);
  if (!from.udp) return;
  // A UDP checksum of 0: there is none (RFC 3948 section 2.1).
  store_raw(outer + 20, udp_header(from, esp_length));
}

// What is the same for all packets of one SA and burst: how far before the payload everything starts, and the Ethernet
// header on the way to the peer.
struct Layout {
  Layout(const Context& context, const OutboundSa& sa, const NextHop& next_hop)
      : sa(sa),
        outer(sa.outer()),
        hop_limit_and_protocol(outer.hop_limit_and_protocol()),
        df(context.tunnels.get(sa.tunnel).df),
        esp_before(esp_header_size + sa.lengths.iv),
        outer_before(esp_before + outer.length),
        framed(next_hop.kind == ipc::NextHopKind::adjacency),
        // Without an adjacency the port is 0, and the header is not used.
        ethernet(next_hop.mac, context.ports->ports[next_hop.port.value()].mac) {}

  const OutboundSa& sa;
  const OuterHeader outer;
  const uint32_t hop_limit_and_protocol;
  const OuterDf df;
  const uint32_t esp_before, outer_before;
  const bool framed;
  const EthernetHeader ethernet;
};

// Traffic class as over IPv4. The flow label is the SA's own (RFC 6437 section 3), made of its SPI: routers that
// balance by it keep the SA's packets in order. No router fragments it, so the DF policy says nothing here.
void write_outer_ipv6(uint8_t* outer, const Layout& layout, const Packet& packet, uint16_t esp_length) {
  const OuterHeader& from = layout.outer;
  const uint32_t spi = layout.sa.spi.host();
  const uint32_t flow_label = (spi ^ spi >> 12) & 0xfffff;
  store32(outer, uint32_t{6} << 28 | uint32_t{traffic_class(packet.l3, packet.header.family)} << 20 | flow_label);
  store16(outer + 4, static_cast<uint16_t>(from.length - ipv6_header_size + esp_length));
  outer[6] = from.protocol();
  outer[7] = 64;
  std::memcpy(outer + 8, from.ipv6_pair->data(), sizeof *from.ipv6_pair);
  if (from.udp) store_raw(outer + ipv6_header_size, udp_header(from, esp_length));
}

// Lays the packet out around its payload, all but IV and ICV. tunnel_output made sure of the room.
template <Family outer>
void prepare(const Layout& layout, const Outbound& item, uint64_t sequence, BurstOf<crypto::EspJob>& jobs) {
  const OutboundSa& sa = layout.sa;
  const Packet& packet = item.packet;
  uint8_t* esp = packet.l3 - layout.esp_before;
  uint8_t* start = packet.l3 - layout.outer_before;
  if constexpr (outer == Family::ipv4)
    write_outer_ipv4(start, layout.outer, layout.hop_limit_and_protocol, layout.df, packet, item.esp_length, sequence);
  else
    write_outer_ipv6(start, layout, packet, item.esp_length);
  store_raw(esp, uint64_t{sa.spi.raw()} | uint64_t{Be32(static_cast<uint32_t>(sequence)).raw()} << 32);
  write_trailer(packet.l3 + packet.header.length, padding_for(packet.header.length, sa.lengths.block),
                packet.header.family == 4 ? protocol_ipv4 : protocol_ipv6);
  if (layout.framed) [[likely]] {
    start -= RTE_ETHER_HDR_LEN;
    layout.ethernet.write(start, static_cast<uint8_t>(outer));
  }
  set_content(*packet.mbuf, start, static_cast<uint32_t>(esp + item.esp_length - start));
  jobs.emplace(sa.key, esp, uint32_t{item.esp_length}, sa.esn ? static_cast<uint32_t>(sequence >> 32) : 0, false);
}

// Gives packets of one SA their numbers and lays them out. What stands behind the last number is dropped: returns how
// many are left, which are all but once in an SA's life.
size_t prepare_run(Context& context, std::span<const Outbound> run, BurstOf<crypto::EspJob>& jobs,
                   bool& wants_checksums) {
  OutboundSa& sa = *run.front().sa;
  const Numbers numbers = take_numbers(context, sa, static_cast<unsigned>(run.size()));
  const Layout layout(context, sa, *run.front().outer);
  if (!layout.outer.ipv6) [[likely]] {
    for (size_t i = 0; i < numbers.granted; ++i) prepare<Family::ipv4>(layout, run[i], numbers.first + i, jobs);
  } else {
    wants_checksums |= layout.outer.udp;
    for (size_t i = 0; i < numbers.granted; ++i) prepare<Family::ipv6>(layout, run[i], numbers.first + i, jobs);
  }
  for (const Outbound& late : run.subspan(numbers.granted))
    context.drop(late.packet.mbuf, DropReason::sa_expired, sa.id, SaCounter::expired);
  return numbers.granted;
}

// Over IPv6, UDP has to have a checksum (RFC 8200 section 8.1), and what it is computed over is there only now. Whether
// a packet is of that kind, it says itself: the SA may have moved since. So may the next hop, and what is taken for the
// header is another place then: a length that is not what there is behind it is not believed.
[[gnu::noinline]] void write_udp_checksums(std::span<const Outbound> packets) {
  for (const Outbound& item : packets) {
    const bool framed = item.outer->kind == ipc::NextHopKind::adjacency;
    uint8_t* ip = rte_pktmbuf_mtod_offset(item.packet.mbuf, uint8_t*, framed ? RTE_ETHER_HDR_LEN : 0);
    if (ip[0] >> 4 != 6 || ip[6] != protocol_udp) continue;
    const uint16_t length = load16(ip + 4);
    const uint8_t* end = rte_pktmbuf_mtod_offset(item.packet.mbuf, uint8_t*, rte_pktmbuf_data_len(item.packet.mbuf));
    if (ip + ipv6_header_size + length != end) continue;
    // The pseudo-header of section 8.1: addresses, length, next header.
    const uint64_t pseudo = sum_of(ip + 8, sizeof(Ipv6Pair)) + Be16(length).raw() + Be16(protocol_udp).raw();
    const auto checksum = static_cast<uint16_t>(~fold(pseudo + sum_of(ip + ipv6_header_size, length)));
    store_raw<uint16_t>(ip + ipv6_header_size + 6, checksum == 0 ? 0xffff : checksum);
  }
}

void send(Context& context, const Outbound& item) {
  rte_mbuf* mbuf = item.packet.mbuf;
  if (item.outer->kind == ipc::NextHopKind::adjacency) [[likely]]
    context.tx.add(*context.ports, item.outer->port, mbuf, mbuf->pkt_len);
  else
    context.to_slow_path({mbuf, 0, Via::route});
}

}  // namespace

void esp_seal(Context& context, BurstOf<Outbound>& packets) {
  BurstOf<crypto::EspJob> jobs;
  uint64_t late = 0;
  bool wants_checksums = false;
  const auto items = packets.items();
  for (size_t at = 0; at < items.size();) {
    size_t end = at + 1;
    while (end < items.size() && items[end].sa == items[at].sa) ++end;
    for (at += prepare_run(context, items.subspan(at, end - at), jobs, wants_checksums); at < end; ++at)
      late |= uint64_t{1} << at;
  }
  if (late != 0) [[unlikely]]
    packets.filter([&late](const Outbound&) { return (std::exchange(late, late >> 1) & 1) == 0; });
  context.mark(Stage::esp_seal);
  context.crypto.seal(jobs.items());
  context.mark(Stage::seal);
  if (wants_checksums) [[unlikely]]
    write_udp_checksums(packets.items());
  SaCount traffic(context.counters);
  const crypto::EspJob* job = jobs.items().data();
  for (const Outbound& item : packets.items()) {
    if (!job++->ok) [[unlikely]] {
      context.drop(item.packet.mbuf, DropReason::cipher_failure, item.sa->id, SaCounter::cipher_failure);
      continue;
    }
    traffic.add(item.sa->id, item.packet.header.length);
    send(context, item);
  }
  context.mark(Stage::esp_seal);
}

}  // namespace sekisho::dataplane
