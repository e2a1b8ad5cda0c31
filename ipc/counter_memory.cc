#include "ipc/counter_memory.h"

namespace sekisho::ipc {

// Zeroed pages are a CounterTable as its initializers have it; running them would touch every page.
Result<CounterMemory> CounterMemory::create() {
  auto memory = SealedMemory::create("sekisho-counters", sizeof(CounterTable));
  if (!memory) return std::unexpected(memory.error());
  CounterMemory counters;
  counters.memory_ = std::move(*memory);
  return counters;
}

}  // namespace sekisho::ipc
