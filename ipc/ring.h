// The SPSC ring of messages, half of it in each process's outbox.
//
//            own outbox (we write)              peer's outbox (we read)
//   send:    produced ->, slots                 <- consumed
//   receive: consumed ->                        <- produced, slots
//
// Indices count messages since the channel opened, in 64 bits, so they never wrap; a slot is the index modulo the
// capacity, which is a compile-time constant and not the peer's to say. Every index of the peer is read once into a
// local, then checked: `produced - consumed <= capacity` in unsigned arithmetic, which also refuses an index that runs
// backwards. Each side trusts only its private copies of its own indices.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "ipc/schema.h"

namespace sekisho::ipc {

inline constexpr uint64_t ring_capacity = 1024;
static_assert((ring_capacity & (ring_capacity - 1)) == 0);

struct alignas(64) Slot {
  std::atomic<uint32_t> header;  // type << 16 | length: read in one piece
  std::array<uint8_t, max_message_size> payload;
};

// What one process writes and the other reads. Ring layout: a change raises schema_version.
struct Outbox {
  alignas(64) std::atomic<uint64_t> produced;    // into `slots`
  alignas(64) std::atomic<uint64_t> consumed;    // of the peer's slots
  alignas(64) std::atomic<uint32_t> wants_room;  // the producer found the ring full: wake it once there is room
  alignas(64) std::array<Slot, ring_capacity> slots;
};
static_assert(std::atomic<uint64_t>::is_always_lock_free && std::atomic<uint32_t>::is_always_lock_free);
static_assert(sizeof(Slot) == 1088 && offsetof(Outbox, slots) == 192);

// Both halves answer with broken() once the peer's indices were impossible, and stay so.
class RingProducer {
 public:
  RingProducer(Outbox& own, const Outbox& peer) : own_(own), peer_(peer) {}

  // False where the ring is full or broken. payload.size() <= max_message_size.
  bool send(uint16_t type, ByteView payload);
  // Takes notice of what the peer has consumed and wipes those slots.
  void reclaim();
  uint64_t room() const { return broken_ ? 0 : ring_capacity - (produced_ - reclaimed_); }
  bool broken() const { return broken_; }
  // Takes back what the peer has not consumed; nothing is sent any more.
  void wipe_all();

 private:
  Slot& slot(uint64_t index) { return own_.slots[index & (ring_capacity - 1)]; }
  Outbox& own_;
  const Outbox& peer_;
  uint64_t produced_ = 0;
  uint64_t reclaimed_ = 0;  // the peer's consumer index as last seen; the slots before it are wiped
  bool broken_ = false;
};

class RingConsumer {
 public:
  RingConsumer(Outbox& own, const Outbox& peer) : own_(own), peer_(peer) {}

  enum class Outcome : uint8_t { message, empty, bad_index, bad_length };
  struct Message {
    uint16_t type = 0;
    uint16_t length = 0;
  };
  // Copies the next message's payload out, before anything in it is looked at.
  Outcome receive(Message& message, std::span<uint8_t, max_message_size> payload);
  // The producer waits for room, and messages were taken since the last call.
  bool owes_wake();

 private:
  Outbox& own_;
  const Outbox& peer_;
  uint64_t consumed_ = 0;
  uint64_t consumed_at_wake_ = 0;
};

}  // namespace sekisho::ipc
