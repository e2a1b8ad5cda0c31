#include "dataplane/worker/worker.h"

#include <rte_ethdev.h>
#include <rte_pause.h>
#include <rte_ring.h>
#include <sys/prctl.h>
#include <time.h>

#include <array>
#include <utility>

#include "dataplane/worker/idle.h"
#include "dataplane/worker/path.h"

namespace sekisho::dataplane {
namespace {

void sleep_for(uint32_t microseconds) {
  const timespec time{0, static_cast<long>(microseconds) * 1000};
  ::clock_nanosleep(CLOCK_MONOTONIC, 0, &time, nullptr);
}

}  // namespace

Result<std::unique_ptr<Worker>> Worker::create(const WorkerOptions& options, const SharedTables& shared,
                                               ipc::WriterCounters& counters) {
  auto rings = WorkerRings::create();
  if (!rings) return std::unexpected(std::move(rings.error()));
  return std::unique_ptr<Worker>(new Worker(options, shared, counters, std::move(*rings)));
}

Worker::Worker(const WorkerOptions& options, const SharedTables& shared, ipc::WriterCounters& counters,
               WorkerRings rings)
    : options_(options),
      shared_(shared),
      rings_(std::move(rings)),
      own_crypto_(crypto::EspCrypto::create(options.backend)),
      crypto_(*own_crypto_, shared.board, options.index),
      path_(std::make_unique<Path>(shared_, crypto_, rings_.to_kernel, counters)) {}

Worker::~Worker() = default;

unsigned Worker::poll() {
  const WorkerPorts* ports = ports_.load(std::memory_order_acquire);
  if (ports == nullptr) return 0;
  path_->begin(shared_.fib.active(), ports);
  unsigned taken = 0;
  std::array<rte_mbuf*, burst_size> frames;
  for (const RxQueue& queue : ports->rx) {
    const unsigned n = rte_eth_rx_burst(queue.device, queue.queue, frames.data(), burst_size);
    if (n != 0) path_->receive(queue.port, {frames.data(), n});
    taken += n;
  }
  for (const HandoverInput& input : ports->handover) {
    const unsigned n =
        rte_ring_sc_dequeue_burst(input.ring, reinterpret_cast<void**>(frames.data()), burst_size, nullptr);
    if (n != 0) path_->hand_over(input.port, {frames.data(), n});
    taken += n;
  }
  std::array<Handed, burst_size> handed;
  const unsigned n = rings_.from_kernel.pop(handed);
  if (n != 0) path_->from_kernel({handed.data(), n});
  taken += n;
  if (taken != 0)
    crypto_.busy();
  else
    crypto_.idle();
  return taken;
}

void Worker::inject(ipc::PortId port, std::span<rte_mbuf* const> frames) {
  path_->begin(shared_.fib.active(), ports_.load(std::memory_order_acquire));
  path_->receive(port, frames);
}

void Worker::set_profile(StageProfile* profile) {
  if (profile != nullptr) profile->start();
  path_->set_profile(profile);
}

void Worker::run(const std::atomic<bool>& stop) {
  // Without this the kernel rounds a sleep of a few microseconds up by fifty.
  ::prctl(PR_SET_TIMERSLACK, 1);
  shared_.qsbr.join(options_.index);
  Idle idle;
  while (!stop.load(std::memory_order_relaxed)) {
    if (poll() != 0 || crypto_.wanted() || options_.busy_poll)
      idle.busy();
    else
      rest(idle);
    shared_.qsbr.quiescent(options_.index);
  }
  shared_.qsbr.leave(options_.index);
}

void Worker::rest(Idle& idle) {
  switch (idle.next()) {
    case Idle::Step::poll:
      break;
    case Idle::Step::pause:
      rte_pause();
      break;
    case Idle::Step::sleep:
      shared_.qsbr.offline(options_.index);
      sleep_for(idle.microseconds());
      shared_.qsbr.online(options_.index);
      break;
  }
}

}  // namespace sekisho::dataplane
