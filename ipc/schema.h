// What control and dataplane say to each other. control commands, dataplane reports; both as flat structs of fixed
// layout that travel through the rings of ipc/channel.h. Both processes run on one machine, so integers are in host
// order except where a Be type says otherwise. Whatever comes out of a ring is hostile until it was checked.
//
// Ids are chosen by control and are indices into tables of the dataplane, so each has an upper bound (Limits).
// Numbers the two sides do not share by configuration stand here and nowhere else.
#pragma once

#include <array>
#include <cstdint>
#include <type_traits>

#include "base/big_endian.h"
#include "base/esp_suite.h"
#include "base/strong_id.h"

namespace sekisho::ipc {

// Raised by every change of this file or of the ring layout; the sides refuse to talk where it differs.
inline constexpr uint32_t schema_version = 9;

using VrfId = StrongId<struct VrfIdTag, uint8_t>;
using PortId = StrongId<struct PortIdTag, uint16_t>;
using TunnelId = StrongId<struct TunnelIdTag, uint16_t>;
using NextHopId = StrongId<struct NextHopIdTag, uint16_t>;
using FilterId = StrongId<struct FilterIdTag, uint16_t>;
using SaId = StrongId<struct SaIdTag, uint32_t>;
using TransactionId = StrongId<struct TransactionIdTag, uint32_t>;

// A VRF is a forwarding table of its own: what comes in by a port or a tunnel is forwarded by its VRF's. The front door
// is where outer packets travel: IKE's own table, in which peers are found and by whose ports alone ESP is opened.
inline constexpr VrfId front_door{0};
inline constexpr uint8_t max_vrfs = 16;
inline constexpr uint16_t max_ports = 32;
inline constexpr uint16_t max_tunnels = 16384;
inline constexpr uint16_t max_route_targets = 32767;  // rte_fib with 2-byte entries keeps 15 bits
inline constexpr uint16_t max_next_hop_groups = 1024;
inline constexpr uint16_t max_next_hops = max_route_targets - max_next_hop_groups;
inline constexpr uint32_t max_sas = 32768;  // both directions together; a power of two
inline constexpr unsigned max_workers = 16;
inline constexpr unsigned max_selector_pairs = 8;
inline constexpr unsigned max_tx_sas = 8;  // of one tunnel
inline constexpr uint16_t max_filters = 256;
// Of no filter that control has sent: it lets nothing pass, at interfaces that are `filtered` and have no other.
inline constexpr FilterId closed_filter{max_filters};
inline constexpr unsigned max_filter_rules = 256;  // of one filter in one direction
inline constexpr SaId no_sa{UINT32_MAX};
inline constexpr uint16_t most_mtu = 1906;         // of ports and tunnels: a packet fits one buffer
inline constexpr uint16_t least_tunnel_mtu = 256;  // sealed, with the most that any suite adds, below 576
inline constexpr uint16_t least_mss = 64;          // that a tunnel lowers any to

// An inbound SA's SPI carries its SaId in the low bits (control chooses inbound SPIs freely), so the dataplane finds
// the SA by index. The bits above are random and not all zero, which keeps the SPI out of 1..255 (RFC 4303
// section 2.1).
constexpr SaId sa_of_spi(uint32_t spi) { return SaId(spi & (max_sas - 1)); }

// Whoever names a next hop may name a group of them instead: groups have the ids behind those of the next hops. An id
// says which of the two it is, so that a group within a group cannot even be said.
constexpr NextHopId group_id(uint16_t index) { return NextHopId(static_cast<uint16_t>(max_next_hops + index)); }
constexpr bool is_group(NextHopId id) { return id.value() >= max_next_hops && id.value() < max_route_targets; }
// A group is a table of buckets, one of which each flow falls into. There are as many as FRR has paths at most, and
// they share out by weight to within half a percent of the whole.
inline constexpr unsigned group_buckets = 256;

// A NUL-terminated text of bounded length.
template <size_t Capacity>
struct Text {
  std::array<char, Capacity> chars{};
};

// An address of either family: 4 or 16 bytes of `bytes` count.
struct Address {
  uint8_t family = 4;  // 4 or 6
  std::array<uint8_t, 16> bytes{};
};

// -------------------------------------------------------------------------------------------- control -> dataplane

enum class CommandType : uint16_t {
  transaction_begin = 1,
  transaction_commit,
  port_set,
  port_remove,
  tunnel_set,
  tunnel_remove,
  next_hop_set,
  next_hop_group_set,
  route_set,
  route_remove,
  sa_add,
  sa_move,
  sa_remove,
  filters_replace,
  filter_add,
  filter_rule_add,
  filter_attach,
};

// All commands stand between a begin and its commit. They are staged and checked; the commit applies all of them or, if
// one was refused, none, and is answered by one TransactionResult.
struct TransactionBegin {
  static constexpr auto type = CommandType::transaction_begin;
  TransactionId id;
  // Next hops and routes named in this transaction are the whole desired set: what is not named goes. Ports, tunnels
  // and SAs are only ever removed by name.
  uint8_t replace_routes = 0;
};

struct TransactionCommit {
  static constexpr auto type = CommandType::transaction_commit;
  TransactionId id;
};

// A port: a DPDK device and its kernel twin, a TAP that carries the device's MAC.
// Set again with the same device it may change everything else but the name; another device under a used id is refused.
// While it is `filtered`, no packet passes it unless a filter that is attached to its name lets it.
struct PortSet {
  static constexpr auto type = CommandType::port_set;
  PortId id;
  uint16_t mtu = 1500;
  VrfId vrf;
  uint8_t filtered = 0;
  Text<16> name;     // of the twin interface in the kernel, and in reports
  Text<240> device;  // "0000:03:00.0" or "net_af_packet0,iface=eth1"
};

struct PortRemove {
  static constexpr auto type = CommandType::port_remove;
  PortId id;
};

// The Don't Fragment flag of the outer header, and what an inner packet's may demand. What does not fit and may be
// fragmented is, before it is sealed; the sender of anything else is told.
enum class DfPolicy : uint8_t {
  copy,   // the inner packet's; clear for IPv6 within
  clear,  // never; nor is an inner IPv4 packet's obeyed
  set,    // always
};

// A tunnel: a VTI and its kernel twin, a TUN. What is routed into it is sealed by the first of its TX SAs whose
// selectors allow it; where there is none it is dropped. With `on_traffic`, the first packet that finds no TX SA at all
// is kept for a while, and reported (TrafficWaiting). `filtered` as in PortSet, of what goes into it and comes out.
struct TunnelSet {
  static constexpr auto type = CommandType::tunnel_set;
  TunnelId id;
  uint16_t mtu = 1400;    // of inner packets; sealed by any of the TX SAs they fit the way to the peer
  uint16_t mss_ipv4 = 0;  // no TCP SYN in either direction announces more; 0: it may
  uint16_t mss_ipv6 = 0;  // over IPv6
  DfPolicy df{};
  uint8_t on_traffic = 0;
  uint8_t tx_count = 0;  // 0..max_tx_sas
  uint8_t filtered = 0;
  VrfId vrf;  // of inner packets
  std::array<SaId, max_tx_sas> tx_sas{};
  Text<16> name;  // of the twin interface
};

struct TunnelRemove {
  static constexpr auto type = CommandType::tunnel_remove;
  TunnelId id;
};

enum class NextHopKind : uint8_t {
  drop,       // blackhole
  local,      // one of our own addresses: demultiplexed, else to the kernel
  punt,       // the kernel forwards it: unresolved neighbour, an interface that is no port
  adjacency,  // out of a port, to a MAC
  tunnel,     // into a VTI
  group,      // one of several, by flow; never in a NextHopSet
};

// NextHopId 0 is always drop and cannot be set.
struct NextHopSet {
  static constexpr auto type = CommandType::next_hop_set;
  NextHopId id;
  NextHopKind kind = NextHopKind::drop;
  PortId port;      // adjacency
  TunnelId tunnel;  // tunnel
  std::array<uint8_t, 6> mac{};
};

// Several next hops that packets are shared out to: a flow's hash names a bucket, the bucket a next hop. Control makes
// the table, for a next hop's weight is the number of its buckets, and which flows stay where they are when the group
// changes depends on what it was before. A bucket whose next hop is 0 drops.
struct NextHopGroupSet {
  static constexpr auto type = CommandType::next_hop_group_set;
  NextHopId id;  // of a group
  std::array<NextHopId, group_buckets> buckets{};
};

struct RouteSet {
  static constexpr auto type = CommandType::route_set;
  Address prefix;
  uint8_t length = 0;
  VrfId vrf;
  NextHopId next_hop;
};

struct RouteRemove {
  static constexpr auto type = CommandType::route_remove;
  Address prefix;
  uint8_t length = 0;
  VrfId vrf;
};

enum class Direction : uint8_t { inbound, outbound };

struct SelectorPair {
  struct Range {
    Address first, last;
    uint16_t first_port = 0, last_port = 0xffff;
  };
  Range source, destination;  // as the packets of this SA show them
  uint8_t protocol = 0;       // 0: any
};

// A child SA's one direction. An id in use is refused: control never re-installs an SA, and an outbound key is
// installed once in its life, with sequence numbers from 1.
struct SaAdd {
  static constexpr auto type = CommandType::sa_add;
  SaId id;
  uint32_t spi = 0;
  TunnelId tunnel;
  Direction direction = Direction::inbound;
  EspSuite suite{};
  uint8_t esn = 0;
  uint8_t udp_encapsulation = 0;                    // RFC 3948
  uint8_t selector_pairs = 0;                       // 1..max_selector_pairs
  uint16_t replay_window = 0;                       // inbound: 64..4096 in steps of 64; 0: anti-replay off
  uint16_t source_port = 0, destination_port = 0;   // with udp_encapsulation, host order
  Address source, destination;                      // of the outer header as it travels
  uint64_t soft_packets = 0, hard_packets = 0;      // 0: none but the sequence number's own
  uint64_t soft_bytes = 0, hard_bytes = 0;          // of inner packets
  std::array<uint8_t, esp_max_key_material> key{};  // cipher key, salt, integrity key (EspSuiteInfo)
  std::array<SelectorPair, max_selector_pairs> selectors{};
};

// An SA that is there has other outer addresses from now on (RFC 7296 section 2.23, RFC 4555). Key, sequence numbers
// and replay window stay. The SPI must be the SA's.
struct SaMove {
  static constexpr auto type = CommandType::sa_move;
  SaId id;
  uint32_t spi = 0;
  uint8_t udp_encapsulation = 0;  // these as in SaAdd
  uint16_t source_port = 0, destination_port = 0;
  Address source, destination;
};

struct SaRemove {
  static constexpr auto type = CommandType::sa_remove;
  SaId id;
};

// The filters, rules and attachments that follow in this transaction are all there are from then on; where it is
// refused, all stays as it was.
struct FiltersReplace {
  static constexpr auto type = CommandType::filters_replace;
};

// A filter without rules, which lets nothing pass. Flows are kept by `identity`: they outlast a filter that is added
// again with the same one, as far as its rules allow them.
struct FilterAdd {
  static constexpr auto type = CommandType::filter_add;
  FilterId id;
  uint64_t identity = 0;
};

// Lets the first packet of a flow pass in one direction: inbound, which came in by the interface, or outbound, which is
// to leave by it. `remote` is beyond the interface.
struct FilterRuleAdd {
  static constexpr auto type = CommandType::filter_rule_add;
  FilterId filter;
  Direction direction{};
  uint8_t protocol = 0;  // 0: any
  uint8_t family = 0;    // 4, 6; 0: any, then the prefixes say nothing
  uint8_t remote_length = 0, local_length = 0;
  uint8_t has_icmp_type = 0;
  uint8_t icmp_type = 0;                            // with has_icmp_type
  uint16_t first_port = 0, last_port = UINT16_MAX;  // destination
  Address remote, local;                            // of `family`, no host bits set
};

// The interface with this name, be it there or not yet, has this filter.
struct FilterAttach {
  static constexpr auto type = CommandType::filter_attach;
  FilterId filter;
  Text<16> interface;
};

// -------------------------------------------------------------------------------------------- dataplane -> control

enum class EventType : uint16_t {
  transaction_result = 1,
  port_state,
  tunnel_state,
  sa_state,
  inventory_end,
  sa_event,
  unknown_spi,
  traffic_waiting,
  packet_denied,
};

enum class TransactionStatus : uint8_t { applied, refused };

struct TransactionResult {
  static constexpr auto type = EventType::transaction_result;
  TransactionId id;
  TransactionStatus status{};
  uint16_t command_index = 0;  // refused: which command of the transaction, from 0
  CommandType command{};       // and its type
  Text<160> reason;            // for people
};

// Upon connection the dataplane describes what it holds: a PortState, TunnelState or SaState for each object, then
// InventoryEnd. Later a PortState follows every change of a port.
struct PortState {
  static constexpr auto type = EventType::port_state;
  PortId id;
  uint16_t mtu = 0;
  uint8_t link_up = 0;
  VrfId vrf;
  std::array<uint8_t, 6> mac{};
  Text<16> name;
  Text<240> device;
};

struct TunnelState {
  static constexpr auto type = EventType::tunnel_state;
  TunnelId id;
  uint16_t mtu = 0;      // as in TunnelSet
  uint8_t tx_count = 0;  // as in TunnelSet
  VrfId vrf;
  std::array<SaId, max_tx_sas> tx_sas{};
  Text<16> name;
};

struct SaState {
  static constexpr auto type = EventType::sa_state;
  SaId id;
  uint32_t spi = 0;
  TunnelId tunnel;
  Direction direction{};
};

struct InventoryEnd {
  static constexpr auto type = EventType::inventory_end;
};

enum class SaEventKind : uint8_t {
  first_packet,    // inbound: the first packet that passed integrity and replay checks
  soft_expired,    // time to rekey
  hard_expired,    // the SA carries nothing any more
  source_changed,  // inbound, authenticated, UDP-encapsulated: the peer's outer source moved (NAT rebinding)
};

struct SaEvent {
  static constexpr auto type = EventType::sa_event;
  SaId id;
  uint32_t spi = 0;
  SaEventKind kind{};
  Address source;  // source_changed
  uint16_t source_port = 0;
};

// ESP for one of our addresses with an SPI nobody owns. At most a few a second.
struct UnknownSpi {
  static constexpr auto type = EventType::unknown_spi;
  uint32_t spi = 0;
  Address source;
};

// A packet waits for a tunnel that has no TX SA, or one that came while another waited was dropped. Every few seconds
// at most for each tunnel.
struct TrafficWaiting {
  static constexpr auto type = EventType::traffic_waiting;
  TunnelId tunnel;
};

// Why a filter let a packet not pass.
enum class DenialReason : uint8_t {
  no_rule,         // allows it
  table_full,      // a rule allows it, but there was no place for its flow
  forbidden_flow,  // an edit of the rules forbids the flow that it belongs to
  fragment,        // not the first one of its packet, and that one has not passed
  header_chain,    // headers that are cut short, too many, or hidden in another fragment
  routing_header,  // IPv6, with segments left
  options,         // IPv4's, or IPv6 hop-by-hop
  frame_type,      // neither IP nor anything that carries none
  closed,          // the interface is to have a filter, and has none yet
};

// A packet that a filter let not pass. At most a few a second of each filter and worker.
struct PacketDenied {
  static constexpr auto type = EventType::packet_denied;
  FilterId filter;  // or closed_filter
  Direction direction{};
  DenialReason reason{};
  uint8_t protocol = 0;
  uint8_t has_ports = 0;
  uint16_t source_port = 0, destination_port = 0;
  Address source, destination;  // frame_type: of no meaning, likewise the protocol
  Text<16> interface;
};

inline constexpr size_t max_message_size = 1024;

template <typename T>
concept Message = std::is_trivially_copyable_v<T> && sizeof(T) <= max_message_size&& requires {
  T::type;
};

// Both processes are built from this file; whoever changes a layout sees it here and raises schema_version.
template <Message T, size_t Size>
inline constexpr bool laid_out = sizeof(T) == Size;
static_assert(laid_out<TransactionBegin, 8> && laid_out<TransactionCommit, 4> && laid_out<TransactionResult, 172>);
static_assert(laid_out<PortSet, 262> && laid_out<PortRemove, 2> && laid_out<PortState, 268>);
static_assert(laid_out<TunnelSet, 64> && laid_out<TunnelRemove, 2> && laid_out<TunnelState, 56>);
static_assert(laid_out<NextHopSet, 14> && laid_out<NextHopGroupSet, 514>);
static_assert(laid_out<RouteSet, 22> && laid_out<RouteRemove, 19>);
static_assert(laid_out<SaAdd, 808> && laid_out<SaMove, 48> && laid_out<SaRemove, 4> && laid_out<SaState, 12>);
static_assert(laid_out<SaEvent, 28> && laid_out<UnknownSpi, 24> && laid_out<TrafficWaiting, 2>);
static_assert(laid_out<FiltersReplace, 1> && laid_out<FilterAdd, 16> && laid_out<FilterRuleAdd, 48> &&
              laid_out<FilterAttach, 18> && laid_out<PacketDenied, 60>);

}  // namespace sekisho::ipc
