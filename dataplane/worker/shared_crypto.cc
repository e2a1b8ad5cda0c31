#include "dataplane/worker/shared_crypto.h"

#include <rte_cycles.h>
#include <rte_pause.h>

#include <algorithm>

#include "crypto/esp/esp_key.h"

namespace sekisho::dataplane {
namespace {

using crypto::EspJob;

// A smaller batch is not that of a worker under full load.
constexpr size_t full_batch = 32;
// Handing a packet over costs some fifty cycles, for its cache lines travel to the helper and back. In combined mode
// this much work makes up for it with room to spare.
constexpr uint32_t combined_bytes = 8192;
// A CBC packet and its HMAC take one lane of the SIMD units for as long as the packet is, whatever the other lanes do:
// a piece takes as long as its longest packet, or longer. It should have packets for all lanes, and of such lengths
// that half of them are busy.
constexpr uint32_t lanes = 16;

// What a batch holds, and what a piece of it must hold to be worth handing over.
struct Load {
  uint32_t jobs, bytes;
  uint32_t piece_jobs, piece_bytes;
  bool suffices_for(uint32_t pieces) const { return jobs >= pieces * piece_jobs && bytes >= pieces * piece_bytes; }
};
Load load_of(std::span<const EspJob> jobs) {
  uint32_t bytes = 0, longest = 0;
  for (const EspJob& job : jobs) {
    bytes += job.length;
    longest = std::max(longest, job.length);
  }
  const auto count = static_cast<uint32_t>(jobs.size());
  // A batch is of one kind of suite, as a rule.
  if (info(jobs[0].key->suite).combined_mode()) return {count, bytes, lanes / 2, combined_bytes};
  return {count, bytes, lanes, lanes / 2 * longest};
}

// 1 / n for up to as many pieces as there can be workers, in units of 2^-16.
constexpr auto inverse = [] {
  std::array<uint32_t, ipc::max_workers + 1> table{};
  for (uint32_t n = 1; n < table.size(); ++n) table[n] = (1u << 16) / n;
  return table;
}();

}  // namespace

SharedCrypto::~SharedCrypto() {
  look(false);
  for (const bool seal : {false, true}) want(seal, false);
}

void SharedCrypto::look(bool looking) {
  if (looking == looking_) return;
  looking_ = looking;
  board_->looking_.fetch_add(looking ? 1u : -1u, std::memory_order_relaxed);
}

void SharedCrypto::want(bool seal, bool wanting) {
  if (wanting == wanting_[seal]) return;
  wanting_[seal] = wanting;
  board_->wanting_.fetch_add(wanting ? 1u : -1u, std::memory_order_relaxed);
}

bool SharedCrypto::share(std::span<EspJob> jobs, bool seal) {
  if (jobs.size() < full_batch) return false;
  busy();
  Payoff& payoff = payoff_[seal];
  if (payoff.rests()) {
    want(seal, false);
    return false;
  }
  const unsigned helpers = board_->looking_.load(std::memory_order_relaxed);
  if (helpers == 0 && wanting_[seal]) return false;
  const Load load = load_of(jobs);
  if (!load.suffices_for(2)) return false;
  want(seal, true);
  if (helpers == 0) return false;
  uint32_t pieces = helpers + 1;
  while (!load.suffices_for(pieces)) --pieces;
  const Payoff::Turn turn = payoff.next();
  const uint64_t start = turn.timed ? rte_rdtsc() : 0;
  if (turn.share)
    offer(jobs, pieces, seal);
  else
    work(jobs, seal);
  if (turn.timed) payoff.report(rte_rdtsc() - start, load.bytes);
  return true;
}

void SharedCrypto::offer(std::span<EspJob> jobs, uint32_t pieces, bool seal) {
  Offer& offer = board_->offers_[index_];
  offer.jobs = jobs;
  offer.pieces = pieces;
  offer.step = static_cast<uint32_t>(jobs.size()) * inverse[pieces];
  offer.seal = seal;
  offer.done.store(0, std::memory_order_relaxed);
  offer.left.store(static_cast<int32_t>(pieces), std::memory_order_release);
  uint32_t others = pieces;
  for (auto piece = take(offer); piece; piece = take(offer)) {
    work(*piece, seal);
    --others;
  }
  while (offer.done.load(std::memory_order_acquire) != others) rte_pause();
}

std::optional<std::span<EspJob>> SharedCrypto::take(Offer& offer) {
  if (offer.left.load(std::memory_order_relaxed) <= 0) return {};
  // Sees the description, whose release store heads the sequence of those who counted before.
  const int32_t index = offer.left.fetch_sub(1, std::memory_order_acquire) - 1;
  if (index < 0) return {};
  const auto piece = static_cast<uint32_t>(index);
  const size_t start = piece * offer.step >> 16;
  const size_t end = piece + 1 == offer.pieces ? offer.jobs.size() : (piece + 1) * offer.step >> 16;
  return offer.jobs.subspan(start, end - start);
}

void SharedCrypto::idle() {
  if (board_ == nullptr) return;
  for (const bool seal : {false, true}) want(seal, false);
  look(wanted());
  if (!looking_) return;
  for (unsigned step = 1; step < board_->offers_.size(); ++step) {
    Offer& offer = board_->offers_[(index_ + step) % board_->offers_.size()];
    const auto piece = take(offer);
    if (!piece) continue;
    work(*piece, offer.seal);
    offer.done.fetch_add(1, std::memory_order_release);
    return;
  }
}

}  // namespace sekisho::dataplane
