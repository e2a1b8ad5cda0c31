// The dataplane's counters live in a sealed memory of their own that survives reconnections of control.
#pragma once

#include "ipc/counters.h"
#include "ipc/sealed_memory.h"

namespace sekisho::ipc {

class CounterMemory {
 public:
  // Sparse: a page costs memory once a counter in it was written (or read by control).
  static Result<CounterMemory> create();
  CounterTable& table() const { return *static_cast<CounterTable*>(memory_.writable()); }
  int fd() const { return memory_.fd(); }

 private:
  SealedMemory memory_;
};

}  // namespace sekisho::ipc
