// The channel between control and dataplane: each side owns an outbox (a memfd, sealed so that the peer can only read
// it) that holds one SPSC ring of messages and its consumer index for the peer's ring. The dataplane's counters are
// sealed memory too. All of them are exchanged over a UNIX socket, which also tells when the peer is gone.
//
// Nothing that the peer writes is believed: indices are checked against the capacity, a message is copied out before it
// is looked at, lengths and types are checked by whoever decodes. A violation is an Error; the channel is then of no
// more use and is to be dropped. Consumed message slots are wiped in the producer's own outbox once the consumer's
// index has passed them (the producer does that, the consumer cannot write there), because they may have held keys.
//
// A sleeper is woken through its doorbell, a socket of which it keeps the reading end and the peer has the writing end.
// Writes to it carry MSG_DONTWAIT, so a hostile peer cannot make us block, as it could with an eventfd: the mode of an
// eventfd belongs to the open file that both share.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>

#include "base/bytes.h"
#include "base/message.h"
#include "base/unique_fd.h"
#include "ipc/counter_memory.h"
#include "ipc/handshake.h"
#include "ipc/ring.h"
#include "ipc/schema.h"
#include "ipc/sealed_memory.h"

namespace sekisho::ipc {

// A message as it came out of a ring: a private copy.
class ReceivedMessage {
 public:
  ReceivedMessage() = default;
  ReceivedMessage(const ReceivedMessage&) = delete;
  ReceivedMessage& operator=(const ReceivedMessage&) = delete;
  ~ReceivedMessage() { clear(); }  // wipes: it may have held a key

  uint16_t type() const { return type_; }
  ByteView payload() const { return {payload_.data(), length_}; }
  // The message as a T, or nothing where type or length differ from T's. Enumerations and lengths within are still
  // unchecked.
  template <Message T>
  std::optional<T> as() const {
    // One object on every way, so made in the place of the result: the copy that the caller wipes is the only one.
    std::optional<T> message;
    if (type_ == static_cast<uint16_t>(T::type) && length_ == sizeof(T))
      std::memcpy(&message.emplace(), payload_.data(), sizeof(T));
    return message;
  }
  void clear();

 private:
  friend class Channel;
  uint16_t type_ = 0;
  uint16_t length_ = 0;
  std::array<uint8_t, max_message_size> payload_{};
};

class Channel {
 public:
  // Exchanges version and outboxes over a connected UNIX stream socket; returns when both are done, waiting for the
  // peer at most a second. `counters`: nullptr for control; the dataplane passes its own, which outlive the channel.
  static Result<std::unique_ptr<Channel>> open(UniqueFd socket, Side side, const CounterMemory* counters = nullptr);

  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;
  // Takes back and wipes what the peer has not consumed.
  ~Channel();

  // Appends a message to the own ring. False where the ring is full: try again once the peer has consumed; it wakes us
  // then.
  template <Message T>
  [[nodiscard]] bool send(const T& message) {
    return send_bytes(static_cast<uint16_t>(T::type), {reinterpret_cast<const uint8_t*>(&message), sizeof message});
  }
  // The same for a message that was kept as bytes; at most max_message_size of them.
  [[nodiscard]] bool send_bytes(uint16_t type, ByteView payload);
  // Room for so many more messages of any size.
  size_t room();
  // Wakes the peer if anything was sent since the last call.
  void flush();
  // The next message of the peer: true, or false where there is none, or the peer's violation.
  Result<bool> receive(ReceivedMessage& message);

  // Readable when the peer has sent something or has made room; drain() it before receiving.
  int wake_fd() const { return doorbell_.get(); }
  // Empties the doorbell and wipes what the peer has consumed.
  void drain();
  // Readable (hang-up) when the peer is gone.
  int socket_fd() const { return socket_.get(); }
  // control: the dataplane's counters, read in place; writable only by the dataplane, so every value is a claim.
  const CounterTable* peer_counters() const { return static_cast<const CounterTable*>(counters_.data()); }

 private:
  Channel(UniqueFd socket, UniqueFd doorbell, SealedMemory own);
  void adopt(UniqueFd peer_doorbell, SealedMemory peer, SealedMemory counters);
  void ring_doorbell();

  UniqueFd socket_;
  UniqueFd doorbell_;
  UniqueFd peer_doorbell_;
  SealedMemory own_;
  SealedMemory peer_;
  SealedMemory counters_;
  std::optional<RingProducer> producer_;
  std::optional<RingConsumer> consumer_;
  bool sent_ = false;
};

}  // namespace sekisho::ipc
