// Traffic selector narrowing as pure functions (RFC 7296 section 2.9).
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "base/traffic_selector.h"
#include "control/ike/failure.h"

namespace sekisho::ike::suite {

// What the data path checks for one SA at most: pairs of a local and a remote selector of one family.
inline constexpr size_t max_selector_pairs = 8;

struct Selectors {
  std::vector<TrafficSelector> local, remote;

  friend bool operator==(const Selectors&, const Selectors&) = default;
};

// The traffic in both; nothing where they are disjoint, of different families, or limited to different protocols.
std::optional<TrafficSelector> intersect(const TrafficSelector& a, const TrafficSelector& b);
bool contains(const TrafficSelector& outer, const TrafficSelector& inner);

// Pairs of one family, which is what limits the data path.
size_t count_pairs(const Selectors& selectors);

// The responder's answer: what was offered (`offered.local` is the peer's TSr, `offered.remote` its TSi) cut down to
// what is configured. An initiator may put the packet that triggered it first on both lists; what holds that packet
// comes first here. Selectors within others are left out. Nothing: TS_UNACCEPTABLE.
std::optional<Selectors> narrow(const Selectors& offered, const Selectors& configured);
// Down to max_selector_pairs, the last ones go; true where any went.
bool cut_to_limit(Selectors& selectors);

// Whether every selector of `inner` lies within one of `outer`, on both sides.
bool within(const Selectors& inner, const Selectors& outer);

// How well what is configured for a child fits a peer's offer, best last.
enum class Fit : uint8_t {
  none,
  overlap,
  contained,  // what is configured lies within the offer
  whole,      // the offer lies within what is configured
  exact
};
Fit fit(const Selectors& offered, const Selectors& configured);

// The initiator's check: what the responder chose lies within what was offered, leaves something on both sides, and is
// within max_selector_pairs.
bool acceptable(const Selectors& chosen, const Selectors& offered);

// Both sides where they have nothing in common, for people; of a long list the first ones. `offered` without selectors:
// the peer did not say.
Mismatch mismatch(const Selectors& offered, const Selectors& configured);

}  // namespace sekisho::ike::suite
