// Crypto work that workers share. A card does not look into ESP, so one RX queue, and with it one worker, gets every
// packet of a fat tunnel while others have nothing to do. A worker under full load therefore offers its batch on a
// board, in pieces. A worker that found nothing to do takes a piece and works on it with its own EspCrypto. The owner
// takes pieces as well, until none is left, waits for those that others took, and goes on. So
//
// - the order of packets is exactly what it is without helpers: all but the crypto happens at the owner;
// - a batch begins and ends within one call: nothing is in flight when the owner reports its quiescent state, so the
//   SAs, keys and packets of a piece live as long as anybody works on it;
// - a piece that nobody took is done by the owner. What it may have to wait for is the one piece that a helper has
//   begun. A helper that lost its processor meanwhile would hold the owner up, so there is a board only where every
//   worker has a processor of its own.
//
// Nobody who is busy looks at the offers, nobody offers before an idle worker has said that it is looking, and nobody
// looks before a busy one has said that it would have help. So a gateway whose workers are all busy, or all idle,
// leaves the board alone, and an idle worker that sleeps finds out within its sleep that it is needed. Nor is it kept
// awake where sharing does not pay, but for a try now and then.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <span>

#include "crypto/esp/esp_crypto.h"
#include "dataplane/worker/payoff.h"
#include "ipc/schema.h"

namespace sekisho::dataplane {

// Of all workers; outlives them.
class WorkBoard {
 private:
  friend class SharedCrypto;

  // A worker's batch. `left` pieces are still to be taken, each by counting it down: a piece is whoever's counted from
  // i + 1 to i, so it goes to exactly one, and whoever has one has the batch of that moment, however old the sight was
  // that made it try. The description below changes only when every piece is done.
  struct alignas(64) Offer {
    std::atomic<int32_t> left{0};   // written by all; below zero if some came too late
    std::atomic<uint32_t> done{0};  // written by helpers: how many of the pieces they took are done
    std::span<crypto::EspJob> jobs;
    uint32_t pieces = 0;
    uint32_t step = 0;  // jobs in a piece, in units of 2^-16
    bool seal = false;
  };
  static_assert(sizeof(Offer) == 64);

  // How many workers look for a piece, read by the busy; and how many would have help, read by the idle; who
  // would have it for both directions counts twice.
  alignas(64) std::atomic<unsigned> looking_{0};
  alignas(64) std::atomic<unsigned> wanting_{0};
  std::array<Offer, ipc::max_workers> offers_;
};

// One worker's crypto: its own EspCrypto and, given a board, the idle time of the others.
class SharedCrypto {
 public:
  // `index`: the worker's, below ipc::max_workers. No board: neither gives nor takes.
  SharedCrypto(crypto::EspCrypto& own, WorkBoard* board, unsigned index) : own_(own), board_(board), index_(index) {}
  SharedCrypto(const SharedCrypto&) = delete;
  SharedCrypto& operator=(const SharedCrypto&) = delete;
  ~SharedCrypto();

  // As EspCrypto's.
  void seal(std::span<crypto::EspJob> jobs) { run(jobs, true); }
  void open(std::span<crypto::EspJob> jobs) { run(jobs, false); }

  // The worker found packets: it does not look for other work.
  void busy() {
    if (looking_) look(false);
  }
  // The worker found none: takes one piece from the board, if there is one.
  void idle();
  // Whether somebody would have help: no time to sleep.
  bool wanted() const { return board_ != nullptr && board_->wanting_.load(std::memory_order_relaxed) != 0; }

 private:
  using Offer = WorkBoard::Offer;

  void run(std::span<crypto::EspJob> jobs, bool seal) {
    if (board_ == nullptr || !share(jobs, seal)) work(jobs, seal);
  }
  void work(std::span<crypto::EspJob> jobs, bool seal) {
    if (seal)
      own_.seal(jobs);
    else
      own_.open(jobs);
  }
  // False: the batch is too small, or nobody is looking.
  bool share(std::span<crypto::EspJob> jobs, bool seal);
  void offer(std::span<crypto::EspJob> jobs, uint32_t pieces, bool seal);
  static std::optional<std::span<crypto::EspJob>> take(Offer& offer);
  void look(bool looking);
  void want(bool seal, bool wanting);

  crypto::EspCrypto& own_;
  WorkBoard* const board_;
  const unsigned index_;
  bool looking_ = false;              // whether it is counted on the board
  std::array<bool, 2> wanting_ = {};  // likewise, for open and seal
  std::array<Payoff, 2> payoff_;      // of open and seal
};

}  // namespace sekisho::dataplane
