#include "control/ike/exchange.h"

#include <algorithm>
#include <utility>

#include "crypto/ike/prf.h"

namespace sekisho::ike {

void RequestWindow::sent(Datagrams datagrams, const Retransmission& retransmission, Instant now) {
  in_flight_ = InFlight{.datagrams = std::move(datagrams),
                        .retransmission = retransmission,
                        .interval = retransmission.first,
                        .due = now + retransmission.first,
                        .padded = {},
                        .give_up = {}};
}

void RequestWindow::sent_padded(Bytes padded, Bytes empty, const Retransmission& retransmission, Duration patience,
                                Instant now) {
  sent({std::move(empty)}, retransmission, now);
  in_flight_->padded = std::move(padded);
  in_flight_->padded_alone = true;
  in_flight_->due = now + std::min(patience, retransmission.first);
}

void RequestWindow::answered() {
  in_flight_.reset();
  ++message_id_;
}

void RequestWindow::hurry(Instant at) {
  if (in_flight_ && (!in_flight_->give_up || *in_flight_->give_up > at)) in_flight_->give_up = at;
}

std::optional<Instant> RequestWindow::deadline() const {
  if (!in_flight_) return {};
  return in_flight_->give_up ? std::min(*in_flight_->give_up, in_flight_->due) : in_flight_->due;
}

RequestWindow::Due RequestWindow::on_timer(Instant now) {
  if (!in_flight_) return Due::nothing;
  if (in_flight_->give_up && now >= *in_flight_->give_up) return Due::expired;
  if (now < in_flight_->due) return Due::nothing;
  if (std::exchange(in_flight_->padded_alone, false)) {
    in_flight_->due = now + in_flight_->interval;
    return Due::retransmit;
  }
  if (in_flight_->tries >= in_flight_->retransmission.tries) return Due::expired;
  if (!in_flight_->padded.empty()) in_flight_->datagrams.push_back(std::exchange(in_flight_->padded, {}));
  ++in_flight_->tries;
  // Whatever factor is configured, the interval neither shrinks nor grows past an hour.
  const double grown = static_cast<double>(in_flight_->interval.count()) * in_flight_->retransmission.factor;
  const double longest = static_cast<double>(Duration(std::chrono::hours(1)).count());
  in_flight_->interval = std::max(in_flight_->interval, Duration(static_cast<int64_t>(std::min(grown, longest))));
  in_flight_->due = now + in_flight_->interval;
  return Due::retransmit;
}

ReplyWindow::Verdict ReplyWindow::classify(uint32_t message_id, ByteView datagram) const {
  if (message_id == expected_) return Verdict::expected;
  // Section 2.1: a retransmission is bitwise identical. Anything else under an old id is not answered.
  if (answered_last(message_id) && crypto::sha1({datagram}) == request_digest_) return Verdict::repeated;
  return Verdict::outside;
}

void ReplyWindow::replied(ByteView request, Datagrams reply) {
  request_digest_ = crypto::sha1({request});
  reply_ = std::move(reply);
  ++expected_;
}

}  // namespace sekisho::ike
