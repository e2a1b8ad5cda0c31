#include "control/ike/connection_difference.h"

#include <algorithm>

namespace sekisho::ike {
namespace {

template <typename Proposal>
bool same_proposals(const std::vector<Proposal>& a, const std::vector<Proposal>& b) {
  return std::ranges::equal(a, b, {}, &Proposal::text, &Proposal::text);
}

bool same_negotiated(const ChildDefinition& a, const ChildDefinition& b) {
  return a.name == b.name && same_proposals(a.esp_proposals, b.esp_proposals) &&
         a.local_selectors == b.local_selectors && a.remote_selectors == b.remote_selectors &&
         a.replay_window == b.replay_window;
}

bool same_negotiated(const Connection& a, const Connection& b) {
  return a.version == b.version && a.aggressive == b.aggressive && a.local == b.local && a.remote == b.remote &&
         a.local_id == b.local_id && a.remote_id == b.remote_id && same_secret(a.psk, b.psk) &&
         a.local_auth == b.local_auth && a.remote_auth.same_authorities(b.remote_auth) && a.ppk == b.ppk &&
         same_proposals(a.ike_proposals, b.ike_proposals) &&
         std::ranges::equal(a.children, b.children,
                            [](const auto& one, const auto& other) { return same_negotiated(one, other); }) &&
         a.encapsulation == b.encapsulation && a.fragmentation == b.fragmentation && a.mobike == b.mobike &&
         a.other_locals == b.other_locals;
}

bool same_renewal(const Renewal& a, const Renewal& b) { return a.margin == b.margin && a.fuzz == b.fuzz; }

bool same_local(const ChildDefinition& a, const ChildDefinition& b) {
  return a.lifetime == b.lifetime && a.lifetime_bytes == b.lifetime_bytes && a.lifetime_packets == b.lifetime_packets &&
         same_renewal(a.renewal, b.renewal);
}

bool same_local(const Connection& a, const Connection& b) {
  return a.remote_auth == b.remote_auth && a.legacy_signatures == b.legacy_signatures && a.start == b.start &&
         a.ike_lifetime == b.ike_lifetime && same_renewal(a.ike_renewal, b.ike_renewal) &&
         a.reauthenticate == b.reauthenticate && a.dpd_action == b.dpd_action &&
         std::ranges::equal(a.children, b.children,
                            [](const auto& one, const auto& other) { return same_local(one, other); }) &&
         a.dpd_interval == b.dpd_interval && a.retransmission.first == b.retransmission.first &&
         a.retransmission.factor == b.retransmission.factor && a.retransmission.tries == b.retransmission.tries &&
         a.retry_interval == b.retry_interval && a.fragment_size == b.fragment_size &&
         a.path_mtu_discovery == b.path_mtu_discovery;
}

}  // namespace

Difference compare(const Connection& a, const Connection& b) {
  if (!same_negotiated(a, b)) return Difference::negotiated;
  return same_local(a, b) ? Difference::none : Difference::local;
}

}  // namespace sekisho::ike
