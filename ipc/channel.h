// The channel between control and dataplane: each side owns an outbox (a memfd, sealed so that the peer can only read
// it) that holds one SPSC ring of messages, its consumer index for the peer's ring, and, on the dataplane's side, the
// counter table. The outboxes are exchanged over a UNIX socket, which also tells when the peer is gone.
//
// Nothing that the peer writes is believed: indices are checked against the capacity, a message is copied out before it
// is looked at, lengths and types are checked by whoever decodes. A violation is an Error; the channel is then of no
// more use and is to be dropped. Consumed message slots are wiped in the producer's own outbox once the consumer's
// index has passed them (the producer does that, the consumer cannot write there), because they may have held keys.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/bytes.h"
#include "base/message.h"
#include "base/unique_fd.h"
#include "ipc/counters.h"
#include "ipc/schema.h"

namespace sekisho::ipc {

enum class Side : uint8_t { control, dataplane };

// A message as it came out of a ring: a private copy.
class ReceivedMessage {
 public:
  uint16_t type() const { return type_; }
  ByteView payload() const { return {payload_.data(), length_}; }
  // The message as a T, or nothing where type or length differ from T's. Enumerations and lengths within are still
  // unchecked.
  template <Message T>
  std::optional<T> as() const {
    if (type_ != static_cast<uint16_t>(T::type) || length_ != sizeof(T)) return {};
    T message;
    std::memcpy(&message, payload_.data(), sizeof message);
    return message;
  }
  ~ReceivedMessage();  // wipes: it may have held a key

 private:
  friend class Channel;
  uint16_t type_ = 0;
  uint16_t length_ = 0;
  std::array<uint8_t, max_message_size> payload_{};
};

// The dataplane's counters live in a memfd of their own that survives reconnections of control.
class CounterMemory {
 public:
  static Result<CounterMemory> create();
  CounterTable& table() const { return *table_; }
  int fd() const { return fd_.get(); }

 private:
  UniqueFd fd_;
  CounterTable* table_ = nullptr;
};

class Channel {
 public:
  // Exchanges version and outboxes over a connected UNIX stream socket; returns when both are done, waiting for the
  // peer at most a second. The dataplane passes its counters, which outlive the channel.
  static Result<std::unique_ptr<Channel>> open(UniqueFd socket, Side side, const CounterMemory* counters = nullptr);

  ~Channel();

  // Appends a message to the own ring. False where the ring is full: try again once the peer has consumed.
  template <Message T>
  [[nodiscard]] bool send(const T& message) {
    return send_bytes(static_cast<uint16_t>(T::type), {reinterpret_cast<const uint8_t*>(&message), sizeof message});
  }
  // Room for so many more messages of the largest size.
  size_t room() const;
  // Wakes the peer (eventfd) if anything was sent since the last call.
  void flush();
  // The next message of the peer: true, or false where there is none, or the peer's violation.
  Result<bool> receive(ReceivedMessage& message);

  // Readable when the peer has sent something (the eventfd; drain() it before receiving).
  int wake_fd() const;
  void drain();
  // Readable (hang-up) when the peer is gone.
  int socket_fd() const;
  // control: the dataplane's counters, read in place; writable only by the dataplane, so every value is a claim.
  const CounterTable* peer_counters() const;

 private:
  bool send_bytes(uint16_t type, ByteView payload);
};

}  // namespace sekisho::ipc
