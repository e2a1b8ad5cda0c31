#include <rte_ether.h>
#include <rte_fib.h>
#include <rte_fib6.h>

#include <array>
#include <cstring>
#include <optional>

#include "dataplane/filter/judge.h"
#include "dataplane/stage/esp_packet.h"
#include "dataplane/stage/stages.h"

namespace sekisho::dataplane {
namespace {

using ipc::DenialReason, ipc::Direction, ipc::DropReason, ipc::FilterCounter;

constexpr uint16_t ike_port = 500;

// The interface whose filter a packet meets.
struct Interface {
  std::optional<ipc::PortId> port;
  ipc::TunnelId tunnel;  // without a port

  static Interface of(const Packet& packet) {
    if (packet.origin == Origin::port) return {ipc::PortId(packet.origin_id), {}};
    return {{}, ipc::TunnelId(packet.origin_id)};
  }
  ipc::VrfId vrf(const Context& context) const {
    return port ? context.ports->ports[port->value()].vrf : context.tunnels.vrf(tunnel);
  }
  const Filter* filter(const Filters& filters) const {
    return port ? filters.ports[port->value()] : filters.tunnels[tunnel.value()];
  }
};

void note(Context& context, const Filter& filter, Direction direction, FilterCounter inbound) {
  constexpr auto per_direction = static_cast<uint8_t>(FilterCounter::outbound_flow);
  const auto which = static_cast<uint8_t>(inbound) + (direction == Direction::inbound ? 0 : per_direction);
  count(context.counters.filters[filter.id.value()], static_cast<FilterCounter>(which));
}

[[gnu::noinline]] void deny(Context& context, const Filter& filter, Direction direction, const Interface& interface,
                            const PacketFields& packet, rte_mbuf* mbuf, DenialReason reason) {
  note(context, filter, direction, FilterCounter::inbound_denied);
  context.report_denied({filter.id, direction, reason, interface.port, interface.tunnel, packet});
  const bool inbound = direction == Direction::inbound;
  context.drop(mbuf, reason == DenialReason::table_full ? DropReason::flow_table_full
                     : inbound                          ? DropReason::security_group_in
                                                        : DropReason::security_group_out);
}

bool passes(Context& context, const Candidate& candidate, const Interface& interface, rte_mbuf* mbuf, Ticks now) {
  const Verdict verdict = judge(candidate, context.filter_table->flows(), now);
  if (verdict == Verdict::by_flow || verdict == Verdict::by_rule) [[likely]] {
    const bool by_flow = verdict == Verdict::by_flow;
    note(context, *candidate.filter, candidate.direction,
         by_flow ? FilterCounter::inbound_flow : FilterCounter::inbound_rule);
    return true;
  }
  const DenialReason reason = verdict == Verdict::table_full
                                  ? DenialReason::table_full
                                  : why_denied(candidate, context.filter_table->flows(), now);
  deny(context, *candidate.filter, candidate.direction, interface, *candidate.packet, mbuf, reason);
  return false;
}

bool is_ike_port(uint16_t port) { return port == ike_port || port == esp_udp_port; }

// Nobody sends these from farther away than the next router, which would have lowered the hop limit, and nobody behind
// extension headers (RFC 4861, RFC 6980). A redirect is none of them: it would move traffic.
bool is_neighbour_discovery(const Packet& packet, const PacketFields& fields) {
  return packet.header.family == 6 && packet.header.protocol == protocol_icmpv6 && fields.has_type &&
         fields.type >= 133 && fields.type <= 136 && hop_limit(packet.l3, 6) == 255;
}

// By either address: no router passes the packet on.
bool stays_on_link(const Packet& packet) {
  if (packet.header.family != 6) return false;
  const auto link_local = [](const uint8_t* address) { return (load16(address) & 0xffc0) == 0xfe80; };
  const uint8_t* destination = packet.l3 + 24;
  const bool link_scope = destination[0] == 0xff && (destination[1] & 0x0f) == 2;
  return link_local(packet.l3 + 8) || link_local(destination) || link_scope;
}

// To an address of ours: what the gateway itself authenticates or needs, IKE and ESP in the front door alone. Of UDP in
// fragments only the first shows the port; the others are of no use without it.
bool is_gateways_own(const Context& context, const Packet& packet, const PacketFields& fields) {
  if (fields.source_routed || fields.hides_header) return false;
  if (is_neighbour_discovery(packet, fields)) return true;
  if (vrf_of(context, packet) != ipc::front_door) return false;
  if (fields.protocol == protocol_esp) return true;
  return fields.protocol == protocol_udp &&
         (fields.piece == PacketFields::Piece::later || (fields.has_ports && is_ike_port(fields.destination_port)));
}

// In the front door.
bool is_own_address(const Replica& replica, const uint8_t* address, uint8_t family) {
  const VrfTables& tables = replica.vrfs[ipc::front_door.value()];
  uint64_t found = 0;
  if (family == 4) {
    uint32_t key = load32(address);
    rte_fib_lookup_bulk(tables.fib4.get(), &key, &found, 1);
  } else {
    uint8_t key[1][16];
    std::memcpy(key[0], address, sizeof key[0]);
    rte_fib6_lookup_bulk(tables.fib6.get(), key, &found, 1);
  }
  return replica.next_hops[found].kind == ipc::NextHopKind::local;
}

bool is_own_ike_or_esp(const Context& context, const Packet& packet, const Interface& interface,
                       const PacketFields& fields) {
  if (fields.source_routed || fields.hides_header || interface.vrf(context) != ipc::front_door) return false;
  const bool kind = fields.protocol == protocol_esp ||
                    (fields.protocol == protocol_udp && fields.has_ports && is_ike_port(fields.source_port));
  return kind && is_own_address(*context.replica, packet.l3 + (fields.family == 4 ? 12 : 8), fields.family);
}

// Which groups the hosts of a link listen to, which no router passes on: IGMP (RFC 3376 section 4), MLD (RFC 2710
// section 3, RFC 3810 section 5).
bool is_group_membership(const Packet& packet, const PacketFields& fields) {
  if (!is_multicast(packet) || hop_limit(packet.l3, fields.family) != 1 || fields.source_routed) return false;
  if (fields.family == 4) return fields.protocol == protocol_igmp;
  const bool listener = (fields.type >= 130 && fields.type <= 132) || fields.type == 143;
  return fields.protocol == protocol_icmpv6 && fields.has_type && listener;
}

// IPv4 options may lead a packet elsewhere than its destination says; hop-by-hop options are any router's to read.
bool has_options(const Packet& packet) {
  const IpHeader& header = packet.header;
  return header.family == 4 ? header.header_length != ipv4_header_size : header.protocol == 0;
}

bool admits_special(Context& context, Direction direction, const Packet& packet, const Interface& interface) {
  const Filter* filter = interface.filter(*context.filters);
  if (filter == nullptr) return true;
  const PacketFields fields = fields_of(packet.l3, packet.header);
  if (is_group_membership(packet, fields)) return true;
  // The kernel's own may have any addresses; what it forwards has another hop limit.
  if (is_neighbour_discovery(packet, fields) && (direction == Direction::outbound || stays_on_link(packet)))
    return true;
  FilterTable& table = *context.filter_table;
  const Candidate candidate(*filter, direction, fields, table.flows());
  if (direction == Direction::outbound && is_own_ike_or_esp(context, packet, interface, fields)) {
    if (fields.piece == PacketFields::Piece::first) pass_later_fragments(candidate, table.flows(), table.now());
    return true;
  }
  if (!has_options(packet)) return passes(context, candidate, interface, packet.mbuf, table.now());
  const bool closed = filter->id == ipc::closed_filter;
  deny(context, *filter, direction, interface, fields, packet.mbuf,
       closed ? DenialReason::closed : DenialReason::options);
  return false;
}

// Without IP within, as far as Linux knows: LLC, where the type is a length; ARP; EAPOL; LACP and its kin; LLDP.
bool carries_no_ip(uint16_t ethernet_type) {
  return ethernet_type < 0x600 || ethernet_type == RTE_ETHER_TYPE_ARP || ethernet_type == 0x888e ||
         ethernet_type == RTE_ETHER_TYPE_SLOW || ethernet_type == RTE_ETHER_TYPE_LLDP;
}

// The filters that a packet meets, if any, and the interface that it is to leave by.
struct Ways {
  const Filter* in = nullptr;
  const Filter* out = nullptr;
  Interface leaves;
};

Ways ways_of(const Filters& filters, const Packet& packet, const NextHop& next_hop) {
  Ways ways;
  if (next_hop.kind == ipc::NextHopKind::drop) return ways;
  ways.in = Interface::of(packet).filter(filters);
  if (next_hop.kind == ipc::NextHopKind::adjacency)
    ways.leaves.port = next_hop.port;
  else if (next_hop.kind == ipc::NextHopKind::tunnel)
    ways.leaves.tunnel = next_hop.tunnel;
  else
    return ways;
  ways.out = ways.leaves.filter(filters);
  return ways;
}

// A packet of a burst that meets some filter.
struct Passage {
  unsigned place = 0;  // within the burst
  Ways ways;
  PacketFields fields;
  std::optional<Candidate> inbound, outbound;
};

}  // namespace

// The places of the flows are asked for a pass before they are looked at.
void security_groups(Context& context, Burst& in) {
  choose_members(*context.replica, in.items());
  BurstOf<Passage> passages;
  FlowTable& flows = context.filter_table->flows();
  unsigned place = 0;
  for (const Packet& packet : in.items()) {
    const NextHop& next_hop = context.replica->next_hops[packet.next_hop.value()];
    const Ways ways = ways_of(*context.filters, packet, next_hop);
    ++place;
    if (ways.in == nullptr && ways.out == nullptr) continue;
    const PacketFields fields = fields_of(packet.l3, packet.header);
    if (next_hop.kind == ipc::NextHopKind::local && is_gateways_own(context, packet, fields)) continue;
    passages.emplace(place - 1, ways, fields);
    Passage& passage = passages.items().back();
    if (ways.in != nullptr)
      flows.prefetch(passage.inbound.emplace(*ways.in, Direction::inbound, passage.fields, flows).hash);
    if (ways.out != nullptr)
      flows.prefetch(passage.outbound.emplace(*ways.out, Direction::outbound, passage.fields, flows).hash);
  }
  if (passages.empty()) return;
  const Ticks now = context.filter_table->now();
  auto next = passages.items().begin();
  const auto end = passages.items().end();
  place = 0;
  in.filter([&](const Packet& packet) {
    if (next == end || next->place != place++) return true;
    const Passage& passage = *next++;
    if (passage.inbound && !passes(context, *passage.inbound, Interface::of(packet), packet.mbuf, now)) return false;
    return !passage.outbound || passes(context, *passage.outbound, passage.ways.leaves, packet.mbuf, now);
  });
}

bool admits_to_kernel(Context& context, const Packet& packet) {
  return admits_special(context, Direction::inbound, packet, Interface::of(packet));
}

bool admits_to_tunnel(Context& context, const Packet& packet, ipc::TunnelId id) {
  return admits_special(context, Direction::outbound, packet, {{}, id});
}

bool admits_frame(Context& context, Direction direction, ipc::PortId port, rte_mbuf* mbuf) {
  if (port.value() >= ipc::max_ports || context.filters->ports[port.value()] == nullptr) return true;
  auto* frame = rte_pktmbuf_mtod(mbuf, uint8_t*);
  const auto drop = [&](DropReason reason) {
    context.drop(mbuf, reason);
    return false;
  };
  if (mbuf->data_len < RTE_ETHER_HDR_LEN) return drop(DropReason::malformed_ethernet);
  const uint16_t type = load16(frame + 12);
  if (carries_no_ip(type)) return true;
  if (type != RTE_ETHER_TYPE_IPV4 && type != RTE_ETHER_TYPE_IPV6) {
    const Filter& filter = *context.filters->ports[port.value()];
    deny(context, filter, direction, {port, {}}, {}, mbuf, DenialReason::frame_type);
    return false;
  }
  Packet packet{mbuf, frame + RTE_ETHER_HDR_LEN, {}, {}, port.value(), Origin::port, 0};
  const size_t available = mbuf->data_len - size_t{RTE_ETHER_HDR_LEN};
  if (!is_from_unnumbered_host(packet.l3, available, packet.header) &&
      check_ip(packet.l3, available, packet.header) == IpVerdict::malformed)
    return drop(DropReason::malformed_ip);
  return admits_special(context, direction, packet, {port, {}});
}

}  // namespace sekisho::dataplane
