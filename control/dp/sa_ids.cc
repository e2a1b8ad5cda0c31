#include "control/dp/sa_ids.h"

#include <bit>

namespace sekisho::control {

SaIds::SaIds(uint32_t capacity) : taken_(capacity), available_(capacity) {
  for (uint32_t id = 0; id < capacity; ++id) free_.emplace_back(id);
}

std::optional<ipc::SaId> SaIds::allocate() {
  while (!free_.empty()) {
    const ipc::SaId id = free_.front();
    free_.pop_front();
    if (taken_[id.value()]) continue;
    taken_[id.value()] = true;
    --available_;
    return id;
  }
  return {};
}

bool SaIds::claim(ipc::SaId id) {
  if (id.value() >= taken_.size() || taken_[id.value()]) return false;
  taken_[id.value()] = true;
  --available_;
  return true;
}

void SaIds::release(ipc::SaId id) {
  taken_[id.value()] = false;
  ++available_;
  free_.push_back(id);
}

uint32_t make_spi(ipc::SaId id, Random& random) {
  constexpr unsigned id_bits = std::countr_zero(ipc::max_sas);
  const auto high = static_cast<uint32_t>(1 + random.below((uint64_t{1} << (32 - id_bits)) - 1));
  return high << id_bits | id.value();
}

}  // namespace sekisho::control
