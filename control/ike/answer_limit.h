// How many errors are answered to senders who have proven nothing: so many of one address, and so many in all. What is
// above goes unanswered, so that nobody has the gateway send a flood to an address that they feigned. Cookies and
// INVALID_KE_PAYLOAD are not counted: they are smaller than what they answer, and a peer that does not get them cannot
// connect; whoever feigns its address would use up its share.
#pragma once

#include <array>

#include "base/address.h"
#include "base/random.h"
#include "control/ike/token_bucket.h"

namespace sekisho::ike {

class AnswerLimit {
 public:
  bool allows(Random& random, const IpAddress& to, Instant now);

 private:
  static constexpr TokenRate for_all{64, std::chrono::milliseconds(10)};
  static constexpr TokenRate for_one{8, std::chrono::milliseconds(500)};
  // Addresses share buckets by a hash under a key of this process: which ones share, nobody can tell or choose.
  std::array<TokenBucket, 256> by_address_;
  TokenBucket all_;
  std::array<uint8_t, 16> key_{};
  bool keyed_ = false;
};

}  // namespace sekisho::ike
