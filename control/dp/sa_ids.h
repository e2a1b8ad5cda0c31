// Which SaIds are free. Both directions of all child SAs draw from one pool, and the SPI of an inbound SA is made of
// its id, so a live SPI is unique by construction. A released id comes to use again as late as possible, so late
// packets of an old SA rarely meet a new one under their index (and never under their SPI: its upper bits are random).
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "base/random.h"
#include "ipc/schema.h"

namespace sekisho::control {

class SaIds {
 public:
  explicit SaIds(uint32_t capacity = ipc::max_sas);

  std::optional<ipc::SaId> allocate();
  // An id that the dataplane turns out to hold. False where it is taken or out of range.
  bool claim(ipc::SaId id);
  // Of an id that is taken.
  void release(ipc::SaId id);
  size_t available() const { return available_; }

 private:
  std::deque<ipc::SaId> free_;  // may hold taken ids and an id twice: claim() does not look here
  std::vector<bool> taken_;
  size_t available_;
};

// An SPI for an inbound SA of that id: never one of the reserved 0..255 (RFC 4303 section 2.1).
uint32_t make_spi(ipc::SaId id, Random& random);

}  // namespace sekisho::control
