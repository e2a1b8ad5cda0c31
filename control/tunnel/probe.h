// Whether a tunnel carries packets, told from echoes: a request goes through it every interval, and one that has no
// answer within the timeout is lost. What dead peer detection does not see is seen so: a way on which IKE passes and
// ESP does not, a far side that has lost its own way on, and anything sooner than IKE asks.
//
//      unproven --- an answer ------------------------------> answering
//      answering -- `loss` of the last `of` are lost --------> failing
//      failing --- as many answers in a row as `loss` -------> answering
//
// A pure state machine: who sends and receives gives it the time. Requests are told apart by their sequence numbers,
// and each has a random token that its answer must repeat, so nobody answers who has not seen the request. Each is
// answered once at most. A loop that was late sends no burst to make up for it.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/random.h"

namespace sekisho::control {

class Probe {
 public:
  using Token = std::array<uint8_t, 16>;
  struct Settings {
    Duration interval{};
    Duration timeout{};
    unsigned loss = 3, of = 5;  // 1 <= loss <= of <= 64
  };
  enum class State : uint8_t { unproven, answering, failing };
  struct Request {
    uint16_t sequence = 0;
    Token token{};
  };
  struct Counts {
    uint64_t sent = 0, answered = 0, lost = 0;
    std::optional<Duration> round_trip;  // of the last answer
  };

  // The first request is due at once.
  Probe(const Settings& settings, State initial, Instant now);

  // Counts what has been waited for long enough as lost; returns the request that is to be sent now, if one is due.
  std::optional<Request> step(Instant now, Random& random);
  // True where this answers a request that is waited for. It counts though the timeout is over, as long as step() has
  // not said so.
  bool answered(uint16_t sequence, ByteView token, Instant now);
  // The last request could not be sent; it is lost at once.
  void not_sent();
  Instant next_deadline() const;

  State state() const { return state_; }
  const Counts& counts() const { return counts_; }
  unsigned lost_lately() const;  // of the last `of`

 private:
  struct Waiting {
    Request request;
    Instant sent_at{};
  };
  void lose();

  Settings settings_;
  State state_;
  Instant next_send_;
  uint16_t next_sequence_ = 0;
  std::deque<Waiting> waiting_;  // the oldest first
  uint64_t window_ = 0;          // a bit for each of the last `of`: it is lost
  unsigned in_a_row_ = 0;        // answers
  Counts counts_;
};

}  // namespace sekisho::control
