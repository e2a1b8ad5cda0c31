// The counters that the dataplane keeps in sealed memory of its own and control reads in place. Every counter has one
// writer: a block belongs to one worker (or to the slow-path thread, the last slot), and a reader sums the blocks.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "ipc/schema.h"

namespace sekisho::ipc {

// Why a packet went no further. Each is counted globally; those that concern one SA also in the SA's block.
enum class DropReason : uint8_t {
  malformed_ethernet,
  malformed_ip,
  unsupported_ethertype,
  blackhole,       // next hop 0, or no route
  no_outbound_sa,  // the tunnel is down
  port_tx_full,
  punt_full,  // the ring to the kernel twin is full
  no_memory,
  esp_truncated,
  esp_fragment,  // of ESP within a tunnel: only what comes by a port is reassembled
  esp_unknown_spi,
  esp_wrong_address,  // known SPI, other outer addresses or encapsulation
  esp_replay,
  esp_integrity,
  esp_padding,
  esp_next_header,  // neither IPv4 nor IPv6 inside
  esp_inner_malformed,
  selector_inbound,
  selector_outbound,
  sa_expired,  // hard limit or sequence number exhausted
  cipher_failure,
  foreign_mac,         // for another station: a promiscuous port, a flooding switch
  too_big,             // sealed, it would exceed the outer port's MTU; or the tunnel's, and nobody is to be told
  esp_ecn,             // congestion marked outside, but the inner packet knows no ECN (RFC 6040 section 4.2)
  fragment_malformed,  // overlaps another one, contradicts it, or has an impossible length
  fragment_timeout,    // the rest of its packet did not come
  fragment_limit,      // too many packets in reassembly, of this source or at all, or a packet too large
  security_group_in,   // no rule of the interface's security groups lets it in
  security_group_out,  // or out
  flow_table_full,     // one does, but there is no place for the flow
  count,
};
std::string_view name(DropReason reason);  // "esp-replay"

enum class SaCounter : uint8_t {
  packets,
  bytes,  // of inner packets
  truncated,
  replay,
  integrity,
  padding,
  next_header,
  selector,
  expired,
  wrong_address,
  no_memory,
  cipher_failure,
  count,
};
std::string_view name(SaCounter counter);

enum class PortCounter : uint8_t { rx_packets, rx_bytes, tx_packets, tx_bytes, punted, from_kernel, count };
std::string_view name(PortCounter counter);

// Packets that met a filter.
enum class FilterCounter : uint8_t {
  inbound_flow,    // passed as part of a flow
  inbound_rule,    // passed by a rule
  inbound_denied,  // dropped, for whatever reason
  outbound_flow,
  outbound_rule,
  outbound_denied,
  count,
};

inline constexpr unsigned counter_slots = max_workers + 1;  // workers, then the slow-path thread
inline constexpr unsigned slow_path_slot = max_workers;

template <typename Counter>
struct alignas(64) CounterBlock {
  std::array<uint64_t, static_cast<size_t>(Counter::count)> value{};
};

// One writer's counters. Written with plain stores of aligned 64-bit words (relaxed atomics for the reader's sake).
struct WriterCounters {
  CounterBlock<DropReason> drops;
  std::array<CounterBlock<PortCounter>, max_ports> ports;
  std::array<CounterBlock<SaCounter>, max_sas> sas;
  std::array<CounterBlock<FilterCounter>, max_filters + 1> filters;  // and of closed_filter
};

// All counters (CounterMemory). Untouched pages cost nothing.
struct CounterTable {
  uint32_t workers = 0;  // how many slots are in use, beside the slow path's
  uint32_t flows = 0;    // of all filters, counted by the manager every few seconds
  uint32_t flow_places = 0;
  std::array<WriterCounters, counter_slots> writers;
};

}  // namespace sekisho::ipc
