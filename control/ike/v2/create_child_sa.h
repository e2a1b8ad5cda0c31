// CREATE_CHILD_SA for children (RFC 7296 sections 1.3.1, 1.3.3, 2.8): a new one, or one that replaces another.
//
//   HDR, SK { [N(REKEY_SA)], SA, Ni, [KEi], TSi, TSr } -->
//                                                       <-- HDR, SK { SA, Nr, [KEr], TSi, TSr }
//
// Make before break. The initiator of a rekey has both directions when the answer comes, switches to the new one and
// deletes the old one. The responder takes packets on the new one as soon as it has answered, but sends on the old one
// until the new one has carried a packet or the old one is deleted: before that, its answer may be lost.
#pragma once

#include "control/ike/v2/ike_sa.h"

namespace sekisho::ike::v2 {

// `child`: its definition. `replaces`: inbound SPI of the child to rekey; 0: a new one. `group`: what the peer asked
// for instead of the first of ours.
std::unique_ptr<Task> create_child_task(std::string child, uint32_t replaces = 0,
                                        std::optional<crypto::KeyExchangeId> group = std::nullopt);
wire::Payloads answer_create_child(Context& context, IkeSa& sa, const wire::Payloads& request);

// Queues a rekey, unless one is under way.
void rekey_child(Context& context, IkeSa& sa, ChildSa& child);

}  // namespace sekisho::ike::v2
