// Counting: the worker is the only writer of its counters, so a plain load and a relaxed store do; control reads them
// from another process.
#pragma once

#include <cstdint>

#include "ipc/counters.h"

namespace sekisho::dataplane {

template <typename Counter>
inline void count(ipc::CounterBlock<Counter>& block, Counter which, uint64_t more = 1) {
  uint64_t& value = block.value[static_cast<size_t>(which)];
  __atomic_store_n(&value, value + more, __ATOMIC_RELAXED);
}

// Packets and bytes of SAs: consecutive packets of one SA are counted together.
class SaCount {
 public:
  explicit SaCount(ipc::WriterCounters& counters) : counters_(counters) {}
  SaCount(const SaCount&) = delete;
  SaCount& operator=(const SaCount&) = delete;
  ~SaCount() { write(); }

  void add(ipc::SaId sa, uint32_t bytes) {
    if (sa != sa_) {
      write();
      sa_ = sa;
      packets_ = bytes_ = 0;
    }
    ++packets_;
    bytes_ += bytes;
  }

 private:
  void write() {
    if (packets_ == 0) return;
    auto& block = counters_.sas[sa_.value()];
    count(block, ipc::SaCounter::packets, packets_);
    count(block, ipc::SaCounter::bytes, bytes_);
  }

  ipc::WriterCounters& counters_;
  ipc::SaId sa_;
  uint64_t packets_ = 0, bytes_ = 0;
};

}  // namespace sekisho::dataplane
