// How often something may happen: a burst at once, then so much in so long.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/clock.h"

namespace sekisho::ike {

struct TokenRate {
  unsigned burst = 1;
  Duration refill{};  // of one token
};

class TokenBucket {
 public:
  // Takes a token where there is one. The rate is the same in every call.
  bool take(const TokenRate& rate, Instant now) {
    const auto earned = spent_ == 0 ? 0 : static_cast<uint64_t>((now - since_) / rate.refill);
    if (earned > 0) {
      spent_ -= static_cast<unsigned>(std::min<uint64_t>(spent_, earned));
      since_ += earned * rate.refill;
    }
    if (spent_ == 0) since_ = now;
    if (spent_ == rate.burst) return false;
    ++spent_;
    return true;
  }

 private:
  unsigned spent_ = 0;
  Instant since_{};
};

}  // namespace sekisho::ike
