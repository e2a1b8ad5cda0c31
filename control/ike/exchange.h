// The reliable half of IKE's transport: message-id windows of size one, retransmission with back-off, and the replies
// kept for a peer whose retransmission shows that it did not get them (RFC 7296 sections 2.1 to 2.4). Knows bytes and
// numbers only, nothing of payloads or keys, so it serves both protocol versions.
#pragma once

#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "control/ike/connection.h"
#include "control/ike/token_bucket.h"

namespace sekisho::ike {

// A message as it travels: one datagram, or its fragments in order.
using Datagrams = std::vector<Bytes>;

// Our requests: at most one is in flight.
class RequestWindow {
 public:
  enum class Due : uint8_t { nothing, retransmit, expired };

  bool idle() const { return !in_flight_; }
  // Of the request in flight, or of the next one.
  uint32_t message_id() const { return message_id_; }
  bool awaits(uint32_t message_id) const { return in_flight_ && message_id == message_id_; }

  // The request went out for the first time. Replaces the one in flight, under the same message id: IKE_SA_INIT is
  // begun again with a cookie or another group that way.
  void sent(Datagrams datagrams, const Retransmission& retransmission, Instant now);
  // What went out was `padded`, and `empty` says the same in a small datagram. That is sent after `patience`, and from
  // then on all is as with a request that was sent first then; what is repeated is both, for a peer that has had
  // `padded` and whose answer was lost: it may know only those very bytes again.
  void sent_padded(Bytes padded, Bytes empty, const Retransmission& retransmission, Duration patience, Instant now);
  // The answer is here; the next request has the next id.
  void answered();
  // Nothing is in flight any more and no answer is awaited.
  void forget() { in_flight_.reset(); }
  // Ends the attempt at `at` at the latest, with Due::expired.
  void hurry(Instant at);

  std::optional<Instant> deadline() const;
  Due on_timer(Instant now);
  const Datagrams& datagrams() const { return in_flight_->datagrams; }
  unsigned tries() const { return in_flight_ ? in_flight_->tries : 0; }

 private:
  struct InFlight {
    Datagrams datagrams;
    Retransmission retransmission;
    unsigned tries = 1;
    Duration interval{};
    Instant due{};
    bool padded_alone = false;
    Bytes padded;  // joins the datagrams once these have gone out
    std::optional<Instant> give_up;
  };
  uint32_t message_id_ = 0;
  std::optional<InFlight> in_flight_;
};

// The peer's requests: one is expected next; the one before may come again, identical, and gets the identical answer.
class ReplyWindow {
 public:
  enum class Verdict : uint8_t { expected, repeated, outside };

  // `datagram`: the request, or the first of its fragments: the others ask for nothing (RFC 7383 section 2.6.1).
  Verdict classify(uint32_t message_id, ByteView datagram) const;
  bool answered_last(uint32_t message_id) const { return expected_ != 0 && message_id == expected_ - 1; }
  void replied(ByteView request, Datagrams reply);
  // Whether the reply may go out once more. A request that comes again is not fresh, so anybody may have sent it from
  // any address; without a limit a small one would have a large reply sent there as often as they like.
  bool may_repeat(Instant now) { return repetitions_.take(repetition_rate, now); }
  const Datagrams& reply() const { return reply_; }

 private:
  static constexpr TokenRate repetition_rate{5, std::chrono::seconds(1)};
  uint32_t expected_ = 0;
  Bytes request_digest_;  // of the last request answered
  Datagrams reply_;
  TokenBucket repetitions_;
};

}  // namespace sekisho::ike
