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

}  // namespace sekisho::dataplane
