#include "ipc/ring.h"

#include <algorithm>
#include <cstring>

#include "base/secret_bytes.h"

namespace sekisho::ipc {

void RingProducer::reclaim() {
  if (broken_) return;
  const uint64_t consumed = peer_.consumed.load(std::memory_order_acquire);
  if (consumed - reclaimed_ > produced_ - reclaimed_) {
    broken_ = true;
    return;
  }
  for (; reclaimed_ != consumed; ++reclaimed_) {
    Slot& used = slot(reclaimed_);
    wipe(std::span(used.payload).first(used.header.load(std::memory_order_relaxed) & 0xffff));
    used.header.store(0, std::memory_order_relaxed);
  }
}

bool RingProducer::send(uint16_t type, ByteView payload) {
  reclaim();
  if (room() == 0 && !broken_) {
    // The flag goes out before the second look at the consumer's index; the consumer moves its index before it looks
    // at the flag. One of the two sees the other, so nobody sleeps on room that is there.
    own_.wants_room.store(1, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_seq_cst);
    reclaim();
  }
  if (room() == 0) return false;
  own_.wants_room.store(0, std::memory_order_relaxed);
  Slot& next = slot(produced_);
  std::ranges::copy(payload, next.payload.begin());
  next.header.store(static_cast<uint32_t>(type) << 16 | static_cast<uint32_t>(payload.size()),
                    std::memory_order_relaxed);
  own_.produced.store(++produced_, std::memory_order_release);
  return true;
}

// The newest first, and each message's header before its payload: a peer that still reads finds either a whole message
// or none (type 0 is no message), and never the commit of a transaction of which it got a wiped part.
void RingProducer::wipe_all() {
  while (produced_ != reclaimed_) {
    Slot& last = slot(--produced_);
    const uint32_t length = last.header.exchange(0, std::memory_order_relaxed) & 0xffff;
    std::atomic_thread_fence(std::memory_order_seq_cst);
    wipe(std::span(last.payload).first(length));
    std::atomic_thread_fence(std::memory_order_seq_cst);
  }
}

RingConsumer::Outcome RingConsumer::receive(Message& message, std::span<uint8_t, max_message_size> payload) {
  const uint64_t produced = peer_.produced.load(std::memory_order_acquire);
  if (produced == consumed_) return Outcome::empty;
  if (produced - consumed_ > ring_capacity) return Outcome::bad_index;
  const Slot& next = peer_.slots[consumed_ & (ring_capacity - 1)];
  const uint32_t header = next.header.load(std::memory_order_relaxed);
  message = {static_cast<uint16_t>(header >> 16), static_cast<uint16_t>(header)};
  if (message.length > max_message_size) return Outcome::bad_length;
  std::memcpy(payload.data(), next.payload.data(), message.length);
  own_.consumed.store(++consumed_, std::memory_order_release);
  return Outcome::message;
}

bool RingConsumer::owes_wake() {
  if (consumed_ == consumed_at_wake_) return false;
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (peer_.wants_room.load(std::memory_order_relaxed) == 0) return false;
  consumed_at_wake_ = consumed_;
  return true;
}

}  // namespace sekisho::ipc
