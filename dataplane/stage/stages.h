// The stages. Each takes a burst and sorts it: into the bursts that it returns through its out parameters, into the
// punt ring, into TX buffers, or away under a drop reason. worker/path.cc strings them together:
//
//   ip_input --> sad_lookup -> esp_open -> tunnel_input --+
//      |             | (ESP, but not for us)              | (inner packets)
//      |             v                                    |
//      +------> fib_lookup <------------------------------+
//                    |
//            (security_groups)
//                    |
//               ip_forward --> TX, punt, local_input
//                    |
//           (fragment) tunnel_output -> esp_seal --> TX, punt
//
// Within one flow every stage keeps the order of packets. A stage that needs memory far away (an SA, a key) is preceded
// by one that asks for it: choose_sa() and sad_lookup's first pass prefetch the SA, tunnel_output and sad_lookup's
// second pass what the cryptography needs.
#pragma once

#include <rte_mbuf.h>

#include <span>

#include "dataplane/stage/burst.h"
#include "dataplane/stage/context.h"
#include "dataplane/stage/esp_packet.h"

namespace sekisho::dataplane {

// Frames from a port. What is ours by MAC and IP by type, and whose header is sound, goes on: to `esp` what may be ESP
// and came by a port of the front door, to `transit` the rest. Broadcast, multicast, ARP, VLAN, IP options, hop-by-hop,
// link-local and all else is the kernel's. Drops: foreign_mac, malformed_ethernet, malformed_ip, no_memory.
void ip_input(Context& context, ipc::PortId port, std::span<rte_mbuf* const> frames, Burst& transit, Burst& esp);

// An ESP packet for an SA of ours.
struct Inbound {
  Packet packet;  // still with its outer header
  InboundSa* sa;
  uint64_t sequence;
  EspLocation esp;
};

// Finds ESP (plain and in UDP) whose SPI and destination are an SA's; anything else goes to `other`, for it may be
// transit, in the order in which all of it came from the port. Checks encapsulation, outer addresses, length, replay,
// expiry. Drops: esp_wrong_address, esp_truncated, esp_replay, sa_expired.
void sad_lookup(Context& context, Burst& in, BurstOf<Inbound>& esp, Burst& other);

// Decrypts in place and verifies, then marks the sequence number. Drops: esp_integrity, esp_replay.
void esp_open(Context& context, BurstOf<Inbound>& packets);

// Trailer, inner header, selectors, ECN, limits, MSS; raises the SA's events and counts. Drops: esp_padding,
// esp_next_header, esp_inner_malformed, selector_inbound, esp_ecn, sa_expired.
void tunnel_input(Context& context, BurstOf<Inbound>& in, Burst& inner);

// Longest match for the whole burst, each packet by the routes of its VRF. No packet may be of Origin::kernel.
void fib_lookup(Context& context, Burst& in);

// Security groups: keeps what the filters of the interface where a packet came in, and of the one by which it is to
// leave, let pass (filter/judge.h). What the kernel will forward meets that interface's filter when it comes out of the
// kernel. Before anything is punted: what is not allowed gets no answer. What is not filtered: IKE and ESP to an
// address of ours, with the fragments of UDP that may belong to it, and neighbour discovery to it. Only where
// context.filters. Drops: security_group_in, security_group_out, flow_table_full.
void security_groups(Context& context, Burst& in);
// The same for what goes straight to the kernel, or comes from it. False: it was dropped. IGMP, MLD and neighbour
// discovery on the link pass, and out of the kernel all of the latter and our own IKE and ESP; then options do not.
bool admits_to_kernel(Context& context, const Packet& packet);
// A frame that came in by the port and is the kernel's for its group address or its type, or that the kernel sends. Of
// what is not IP, only what carries no IP passes: ARP, LLDP, EAPOL, LACP, LLC. Drops also: malformed_ip.
bool admits_frame(Context& context, ipc::Direction direction, ipc::PortId port, rte_mbuf* mbuf);
bool admits_to_tunnel(Context& context, const Packet& packet, ipc::TunnelId id);

// A packet chosen to be sealed.
struct Outbound {
  Packet packet;
  OutboundSa* sa;
  const NextHop* outer;  // from tunnel_output on: adjacency or punt
  uint16_t esp_length;   // from tunnel_output on: from the SPI to the end of the ICV
  ipc::TunnelId tunnel;  // to which the SA should belong
};

// For packets whose next hop is a group: one of its next hops, by flow. Of others nothing is changed.
void choose_members(const Replica& replica, std::span<Packet> packets);

// Does what the next hop says. Hop limit and MTU: what expires or does not fit is punted, for the kernel to answer or
// to fragment; but what may be fragmented into a tunnel goes on (`oversized`). An adjacency gets its Ethernet header
// and is queued; what goes into a tunnel goes to `tunnels`. Drops: blackhole, no_outbound_sa, and local_input's.
void ip_forward(Context& context, Burst& in, BurstOf<Outbound>& tunnels);

// For an address of ours: in the front door, fragments that may be ESP go to reassembly (twin/reassembly.h), and ESP
// without an SA is dropped (esp_unknown_spi, esp_wrong_address, esp_truncated, esp_fragment); the rest is the kernel's.
void local_input(Context& context, const Packet& packet);

// A packet for a tunnel that has no TX SA: where the tunnel may be woken by traffic and was not just now, the slow path
// keeps it and the manager hears of it. Drops: no_outbound_sa.
void wait_for_sa(Context& context, const Packet& packet, ipc::TunnelId id);

// Adds a packet for the tunnel to `out`, with the first of its SAs, or lets it wait for one.
void choose_sa(Context& context, const Packet& packet, ipc::TunnelId id, Tunnel tunnel, BurstOf<Outbound>& out);

// Whether a router may fragment the packet on its way into a tunnel with that policy. What has IPv4 options comes
// fragmented from the kernel.
inline bool may_fragment(const Packet& packet, ipc::DfPolicy policy) {
  if (packet.header.family != 4 || packet.header.header_length != ipv4_header_size) return false;
  return policy == ipc::DfPolicy::clear || (load16(packet.l3 + 6) & ipv4_dont_fragment) == 0;
}

// Adds the packet's fragments to `out`, each with its chosen SA; if it fits its tunnel's MTU, the packet itself. False:
// `out` has no room for them, and nothing was done; an empty one has room for any. Drops: too_big (it may not be
// fragmented, or would be into more than a burst), malformed_ip (it ends where no IP packet does), no_memory.
[[nodiscard]] bool fragment(Context& context, const Outbound& item, BurstOf<Outbound>& out);

// Selectors (the tunnel's other SAs where the first one's do not fit), limits, room, the way to the peer, MSS. Drops:
// no_outbound_sa, selector_outbound, too_big, no_memory, sa_expired, blackhole (no way to the peer).
void tunnel_output(Context& context, BurstOf<Outbound>& packets);

// Sequence numbers, ESP, outer headers, out. Drops: sa_expired, cipher_failure.
void esp_seal(Context& context, BurstOf<Outbound>& packets);

// What the mbuf holds from now on: `length` bytes at `start`, within its one segment.
inline void set_content(rte_mbuf& mbuf, const uint8_t* start, uint32_t length) {
  mbuf.data_off = static_cast<uint16_t>(start - static_cast<uint8_t*>(mbuf.buf_addr));
  mbuf.data_len = static_cast<uint16_t>(length);
  mbuf.pkt_len = length;
}

// Among it is what the kernel says on every interface by itself: MLD, IGMP, neighbour discovery, routing protocols.
inline bool is_multicast(const Packet& packet) {
  return packet.header.family == 4 ? (packet.l3[16] & 0xf0) == 0xe0 : packet.l3[24] == 0xff;
}

// Whether the SA's selectors take the packet (RFC 4301 section 4.4.1).
template <typename Sa>
bool selects(const Sa& sa, const Packet& packet) {
  const IpHeader& header = packet.header;
  if (header.family == 4 && sa.selected.hold(load32(packet.l3 + 12), load32(packet.l3 + 16))) [[likely]]
    return true;
  const Selectors& selectors = sa.cold->selectors;
  return selectors.any(header.family) || selectors.match(flow_of(packet.l3, header, selectors.wants_ports()));
}

// All of an SA.
template <typename Sa>
void prefetch(const Sa& sa) {
  for (size_t at = 0; at < offsetof(Sa, owned_cold); at += 64)
    rte_prefetch0(reinterpret_cast<const uint8_t*>(&sa) + at);
}
// What is found by way of the SA.
template <typename Sa>
void prefetch_parts(const Context& context, const Sa& sa) {
  rte_prefetch0(&context.counters.sas[sa.id.value()]);
  crypto::prefetch(*sa.key);
}

// Whether a packet's outer header has the SA's address. An SA of the other family has zeros where this looks, and no
// packet that passed check_ip() comes this far with those.
bool outer_ipv6_is(const InboundSa& sa, const uint8_t* l3, unsigned word);  // the address that starts at this word
inline bool outer_source_is(const InboundSa& sa, const Packet& packet) {
  if (packet.header.family == 4) [[likely]]
    return load_raw<uint32_t>(packet.l3 + 12) == sa.source.load(std::memory_order_relaxed).raw();
  return outer_ipv6_is(sa, packet.l3, 0);
}
inline bool outer_destination_is(const InboundSa& sa, const Packet& packet) {
  if (packet.header.family == 4) [[likely]]
    return load_raw<uint32_t>(packet.l3 + 16) == sa.destination.load(std::memory_order_relaxed).raw();
  return outer_ipv6_is(sa, packet.l3, 2);
}

// The source of a packet of either family.
inline IpAddress source_of(const Packet& packet) {
  const bool ipv4 = packet.header.family == 4;
  return *IpAddress::from_bytes({packet.l3 + (ipv4 ? 12 : 8), ipv4 ? size_t{4} : size_t{16}});
}

// By whose routes a packet is forwarded that came in by a port or out of a tunnel.
inline ipc::VrfId vrf_of(const Context& context, const Packet& packet) {
  if (packet.origin == Origin::port) return context.ports->ports[packet.origin_id].vrf;
  return context.tunnels.vrf(ipc::TunnelId(packet.origin_id));
}

inline OutboundSa* outbound_sa(const Context& context, Tunnel tunnel) {
  return tunnel.tx_sa == ipc::no_sa ? nullptr : context.sad.outbound(tunnel.tx_sa);
}

inline void choose_sa(Context& context, const Packet& packet, ipc::TunnelId id, Tunnel tunnel, BurstOf<Outbound>& out) {
  OutboundSa* sa = outbound_sa(context, tunnel);
  // The SA was replaced and taken away since `tunnel` was read; the tunnel has had its successor since before that.
  if (sa == nullptr) [[unlikely]]
    sa = outbound_sa(context, context.tunnels.get(id));
  if (sa == nullptr) [[unlikely]]
    return wait_for_sa(context, packet, id);
  prefetch(*sa);
  out.emplace(packet, sa, nullptr, uint16_t{0}, id);
}

}  // namespace sekisho::dataplane
