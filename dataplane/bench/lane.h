// One worker while it is measured: its own queues of the memory ports, its own packets, its own figures. All lanes of a
// cell do the same steps at the same time.
#pragma once

#include <atomic>
#include <span>
#include <vector>

#include "dataplane/bench/memory_port.h"
#include "dataplane/bench/pace.h"
#include "dataplane/bench/raw_crypto.h"
#include "dataplane/bench/source.h"
#include "dataplane/stage/profile.h"

namespace sekisho::dataplane::bench {

// What a pass measures.
enum class Pass : uint8_t {
  path,     // the worker, from receiving to sending
  io,       // the same ports: receiving and sending, nothing else
  raw,      // the cryptography of the same bytes alone
  profile,  // the path again, while it counts the cycles of its stages
};

// Keeps threads together. They spin, for they meet every few microseconds.
class Meeting {
 public:
  explicit Meeting(unsigned threads) : threads_(threads) {}
  void wait();

  // Whether any lane was disturbed in the pass of this number; asked and told between two meetings.
  void tell_disturbed(uint64_t pass) { disturbed_.store(pass, std::memory_order_relaxed); }
  bool disturbed(uint64_t pass) const { return disturbed_.load(std::memory_order_relaxed) == pass; }
  // How many lanes are through with their packets, in all passes so far.
  void tell_done() { done_.fetch_add(1, std::memory_order_release); }
  uint64_t done() const { return done_.load(std::memory_order_acquire); }

 private:
  const unsigned threads_;
  std::atomic<unsigned> arrived_{0}, round_{0};
  std::atomic<uint64_t> disturbed_{0}, done_{0};
};

// The two ports in the direction of a cell.
struct PortPair {
  MemoryPort& in;
  MemoryPort& out;
};

class Lane {
 public:
  struct Parts {
    unsigned index;
    Gateway& gateway;
    PortPair ports;
    rte_mempool* pool;
    const RawKeys* raw_keys;  // nullptr: nothing is sealed, or there is no ipsec-mb
    Meeting& meeting;
    unsigned feeding;  // lanes that get packets
    double patience;   // seconds to wait for a processor that is slowed down
  };
  Lane(const Parts& parts, std::unique_ptr<PacketSource> source);
  ~Lane();
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  // Around the passes, on the thread that makes them.
  void begin() { parts_.gateway.qsbr().join(parts_.index); }
  void end() { parts_.gateway.qsbr().leave(parts_.index); }
  // TSC cycles a packet; 0 where none comes to this lane, whose worker then helps the others if it can. A pass in which
  // a lane lost its processor, or had a slow one, is repeated, by all.
  double measure(Pass pass);

  // Cycles a packet in each stage, the median of the profile passes.
  using Stages = std::array<double, static_cast<size_t>(Stage::count)>;
  Stages stages() const;
  const PacketSource& source() const { return *source_; }
  // What came out of the last path or I/O pass.
  std::span<rte_mbuf* const> sent() const { return {packets_.data(), sent_}; }
  uint64_t total() const { return total_; }
  uint64_t lost() const { return lost_; }
  // Passes that were disturbed and made again.
  unsigned repeated() const { return repeated_; }
  // The processor was slow for so long that slow passes were kept.
  bool slow() const { return pace_.exhausted(); }

 private:
  void prepare(Pass pass);
  uint64_t run(Pass pass);
  void finish(Pass pass);
  uint64_t run_path();
  void help();
  uint64_t run_io();
  void lay_out_raw();

  const Parts parts_;
  Pace pace_;
  std::unique_ptr<PacketSource> source_;
  std::unique_ptr<RawCrypto> raw_;
  std::vector<rte_mbuf*> packets_;  // pass_packets of them; the first sent_ have just been sent
  std::vector<RawPacket> raw_packets_;
  size_t sent_ = 0;
  uint64_t total_ = 0, lost_ = 0;  // by the worker
  uint64_t pass_number_ = 0;
  unsigned repeated_ = 0;
  uint64_t done_target_ = 0;  // what Meeting::done() comes to in this pass
  StageProfile profile_;
  std::vector<StageProfile> profiles_;  // of the profile passes
};

}  // namespace sekisho::dataplane::bench
