#include <algorithm>

#include "dataplane/stage/stages.h"

namespace sekisho::dataplane {
namespace {

using ipc::DropReason, ipc::SaCounter;

// With ESN the high half is part of what the ICV covers.
crypto::EspJob job_of(const Inbound& in) {
  return {.key = in.sa->key,
          .esp = in.packet.l3 + in.esp.offset,
          .length = in.esp.length,
          .sequence_high = in.sa->esn ? static_cast<uint32_t>(in.sequence >> 32) : 0};
}

// The window's edge moves once for consecutive packets of one SA.
class WindowEdge {
 public:
  WindowEdge() = default;
  WindowEdge(const WindowEdge&) = delete;
  WindowEdge& operator=(const WindowEdge&) = delete;
  ~WindowEdge() { move(); }

  void reached(InboundSa& sa, uint64_t sequence) {
    if (&sa != sa_) {
      move();
      sa_ = &sa;
      top_ = 0;
    }
    top_ = std::max(top_, sequence);
  }

 private:
  void move() {
    if (sa_ != nullptr) sa_->replay.advance(top_);
  }

  InboundSa* sa_ = nullptr;
  uint64_t top_ = 0;
};

}  // namespace

void esp_open(Context& context, BurstOf<Inbound>& packets) {
  BurstOf<crypto::EspJob> jobs;
  for (const Inbound& item : packets.items()) jobs.add(job_of(item));
  context.mark(Stage::esp_open);
  context.crypto.open(jobs.items());
  context.mark(Stage::open);

  WindowEdge edge;
  const crypto::EspJob* job = jobs.items().data();
  packets.filter([&](const Inbound& item) {
    if (!job++->ok) [[unlikely]] {
      context.drop(item.packet.mbuf, DropReason::esp_integrity, item.sa->id, SaCounter::integrity);
      return false;
    }
    if (!item.sa->replay.accept(item.sequence)) [[unlikely]] {
      // The same number twice in one burst, or at two workers at once.
      context.drop(item.packet.mbuf, DropReason::esp_replay, item.sa->id, SaCounter::replay);
      return false;
    }
    edge.reached(*item.sa, item.sequence);
    return true;
  });
  context.mark(Stage::esp_open);
}

}  // namespace sekisho::dataplane
