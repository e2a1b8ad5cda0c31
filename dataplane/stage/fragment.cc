// Fragmentation of IPv4 packets (RFC 791 section 3.2) before they are sealed, so that the peer need not put ESP packets
// together: the receiving host does that with the fragments it gets.
#include <rte_mbuf.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>

#include "dataplane/stage/stages.h"

namespace sekisho::dataplane {
namespace {

constexpr size_t offset_unit = 8;

// Of all workers: packets of one pair of hosts may come to several of them. What changes an identification is rare, so
// they do not wait for each other.
constinit std::atomic<uint16_t> next_identification{0};

// What all fragments have in common, and what of the packet's own place among fragments they inherit.
struct Original {
  explicit Original(const Packet& packet) : fragment_word(load16(packet.l3 + 6)) {
    std::memcpy(header.data(), packet.l3, header.size());
    // The identification of an atomic datagram (not to be fragmented, and no fragment) means nothing (RFC 6864 section
    // 4.1), and may be the same in all of them. A fragment's tells where it belongs.
    const uint16_t place = ipv4_dont_fragment | ipv4_more_fragments | ipv4_fragment_offset;
    if ((fragment_word & place) == ipv4_dont_fragment)
      store16(header.data() + 4, next_identification.fetch_add(1, std::memory_order_relaxed));
  }

  std::array<uint8_t, ipv4_header_size> header;
  const uint16_t fragment_word;
};

void write_header(uint8_t* l3, const Original& original, size_t offset, size_t payload, bool last) {
  std::memcpy(l3, original.header.data(), original.header.size());
  store16(l3 + 2, static_cast<uint16_t>(ipv4_header_size + payload));
  const unsigned place = (original.fragment_word & ipv4_fragment_offset) + offset / offset_unit;
  const unsigned more = last ? original.fragment_word & ipv4_more_fragments : ipv4_more_fragments;
  store16(l3 + 6, static_cast<uint16_t>(place | more));
  store16(l3 + 10, 0);
  store_raw(l3 + 10, static_cast<uint16_t>(~header_sum(l3, ipv4_header_size)));
}

// Cuts the packet into `count` pieces with `step` octets of payload each; `mbufs` take all but the first.
void cut(const Outbound& item, const Original& original, size_t step, std::span<rte_mbuf* const> mbufs,
         BurstOf<Outbound>& out) {
  const uint8_t* payload = item.packet.l3 + ipv4_header_size;
  const size_t length = item.packet.header.length - ipv4_header_size;
  size_t offset = 0;
  for (size_t i = 0; i <= mbufs.size(); ++i, offset += step) {
    const size_t size = std::min(step, length - offset);
    Outbound& piece = out.next();
    piece = item;
    Packet& packet = piece.packet;
    if (i > 0) {
      packet.mbuf = mbufs[i - 1];
      packet.l3 = rte_pktmbuf_mtod(packet.mbuf, uint8_t*);
      std::memcpy(packet.l3 + ipv4_header_size, payload + offset, size);
    }
    write_header(packet.l3, original, offset, size, i == mbufs.size());
    packet.header.length = static_cast<uint16_t>(ipv4_header_size + size);
    packet.header.fragment = true;
    packet.header.first = item.packet.header.first && i == 0;
    packet.origin = Origin::kernel;  // the frame that came is no more: nobody to punt it to
    out.keep_next();
  }
}

// Nobody can put together what ends behind the longest IP packet, and the offset has no room for it.
bool ends_too_far(const Packet& packet) {
  const size_t offset = size_t{offset_unit} * (load16(packet.l3 + 6) & ipv4_fragment_offset);
  return offset + packet.header.length > UINT16_MAX;
}

}  // namespace

bool fragment(Context& context, const Outbound& item, BurstOf<Outbound>& out) {
  const Packet& packet = item.packet;
  const Tunnel tunnel = context.tunnels.get(item.tunnel);
  if (packet.header.length <= tunnel.mtu) {
    if (out.count() == burst_size) return false;
    out.add(item);
    return true;
  }
  const size_t room = tunnel.mtu < ipv4_header_size ? 0 : (tunnel.mtu - ipv4_header_size) / offset_unit * offset_unit;
  const size_t payload = packet.header.length - ipv4_header_size;
  if (!may_fragment(packet, tunnel.df) || room == 0 || payload > room * burst_size) {
    context.drop(packet.mbuf, ipc::DropReason::too_big);
    return true;
  }
  if (ends_too_far(packet)) {
    context.drop(packet.mbuf, ipc::DropReason::malformed_ip);
    return true;
  }
  size_t more = 0;  // fragments behind the first one
  while ((more + 1) * room < payload) ++more;
  if (out.count() + 1 + more > burst_size) return false;
  std::array<rte_mbuf*, burst_size> mbufs;
  if (rte_pktmbuf_alloc_bulk(context.packets, mbufs.data(), static_cast<unsigned>(more)) != 0) {
    context.drop(packet.mbuf, ipc::DropReason::no_memory);
    return true;
  }
  cut(item, Original(packet), room, {mbufs.data(), more}, out);
  return true;
}

}  // namespace sekisho::dataplane
