#include <rte_mbuf.h>

#include <algorithm>
#include <cstring>

#include "dataplane/stage/stages.h"
#include "dataplane/stage/wire.h"

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
    context.raise(sa.raised, bit, sa_event(kind, sa.id, sa.spi.host()));
  };
  if (before + wanted >= sa.soft_sequence) raise(raised_soft_expired, ipc::SaEventKind::soft_expired);
  if (wanted >= left) {
    sa.expired.store(true, std::memory_order_relaxed);
    raise(raised_hard_expired, ipc::SaEventKind::hard_expired);
  }
  return {before + 1, std::min<uint64_t>(wanted, left)};
}

// RFC 4301 section 5.1.2.1: DSCP is copied, and ECN by the normal mode of RFC 6040; DF is copied from IPv4 and clear
// for IPv6. Identification follows the sequence number, so fragments of near packets are not confused.
void write_outer(uint8_t* outer, const Outbound& item, uint64_t sequence) {
  const OuterTemplate& from = item.sa->outer;
  const uint8_t* inner = item.packet.l3;
  const uint8_t family = item.packet.header.family;
  std::memcpy(outer, from.bytes.data(), from.bytes.size());
  const uint8_t tos = traffic_class(inner, family);
  const auto length = static_cast<uint16_t>(from.length + item.esp_length);
  const auto identification = static_cast<uint16_t>(sequence);
  const uint16_t dont_fragment = family == 4 ? load16(inner + 6) & 0x4000 : 0;
  outer[1] = tos;
  store16(outer + 2, length);
  store16(outer + 4, identification);
  store16(outer + 6, dont_fragment);
  uint32_t sum = from.checksum_sum + tos + length + identification + dont_fragment;
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  store16(outer + 10, static_cast<uint16_t>(~sum));
  if (from.length > ipv4_header_size) store16(outer + 24, static_cast<uint16_t>(udp_header_size + item.esp_length));
}

// Lays the packet out around its payload, all but IV and ICV. tunnel_output made sure of the room.
crypto::EspJob prepare(const Outbound& item, uint64_t sequence) {
  const OutboundSa& sa = *item.sa;
  const uint16_t payload = item.packet.header.length;
  uint8_t* esp = item.packet.l3 - sa.lengths.iv - esp_header_size;
  uint8_t* outer = esp - sa.outer.length;
  // The template is copied in its full length, so before what stands behind a short one.
  write_outer(outer, item, sequence);
  store(esp, sa.spi);
  store32(esp + 4, static_cast<uint32_t>(sequence));
  write_trailer(item.packet.l3 + payload, padding_for(payload, sa.lengths.block),
                item.packet.header.family == 4 ? protocol_ipv4 : protocol_ipv6);
  rte_mbuf& mbuf = *item.packet.mbuf;
  mbuf.data_off = static_cast<uint16_t>(outer - static_cast<uint8_t*>(mbuf.buf_addr));
  mbuf.data_len = static_cast<uint16_t>(sa.outer.length + item.esp_length);
  mbuf.pkt_len = mbuf.data_len;
  return {.key = sa.key,
          .esp = esp,
          .length = item.esp_length,
          .sequence_high = sa.esn ? static_cast<uint32_t>(sequence >> 32) : 0};
}

void send(Context& context, const Outbound& item) {
  count(context.counters.sas[item.sa->id.value()], SaCounter::packets);
  count(context.counters.sas[item.sa->id.value()], SaCounter::bytes, item.packet.header.length);
  if (item.outer->kind == ipc::NextHopKind::adjacency)
    eth_output(context, item.packet.mbuf, *item.outer, 4);
  else
    context.to_slow_path({item.packet.mbuf, 0, Via::route});
}

}  // namespace

void esp_seal(Context& context, BurstOf<Outbound>& in) {
  BurstOf<crypto::EspJob> jobs;
  BurstOf<const Outbound*> sealed;
  const auto items = in.items();
  for (size_t start = 0; start < items.size();) {
    OutboundSa* sa = items[start].sa;
    size_t end = start + 1;
    while (end < items.size() && items[end].sa == sa) ++end;
    const Numbers numbers = take_numbers(context, *sa, static_cast<unsigned>(end - start));
    for (size_t i = start; i < end; ++i) {
      if (i - start >= numbers.granted) {
        context.drop(items[i].packet.mbuf, DropReason::sa_expired, sa->id, SaCounter::expired);
        continue;
      }
      jobs.add(prepare(items[i], numbers.first + (i - start)));
      sealed.add(&items[i]);
    }
    start = end;
  }
  context.crypto.seal(jobs.items());
  for (unsigned i = 0; i < jobs.count(); ++i) {
    const Outbound& item = *sealed.items()[i];
    if (jobs.items()[i].ok)
      send(context, item);
    else
      context.drop(item.packet.mbuf, DropReason::cipher_failure, item.sa->id, SaCounter::cipher_failure);
  }
}

}  // namespace sekisho::dataplane
