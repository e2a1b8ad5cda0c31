#include "dataplane/bench/lane.h"

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_pause.h>
#include <sched.h>
#include <sys/resource.h>

#include <algorithm>
#include <stdexcept>

#include "dataplane/bench/median.h"
#include "dataplane/stage/burst.h"

namespace sekisho::dataplane::bench {
namespace {

// How often this thread lost its processor.
long interruptions() {
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  return usage.ru_nivcsw;
}

// A worker that finds nothing so often has lost packets, or they are in another's hands.
constexpr unsigned patience = 1'000'000;

}  // namespace

void Meeting::wait() {
  const unsigned round = round_.load(std::memory_order_relaxed);
  if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == threads_) {
    arrived_.store(0, std::memory_order_relaxed);
    round_.store(round + 1, std::memory_order_release);
    return;
  }
  constexpr unsigned spins = 10'000;
  for (unsigned i = 0; round_.load(std::memory_order_acquire) == round; ++i)
    if (i < spins)
      rte_pause();
    else
      sched_yield();
}

Lane::Lane(const Parts& parts, std::unique_ptr<PacketSource> source)
    : parts_(parts),
      pace_(parts.patience),
      source_(std::move(source)),
      packets_(pass_packets),
      raw_packets_(pass_packets) {
  if (parts.raw_keys != nullptr) raw_ = std::make_unique<RawCrypto>(*parts.raw_keys);
  if (rte_pktmbuf_alloc_bulk(parts.pool, packets_.data(), pass_packets) != 0)
    throw std::runtime_error("too little packet memory");
}

Lane::~Lane() { rte_pktmbuf_free_bulk(packets_.data(), pass_packets); }

double Lane::measure(Pass pass) {
  constexpr int attempts = 10;
  uint64_t cycles = 0;
  for (int attempt = 1;; ++attempt) {
    ++pass_number_;
    prepare(pass);
    parts_.meeting.wait();
    const long before = interruptions();
    cycles = run(pass);
    if (!source_->empty()) parts_.meeting.tell_done();
    const bool interrupted = interruptions() != before && attempt < attempts;
    if (interrupted || pace_.slow()) parts_.meeting.tell_disturbed(pass_number_);
    parts_.meeting.wait();
    finish(pass);
    if (!parts_.meeting.disturbed(pass_number_)) break;
    ++repeated_;
  }
  if (pass == Pass::profile && !source_->empty()) profiles_.push_back(profile_);
  return static_cast<double>(cycles) / pass_packets;
}

Lane::Stages Lane::stages() const {
  Stages stages{};
  for (size_t stage = 0; stage < stages.size() && !profiles_.empty(); ++stage) {
    std::vector<uint64_t> cycles;
    for (const StageProfile& profile : profiles_) cycles.push_back(profile.cycles[stage]);
    stages[stage] = static_cast<double>(median(cycles)) / pass_packets;
  }
  return stages;
}

void Lane::prepare(Pass pass) {
  done_target_ += parts_.feeding;
  if (source_->empty()) return;
  if (pass == Pass::io || pass == Pass::raw)
    source_->load_stale(packets_);
  else
    source_->load(packets_);
  if (pass == Pass::raw)
    lay_out_raw();
  else if (!parts_.ports.in.deliver(parts_.index, packets_))
    throw std::runtime_error("no room in the ring");
}

uint64_t Lane::run(Pass pass) {
  if (source_->empty()) {
    help();
    return 0;
  }
  switch (pass) {
    case Pass::path:
      return run_path();
    case Pass::io:
      return run_io();
    case Pass::raw:
      return raw_->run(source_->sealed() ? CryptoWork::open : CryptoWork::seal, raw_packets_);
    case Pass::profile:
      break;
  }
  Worker& worker = parts_.gateway.worker(parts_.index);
  profile_ = {};
  worker.set_profile(&profile_);
  const uint64_t cycles = run_path();
  worker.set_profile(nullptr);
  return cycles;
}

void Lane::finish(Pass pass) {
  // Nobody is to be told, and the ring must not fill up.
  if (parts_.index == 0) parts_.gateway.discard_events();
  if (pass == Pass::raw || source_->empty()) return;
  sent_ = parts_.ports.out.collect(parts_.index, packets_);
  const size_t lost = pass_packets - sent_;
  if (pass != Pass::io) {
    total_ += pass_packets;
    lost_ += lost;
  }
  // What was lost went back to the pool.
  if (lost != 0 && rte_pktmbuf_alloc_bulk(parts_.pool, packets_.data() + sent_, static_cast<unsigned>(lost)) != 0)
    throw std::runtime_error("too little packet memory");
}

uint64_t Lane::run_path() {
  Worker& worker = parts_.gateway.worker(parts_.index);
  Qsbr& qsbr = parts_.gateway.qsbr();
  const uint64_t start = rte_rdtsc_precise();
  for (unsigned taken = 0, idle = 0; taken < pass_packets && idle < patience;) {
    const unsigned now = worker.poll();
    taken += now;
    idle = now == 0 ? idle + 1 : 0;
    qsbr.quiescent(parts_.index);
  }
  return rte_rdtsc_precise() - start;
}

// As a worker does that finds nothing, until the others are through.
void Lane::help() {
  Worker& worker = parts_.gateway.worker(parts_.index);
  while (parts_.meeting.done() < done_target_) {
    worker.poll();
    parts_.gateway.qsbr().quiescent(parts_.index);
  }
}

uint64_t Lane::run_io() {
  const uint16_t in = parts_.ports.in.device(), out = parts_.ports.out.device();
  const auto queue = static_cast<uint16_t>(parts_.index);
  std::array<rte_mbuf*, burst_size> frames;
  const uint64_t start = rte_rdtsc_precise();
  for (unsigned taken = 0; taken < pass_packets;) {
    const uint16_t now = rte_eth_rx_burst(in, queue, frames.data(), burst_size);
    rte_eth_tx_burst(out, queue, frames.data(), now);
    taken += now;
  }
  return rte_rdtsc_precise() - start;
}

// Where the data path has it, too: the inner packet stays in its place.
void Lane::lay_out_raw() {
  const std::vector<Packet>& loaded = source_->loaded();
  for (size_t i = 0; i < pass_packets; ++i) {
    const EspLayout layout(source_->suite(), loaded[i].frame);
    uint8_t* frame = rte_pktmbuf_mtod(packets_[i], uint8_t*) + ethernet_size;
    uint8_t* esp = source_->sealed() ? frame + outer_size : frame - layout.offset;
    raw_packets_[i] = {esp, layout.esp, loaded[i].flow->tunnel};
  }
}

}  // namespace sekisho::dataplane::bench
