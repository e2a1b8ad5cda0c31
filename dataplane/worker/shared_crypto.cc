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
constexpr uint32_t combined_piece = 8192;
// A CBC packet and its HMAC take one lane of the SIMD units for as long as the packet is, whatever the other lanes do:
// a piece takes as long as its longest packet, or longer. There are up to 16 lanes, half of which a piece should keep
// busy.
constexpr uint32_t lanes = 16;

struct Load {
  uint32_t bytes = 0;
  uint32_t pieces = 0;  // at most so many; below two the batch is not worth the while
};
Load load_of(std::span<const EspJob> jobs) {
  uint32_t bytes = 0, longest = 0;
  for (const EspJob& job : jobs) {
    bytes += job.length;
    longest = std::max(longest, job.length);
  }
  // A batch is of one kind of suite, as a rule.
  if (info(jobs[0].key->suite).combined_mode()) return {bytes, bytes / combined_piece};
  return {bytes, std::min(bytes / (longest * (lanes / 2)), static_cast<uint32_t>(jobs.size()) / lanes)};
}

}  // namespace

SharedCrypto::~SharedCrypto() {
  look(false);
  want(false);
}

void SharedCrypto::look(bool looking) {
  if (looking == looking_) return;
  looking_ = looking;
  board_->looking_.fetch_add(looking ? 1u : -1u, std::memory_order_relaxed);
}

void SharedCrypto::want(bool wanting) {
  if (wanting == wanting_) return;
  wanting_ = wanting;
  board_->wanting_.fetch_add(wanting ? 1u : -1u, std::memory_order_relaxed);
}

bool SharedCrypto::share(std::span<EspJob> jobs, bool seal) {
  if (jobs.size() < full_batch) return false;
  const unsigned helpers = board_->looking_.load(std::memory_order_relaxed);
  if (helpers == 0 && wanting_) return false;
  const Load load = load_of(jobs);
  if (load.pieces < 2) return false;
  want(true);
  if (helpers == 0) return false;
  Payoff& payoff = payoff_[seal];
  const Payoff::Turn turn = payoff.next();
  const uint64_t start = turn.timed ? rte_rdtsc() : 0;
  if (turn.share)
    offer(jobs, std::min(load.pieces, helpers + 1), seal);
  else
    work(jobs, seal);
  if (turn.timed) payoff.report(rte_rdtsc() - start, load.bytes);
  return true;
}

void SharedCrypto::offer(std::span<EspJob> jobs, uint32_t pieces, bool seal) {
  const auto count = static_cast<uint32_t>(jobs.size());
  Offer& offer = board_->offers_[index_];
  offer.jobs = jobs;
  offer.piece = (count + pieces - 1) / pieces;
  offer.seal = seal;
  offer.done.store(0, std::memory_order_relaxed);
  uint32_t left = (count + offer.piece - 1) / offer.piece;
  offer.left.store(static_cast<int32_t>(left), std::memory_order_release);
  for (auto piece = take(offer); piece; piece = take(offer)) {
    work(*piece, seal);
    --left;
  }
  // The others are with helpers.
  while (offer.done.load(std::memory_order_acquire) != left) rte_pause();
}

std::optional<std::span<EspJob>> SharedCrypto::take(Offer& offer) {
  if (offer.left.load(std::memory_order_relaxed) <= 0) return {};
  // Sees the description, whose release store heads the sequence of those who counted before.
  const int32_t index = offer.left.fetch_sub(1, std::memory_order_acquire) - 1;
  if (index < 0) return {};
  const size_t start = static_cast<size_t>(index) * offer.piece;
  return offer.jobs.subspan(start, std::min<size_t>(offer.piece, offer.jobs.size() - start));
}

void SharedCrypto::idle() {
  if (board_ == nullptr) return;
  want(false);
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
