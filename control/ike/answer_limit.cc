#include "control/ike/answer_limit.h"

#include "crypto/ike/prf.h"

namespace sekisho::ike {

bool AnswerLimit::allows(Random& random, const IpAddress& to, Instant now) {
  if (!keyed_) random.fill(key_);
  keyed_ = true;
  const uint8_t slot = crypto::sha1({key_, to.bytes()})[0];
  return by_address_[slot].take(for_one, now) && all_.take(for_all, now);
}

}  // namespace sekisho::ike
