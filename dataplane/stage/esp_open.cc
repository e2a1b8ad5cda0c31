#include <algorithm>

#include "dataplane/stage/stages.h"

namespace sekisho::dataplane {
namespace {

// With ESN the high half is part of what the ICV covers.
crypto::EspJob job_of(const Inbound& in) {
  return {.key = in.sa->key,
          .esp = in.packet.l3 + in.esp.offset,
          .length = in.esp.length,
          .sequence_high = in.sa->esn ? static_cast<uint32_t>(in.sequence >> 32) : 0};
}

}  // namespace

void esp_open(Context& context, BurstOf<Inbound>& in, BurstOf<Inbound>& authentic) {
  using ipc::DropReason, ipc::SaCounter;
  BurstOf<crypto::EspJob> jobs;
  for (const Inbound& item : in.items()) jobs.add(job_of(item));
  context.crypto.open(jobs.items());

  // The window's edge moves once for consecutive packets of one SA.
  InboundSa* run = nullptr;
  uint64_t top = 0;
  for (unsigned i = 0; i < in.count(); ++i) {
    const Inbound& item = in.items()[i];
    if (!jobs.items()[i].ok) {
      context.drop(item.packet.mbuf, DropReason::esp_integrity, item.sa->id, SaCounter::integrity);
      continue;
    }
    if (!item.sa->replay.accept(item.sequence)) {
      // The same number twice in one burst, or at two workers at once.
      context.drop(item.packet.mbuf, DropReason::esp_replay, item.sa->id, SaCounter::replay);
      continue;
    }
    if (item.sa != run) {
      if (run != nullptr) run->replay.advance(top);
      run = item.sa;
      top = 0;
    }
    top = std::max(top, item.sequence);
    authentic.add(item);
  }
  if (run != nullptr) run->replay.advance(top);
}

}  // namespace sekisho::dataplane
