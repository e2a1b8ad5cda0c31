#include "control/tunnel/counters.h"

#include <algorithm>

namespace sekisho::control {
namespace {

template <typename Counter, typename Select>
Counts<Counter> sum(const ipc::CounterTable* table, const Select& select) {
  Counts<Counter> total{};
  if (!table) return total;
  const unsigned workers = std::min<unsigned>(__atomic_load_n(&table->workers, __ATOMIC_RELAXED), ipc::max_workers);
  const auto add = [&](const ipc::WriterCounters& writer) {
    const ipc::CounterBlock<Counter>& block = select(writer);
    for (size_t i = 0; i < total.size(); ++i) total[i] += __atomic_load_n(&block.value[i], __ATOMIC_RELAXED);
  };
  for (unsigned i = 0; i < workers; ++i) add(table->writers[i]);
  add(table->writers[ipc::slow_path_slot]);
  return total;
}

}  // namespace

Counts<ipc::SaCounter> sum_sa(const ipc::CounterTable* table, ipc::SaId id) {
  return sum<ipc::SaCounter>(
      table, [id](const auto& writer) -> const auto& { return writer.sas[id.value()]; });
}

Counts<ipc::PortCounter> sum_port(const ipc::CounterTable* table, ipc::PortId id) {
  return sum<ipc::PortCounter>(
      table, [id](const auto& writer) -> const auto& { return writer.ports[id.value()]; });
}

Counts<ipc::FilterCounter> sum_filter(const ipc::CounterTable* table, ipc::FilterId id) {
  return sum<ipc::FilterCounter>(
      table, [id](const auto& writer) -> const auto& { return writer.filters[id.value()]; });
}

Counts<ipc::DropReason> sum_drops(const ipc::CounterTable* table) {
  return sum<ipc::DropReason>(
      table, [](const auto& writer) -> const auto& { return writer.drops; });
}

}  // namespace sekisho::control
