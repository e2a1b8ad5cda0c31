// The stages. Each takes a burst and sorts it: into the bursts that it returns through its out parameters, into the
// punt ring, into TX buffers, or away under a drop reason. worker/path.cc strings them together:
//
//   eth_input -> ip_input -> sad_lookup -> esp_open -> tunnel_input --+
//                   |            | (not ESP for us)                  | (inner packets)
//                   |            v                                   v
//                   +-------> fib_lookup <---------------------------+
//                              |  |   \.
//              ip_forward <----+  |    local_input -> punt
//                |     |          punt
//      eth_output     tunnel_output -> esp_seal -> eth_output
//
// Within one flow every stage keeps the order of packets.
#pragma once

#include <span>

#include "dataplane/stage/burst.h"
#include "dataplane/stage/context.h"
#include "dataplane/stage/esp_packet.h"

namespace sekisho::dataplane {

// Frames from a port: what is ours by MAC and IP by type goes on; broadcast, multicast, ARP, VLAN and all else is the
// kernel's. Drops: foreign_mac, malformed_ethernet.
void eth_input(Context& context, ipc::PortId port, std::span<rte_mbuf* const> frames, Burst& ip);

// Header checks. Options, hop-by-hop, multicast and link-local are punted. Drops: malformed_ip.
void ip_input(Context& context, Burst& in, Burst& good);

// An ESP packet for an SA of ours.
struct Inbound {
  Packet packet;  // still with its outer header
  InboundSa* sa;
  uint64_t sequence;
  EspLocation esp;
};

// Finds ESP (plain and in UDP) whose SPI and destination are an SA's; anything else goes to `other`, for it may be
// transit. Checks encapsulation, outer addresses, length, replay, expiry. Drops: esp_wrong_address, esp_truncated,
// esp_replay, sa_expired.
void sad_lookup(Context& context, Burst& in, BurstOf<Inbound>& esp, Burst& other);

// Decrypts in place and verifies, then marks the sequence number. Drops: esp_integrity, esp_replay.
void esp_open(Context& context, BurstOf<Inbound>& in, BurstOf<Inbound>& authentic);

// Trailer, inner header, selectors, ECN, limits; strips the outside, raises the SA's events and counts. Drops:
// esp_padding, esp_next_header, esp_inner_malformed, selector_inbound, esp_ecn, sa_expired.
void tunnel_input(Context& context, BurstOf<Inbound>& in, Burst& inner);

// Longest match for the whole burst, then sorted by the kind of next hop: adjacencies and tunnels go to `forward`.
// Drops: blackhole.
void fib_lookup(Context& context, Burst& in, Burst& forward);

// For an address of ours: ESP without an SA is dropped (esp_unknown_spi, esp_wrong_address, esp_truncated,
// esp_fragment); the rest is the kernel's.
void local_input(Context& context, const Packet& packet);

// Hop limit and MTU: what expires or does not fit is punted, for the kernel to answer or to fragment. Drops:
// no_outbound_sa, blackhole (a port that is gone).
void ip_forward(Context& context, Burst& in, Burst& adjacency, Burst& tunnel);

// A packet chosen to be sealed.
struct Outbound {
  Packet packet;
  OutboundSa* sa;
  const NextHop* outer;  // adjacency or punt
  uint16_t esp_length;   // from the SPI to the end of the ICV
};

// Chooses the SA of the tunnel `packet.next_hop->tunnel`, or with `Origin::kernel` of the tunnel origin_id. Drops:
// no_outbound_sa, selector_outbound, too_big, no_memory, sa_expired, blackhole (no way to the peer).
void tunnel_output(Context& context, Burst& in, BurstOf<Outbound>& out);

// Sequence numbers, ESP, outer headers, out. Drops: sa_expired, cipher_failure.
void esp_seal(Context& context, BurstOf<Outbound>& in);

// Writes the Ethernet header before the mbuf's IP packet and queues it. Drops: no_memory.
void eth_output(Context& context, rte_mbuf* packet, const NextHop& next_hop, uint8_t family);
// The same for a burst whose mbufs may still carry what stood before and behind the IP packet.
void eth_output(Context& context, Burst& in);

// Cuts the mbuf down to its IP packet.
void strip_to_ip(const Packet& packet);

}  // namespace sekisho::dataplane
