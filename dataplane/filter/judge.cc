#include "dataplane/filter/judge.h"

namespace sekisho::dataplane {
namespace {

using Direction = ipc::Direction;
using Piece = PacketFields::Piece;

std::array<uint64_t, 2> words(AddressValue address) {
  return {static_cast<uint64_t>(address >> 64), static_cast<uint64_t>(address)};
}

constexpr Direction opposite(Direction direction) {
  return direction == Direction::inbound ? Direction::outbound : Direction::inbound;
}

FlowKey ends_key(const Filter& filter, Direction direction, const PacketFields& packet) {
  const bool inbound = direction == Direction::inbound;
  FlowKey key;
  key.filter = filter.identity;
  key.family = packet.family;
  key.protocol = packet.protocol;
  key.remote = words(inbound ? packet.source : packet.destination);
  key.local = words(inbound ? packet.destination : packet.source);
  return key;
}

FlowKey flow_key(const Filter& filter, Direction direction, const PacketFields& packet) {
  FlowKey key = ends_key(filter, direction, packet);
  if (packet.has_ports) {
    const bool inbound = direction == Direction::inbound;
    key.remote_port = inbound ? packet.source_port : packet.destination_port;
    key.local_port = inbound ? packet.destination_port : packet.source_port;
  } else if (packet.icmp == IcmpKind::request || packet.icmp == IcmpKind::reply) {
    // Both ends may ask with the same identifier.
    const bool asked_by_remote = (packet.icmp == IcmpKind::request) == (direction == Direction::inbound);
    key.remote_port = packet.source_port;
    key.local_port = static_cast<uint16_t>(asked_by_remote << 8 | packet.request_type);
  }
  return key;
}

// Over IPv6 another fragment of the same packet may show another protocol.
FlowKey fragment_key(const Filter& filter, Direction direction, const PacketFields& packet) {
  FlowKey key = ends_key(filter, direction, packet);
  key.kind = direction == Direction::inbound ? FlowKey::Kind::fragments_inbound : FlowKey::Kind::fragments_outbound;
  if (packet.family == 6) key.protocol = 0;
  key.remote_port = static_cast<uint16_t>(packet.identification >> 16);
  key.local_port = static_cast<uint16_t>(packet.identification);
  return key;
}

AddressValue address(const std::array<uint64_t, 2>& words) { return AddressValue{words[0]} << 64 | words[1]; }

RuleSubject subject_of(const Candidate& candidate) {
  const FlowKey& key = candidate.key;
  const PacketFields& packet = *candidate.packet;
  return {.remote = address(key.remote),
          .local = address(key.local),
          .family = key.family,
          .protocol = packet.protocol,
          .has_port = packet.has_ports,
          .has_type = packet.has_type,
          .port = packet.destination_port,
          .type = packet.type};
}

// The first packet of a flow, made out from any later one.
RuleSubject first_subject(const Candidate& candidate, Direction initiator) {
  RuleSubject subject = subject_of(candidate);
  subject.port = initiator == Direction::inbound ? candidate.key.local_port : candidate.key.remote_port;
  subject.type = candidate.packet->request_type;
  return subject;
}

bool passes_by(const FlowEntry& flow, const Candidate& candidate) {
  return candidate.direction == flow.initiator || !candidate.packet->opens_tcp();
}

// A FIN or RST, of which nobody knows whether its sequence number is right. So it takes both ends to shorten the life
// of an established flow: who forges the segments of one end, beyond the interface, cannot forge the other's.
FlowState state_after_end(FlowState state, bool onward) {
  const FlowState ended = onward ? FlowState::initiator_ended : FlowState::responder_ended;
  if (state == FlowState::established) return ended;
  return state == ended ? state : FlowState::closing;
}

FlowState next_state(const FlowEntry& flow, const Candidate& candidate) {
  const bool onward = candidate.direction == flow.initiator;
  const PacketFields& packet = *candidate.packet;
  if (packet.protocol != protocol_tcp) return onward ? flow.state : FlowState::established;
  if ((packet.tcp_flags & (tcp_fin | tcp_rst)) != 0) return state_after_end(flow.state, onward);
  switch (flow.state) {
    case FlowState::opening:
      return onward ? FlowState::opening : FlowState::answered;
    case FlowState::answered:
      return onward && (packet.tcp_flags & tcp_ack) != 0 ? FlowState::established : FlowState::answered;
    case FlowState::closing:
      return packet.opens_tcp() ? FlowState::opening : FlowState::closing;
    case FlowState::initiator_ended:
    case FlowState::responder_ended: {
      // Another connection between the same ports has begun.
      constexpr uint8_t answer = tcp_syn | tcp_ack;
      return !onward && (packet.tcp_flags & answer) == answer ? FlowState::answered : flow.state;
    }
    default:
      return flow.state;
  }
}

void advance(const Candidate& candidate, FlowTable::Found& found, FlowTable& flows, Ticks now) {
  FlowEntry flow = found.flow;
  flow.state = next_state(found.flow, candidate);
  flow.generation = candidate.filter->generation;
  flow.expiry = now + flows.lifetime(candidate.packet->protocol, flow.state);
  if (flow.state == found.flow.state && flow.generation == found.flow.generation &&
      flow.expiry - found.flow.expiry < flows.least_prolongation())
    return;
  flows.replace(found, flow);
}

// Whether the rules as they are now would have let the flow begin.
bool stands(const Candidate& candidate, const FlowEntry& flow) {
  if (flow.generation == candidate.filter->generation) [[likely]]
    return flow.state != FlowState::denied;
  return candidate.filter->allows(flow.initiator, first_subject(candidate, flow.initiator));
}

// It stays in the table: a rule for the other direction would take its next packet for the first one of a flow.
void deny_flow(const Candidate& candidate, const FlowTable::Found& found, FlowTable& flows, Ticks now) {
  FlowEntry flow = found.flow;
  flow.state = FlowState::denied;
  flow.generation = candidate.filter->generation;
  flow.expiry = now + flows.lifetime(candidate.packet->protocol, flow.state);
  flows.replace(found, flow);
}

bool opens_flow(const PacketFields& packet) {
  return packet.icmp == IcmpKind::none || packet.icmp == IcmpKind::request;
}

Verdict judge_by_rules(const Candidate& candidate, FlowTable& flows, Ticks now) {
  const Filter& filter = *candidate.filter;
  const PacketFields& packet = *candidate.packet;
  if (!filter.allows(candidate.direction, subject_of(candidate))) return Verdict::denied;
  if (!opens_flow(packet)) return Verdict::by_rule;
  FlowEntry flow{.generation = filter.generation, .state = FlowState::opening, .initiator = candidate.direction};
  if ((packet.tcp_flags & (tcp_fin | tcp_rst)) != 0) flow.state = FlowState::closing;
  flow.expiry = now + flows.lifetime(packet.protocol, flow.state);
  return flows.insert(candidate.hash, flow, now) ? Verdict::by_rule : Verdict::table_full;
}

Verdict judge_packet(const Candidate& candidate, FlowTable& flows, Ticks now) {
  auto found = flows.find(candidate.hash, now);
  if (!found || !passes_by(found.flow, candidate)) return judge_by_rules(candidate, flows, now);
  if (!stands(candidate, found.flow)) {
    deny_flow(candidate, found, flows, now);
    return Verdict::denied;
  }
  // Another edit allows it again.
  if (found.flow.state == FlowState::denied) found.flow.state = FlowState::opening;
  advance(candidate, found, flows, now);
  return Verdict::by_flow;
}

Verdict judge_later_fragment(const Candidate& candidate, FlowTable& flows, Ticks now) {
  if (const auto found = flows.find(candidate.hash, now);
      found && found.flow.generation == candidate.filter->generation)
    return Verdict::by_flow;
  return candidate.filter->allows(candidate.direction, subject_of(candidate)) ? Verdict::by_rule : Verdict::denied;
}

// RFC 5508 REQ-4 in the terms of a filter: the quoted packet left by the interface that the error comes in by.
bool quotes_flow(const Candidate& error, FlowTable& flows, Ticks now) {
  PacketFields quoted;
  if (!quoted_fields(error.packet->quoted, error.packet->quoted_length, quoted)) return false;
  if (quoted.family != error.packet->family || quoted.source != error.packet->destination) return false;
  if (quoted.piece == Piece::later || quoted.icmp == IcmpKind::error) return false;
  const Candidate past(*error.filter, opposite(error.direction), quoted, flows);
  const auto found = flows.find(past.hash, now);
  return found && stands(past, found.flow);
}

}  // namespace

Candidate::Candidate(const Filter& filter, ipc::Direction direction, const PacketFields& packet, const FlowTable& flows)
    : filter(&filter),
      packet(&packet),
      direction(direction),
      key(packet.piece == Piece::later ? fragment_key(filter, direction, packet) : flow_key(filter, direction, packet)),
      hash(flows.hash(key)) {}

void pass_later_fragments(const Candidate& candidate, FlowTable& flows, Ticks now) {
  const uint64_t hash = flows.hash(fragment_key(*candidate.filter, candidate.direction, *candidate.packet));
  // Where there is no place for it the others are dropped.
  static_cast<void>(flows.insert(hash,
                                 {.expiry = now + flows.lifetime(candidate.packet->protocol, FlowState::fragments),
                                  .generation = candidate.filter->generation,
                                  .state = FlowState::fragments,
                                  .initiator = candidate.direction},
                                 now));
}

Verdict judge(const Candidate& candidate, FlowTable& flows, Ticks now) {
  const PacketFields& packet = *candidate.packet;
  if (packet.hides_header || packet.source_routed) return Verdict::denied;
  if (packet.piece == Piece::later) return judge_later_fragment(candidate, flows, now);
  const bool quotes = packet.icmp == IcmpKind::error && quotes_flow(candidate, flows, now);
  const Verdict verdict = quotes ? Verdict::by_flow : judge_packet(candidate, flows, now);
  if (packet.piece == Piece::first && (verdict == Verdict::by_flow || verdict == Verdict::by_rule))
    pass_later_fragments(candidate, flows, now);
  return verdict;
}

ipc::DenialReason why_denied(const Candidate& candidate, FlowTable& flows, Ticks now) {
  using enum ipc::DenialReason;
  const PacketFields& packet = *candidate.packet;
  if (candidate.filter->id == ipc::closed_filter) return closed;
  if (packet.source_routed) return routing_header;
  if (packet.hides_header) return header_chain;
  if (packet.piece == Piece::later) return fragment;
  const auto found = flows.find(candidate.hash, now);
  return found && found.flow.state == FlowState::denied && passes_by(found.flow, candidate) ? forbidden_flow : no_rule;
}

}  // namespace sekisho::dataplane
