// Datagrams that belong to a handshake, waiting for their turn. Whoever sent them has proven nothing yet, and taking
// one may cost public-key work, so the loop takes one at a time between everything else: timers, established SAs and
// the dataplane go on while somebody floods.
//
// What opens a handshake and what goes on with one wait apart, and the latter has precedence: a flood of first messages
// (anybody can send them) does not push out peers that have shown more. Nor does a flood of invented SPIs: what names
// an IKE SA that there is not is refused at once. But of four that are taken one opens a handshake, where one waits:
// who has half-open SAs, and says more and more under them, does not keep others from beginning. Where there is no
// room, the newest is dropped: its sender tries again. A retransmission of what still waits is not queued twice.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>

#include "base/address.h"
#include "base/bytes.h"

namespace sekisho::control {

class HandshakeQueue {
 public:
  static constexpr size_t capacity = 128;             // of each of the two
  static constexpr size_t longest_datagram = 32'768;  // the codec takes none that is longer

  enum class Verdict : uint8_t {
    elsewhere,  // no matter of a handshake: take it at once
    queued,
    repeated,  // it waits already
    refused,   // it goes on with a handshake that there is not: nobody would answer it
    dropped    // there is no room
  };
  struct Datagram {
    Endpoint local, remote;
    Bytes data;
    friend bool operator==(const Datagram&, const Datagram&) = default;
  };

  // Whether there is the IKE SA whose SPIs a message names. Asked for each that goes on with a handshake.
  using Known = std::function<bool(ByteView message)>;
  explicit HandshakeQueue(Known known) : known_(std::move(known)) {}

  Verdict offer(const Endpoint& local, const Endpoint& remote, ByteView message);
  // The next one; nothing where none waits.
  std::optional<Datagram> take();
  size_t size() const { return opening_.size() + going_on_.size(); }

  struct Counters {
    uint64_t queued = 0, repeated = 0, refused = 0, dropped = 0;
  };
  const Counters& counters() const { return counters_; }

 private:
  Known known_;
  std::deque<Datagram> opening_, going_on_;
  unsigned since_opening_ = 0;  // how many went on since one was taken that opens
  Counters counters_;
};

}  // namespace sekisho::control
