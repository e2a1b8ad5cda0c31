// Sums over the dataplane's writers. Every value is the dataplane's claim; only blocks in use are read, since reading
// an untouched page makes it cost memory.
#pragma once

#include <array>

#include "ipc/counters.h"

namespace sekisho::control {

template <typename Counter>
using Counts = std::array<uint64_t, static_cast<size_t>(Counter::count)>;

Counts<ipc::SaCounter> sum_sa(const ipc::CounterTable* table, ipc::SaId id);
Counts<ipc::PortCounter> sum_port(const ipc::CounterTable* table, ipc::PortId id);
Counts<ipc::FilterCounter> sum_filter(const ipc::CounterTable* table, ipc::FilterId id);
Counts<ipc::DropReason> sum_drops(const ipc::CounterTable* table);

template <size_t Size>
std::array<uint64_t, Size> difference(std::array<uint64_t, Size> now, const std::array<uint64_t, Size>& before) {
  for (size_t i = 0; i < Size; ++i) now[i] = now[i] >= before[i] ? now[i] - before[i] : 0;
  return now;
}

}  // namespace sekisho::control
