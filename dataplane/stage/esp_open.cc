#include <algorithm>

#include "dataplane/stage/stages.h"

namespace sekisho::dataplane {
namespace {

using ipc::DropReason, ipc::SaCounter;

// Marks the numbers of the authentic packets that stand at the front of `packets`, are of one SA and share a group of
// its window: one atomic operation for all of them. Returns how many packets that are; bit i of `accepted` says whether
// packet i is new.
size_t mark_group(std::span<const Inbound> packets, std::span<const crypto::EspJob> jobs, uint64_t& accepted) {
  ReplayWindow& window = packets[0].sa->replay;
  const uint64_t group = ReplayWindow::group(packets[0].sequence);
  uint32_t numbers = 0;
  uint64_t candidates = 0, top = 0;
  size_t count = 0;
  for (; count < packets.size() && packets[count].sa == packets[0].sa &&
         ReplayWindow::group(packets[count].sequence) == group;
       ++count) {
    const uint64_t sequence = packets[count].sequence;
    // The second of two packets with one number is a replay, where replays matter.
    const bool seen = window.size() != 0 && (numbers & ReplayWindow::bit(sequence)) != 0;
    const bool fresh = jobs[count].ok && !seen;
    if (!fresh) [[unlikely]]
      continue;
    numbers |= ReplayWindow::bit(sequence);
    candidates |= uint64_t{1} << count;
    top = std::max(top, sequence);
  }
  const uint32_t granted = window.accept_all(group, numbers);
  accepted = candidates;
  if (granted != numbers) [[unlikely]]
    for (size_t i = 0; i < count; ++i)
      if ((granted & ReplayWindow::bit(packets[i].sequence)) == 0) accepted &= ~(uint64_t{1} << i);
  if (accepted != 0) window.advance(top);
  return count;
}

// Keeps the packets whose bit is set in `fresh`.
void drop_the_rest(Context& context, BurstOf<Inbound>& packets, std::span<const crypto::EspJob> jobs, uint64_t fresh) {
  packets.filter([&, i = 0u](const Inbound& item) mutable {
    const unsigned index = i++;
    if (!jobs[index].ok)
      context.drop(item.packet.mbuf, DropReason::esp_integrity, item.sa->id, SaCounter::integrity);
    else if ((fresh >> index & 1) == 0)  // the same number twice in one burst, or at two workers at once
      context.drop(item.packet.mbuf, DropReason::esp_replay, item.sa->id, SaCounter::replay);
    else
      return true;
    return false;
  });
}

}  // namespace

void esp_open(Context& context, BurstOf<Inbound>& packets) {
  BurstOf<crypto::EspJob> jobs;
  // With ESN the high half is part of what the ICV covers.
  for (const Inbound& in : packets.items())
    jobs.emplace(in.sa->key, in.packet.l3 + in.esp.offset, uint32_t{in.esp.length},
                 in.sa->esn ? static_cast<uint32_t>(in.sequence >> 32) : 0, false);
  context.mark(Stage::esp_open);
  context.crypto.open(jobs.items());
  context.mark(Stage::open);

  uint64_t fresh = 0;
  for (unsigned at = 0; at < packets.count();) {
    uint64_t accepted = 0;
    const size_t marked = mark_group(packets.items().subspan(at), jobs.items().subspan(at), accepted);
    fresh |= accepted << at;
    at += static_cast<unsigned>(marked);
  }
  const bool all = fresh == ~uint64_t{0} >> (burst_size - packets.count());
  if (!all) [[unlikely]]
    drop_the_rest(context, packets, jobs.items(), fresh);
  context.mark(Stage::esp_open);
}

}  // namespace sekisho::dataplane
