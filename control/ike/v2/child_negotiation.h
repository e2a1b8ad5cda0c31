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
void add_child_offer(const Connection& connection, uint32_t inbound_spi, suite::ChildOrigin origin,
                     wire::Payloads& payloads);
// The responder's choice, or the notify that says why there is none; reports it then.
std::expected<ChildChoice, wire::NotifyType> choose_child(Context& context, const IkeSa& sa,
                                                          const wire::Payloads& request, suite::ChildOrigin origin);
// The responder's answer to it, in the RFC's order: SA, then `exchanged` (nonce and KE in CREATE_CHILD_SA), TSi, TSr.
void add_child_answer(const ChildChoice& choice, uint32_t inbound_spi, wire::Payloads exchanged,
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
ChildVerdict check_child_answer(Context& context, const IkeSa& sa, const wire::Payloads& answer,
                                suite::ChildOrigin origin);

}  // namespace sekisho::ike::v2
