// Whether a filter lets a packet pass: by a flow, or by a rule, which opens a flow.
//
// What makes a packet part of a flow: the same two ends, addresses and ports (ICMP queries: identifier), and protocol.
// Beyond that
//   TCP: a SYN without ACK from the side that did not open the flow is a new connection, and the rules' business.
//     Sequence numbers are not looked at. A FIN or RST of one end alone takes an established flow none of its time.
//   ICMP queries: requests pass in the direction of the first, replies in the other. A reply opens no flow. Requests of
//     the other end are another flow.
//   ICMP errors: pass where they quote a packet of a flow that went the other way, to the quoted packet's sender.
//     They change no flow, and open none.
//   Rules that change: a flow whose first packet they would not let pass is denied from then on, in both directions,
//     until they would, or it has been silent as long as an established one may be.
//   Fragments: the first one, which shows the ports, is judged as a packet; the others pass for a while once it did,
//     or by a rule that asks for neither ports nor type.
#pragma once

#include "dataplane/filter/filter.h"

namespace sekisho::dataplane {

enum class Verdict : uint8_t {
  by_flow,
  by_rule,
  denied,
  table_full,  // a rule allows it, but there is no place for its flow
};

// A packet on its way through a filter; both outlive it.
struct Candidate {
  Candidate(const Filter& filter, ipc::Direction direction, const PacketFields& packet, const FlowTable& flows);

  const Filter* filter;
  const PacketFields* packet;
  ipc::Direction direction;
  FlowKey key;
  uint64_t hash;
};

Verdict judge(const Candidate& candidate, FlowTable& flows, Ticks now);
// Of a packet whose verdict was `denied`.
ipc::DenialReason why_denied(const Candidate& candidate, FlowTable& flows, Ticks now);
// Lets the other fragments pass of a packet whose first one did, whoever allowed that.
void pass_later_fragments(const Candidate& candidate, FlowTable& flows, Ticks now);

}  // namespace sekisho::dataplane
