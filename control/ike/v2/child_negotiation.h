// What IKE_AUTH and CREATE_CHILD_SA agree upon for a child, by the same payloads: SA, TSi, TSr.
#pragma once

#include <expected>

#include "control/ike/v2/ike_sa.h"

namespace sekisho::ike::v2 {

struct ChildChoice {
  suite::ChosenEsp chosen;
  suite::Selectors selectors;
};

// The initiator's offer.
void add_child_offer(const ChildDefinition& definition, uint32_t inbound_spi, suite::ChildOrigin origin,
                     wire::Payloads& payloads);

struct ResponderChoice {
  const ChildDefinition* definition = nullptr;  // of the connection
  ChildChoice choice;
  bool more_possible = false;  // the offer has traffic for another child too (section 2.9, ADDITIONAL_TS_POSSIBLE)
};
// The responder's choice, or the notify that says why there is none; reports it then. `rekeyed`: the definition of what
// the peer replaces, nullptr: a new child, which goes by the definition whose selectors fit best.
std::expected<ResponderChoice, wire::NotifyType> choose_child(Context& context, const IkeSa& sa,
                                                              const wire::Payloads& request, suite::ChildOrigin origin,
                                                              const ChildDefinition* rekeyed = nullptr);
// The responder's answer to it, in the RFC's order: SA, then `exchanged` (nonce and KE in CREATE_CHILD_SA), TSi, TSr.
void add_child_answer(const ResponderChoice& choice, uint32_t inbound_spi, wire::Payloads exchanged,
                      wire::Payloads& payloads);

enum class ChildAnswer : uint8_t {
  accepted,
  refused,      // the peer made no child
  unacceptable  // the peer made one that we did not ask for
};
struct ChildVerdict {
  ChildAnswer answer{};
  ChildChoice choice;
};
// The initiator's check of the answer; reports what is wrong with it.
ChildVerdict check_child_answer(Context& context, const IkeSa& sa, const ChildDefinition& asked,
                                const wire::Payloads& answer, suite::ChildOrigin origin);
// How long to wait after a refusal: where other children live, some will not pass by themselves.
Duration patience(const IkeSa& sa, const wire::Payloads& refusal);

}  // namespace sekisho::ike::v2
