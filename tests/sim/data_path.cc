#include "tests/sim/data_path.h"

#include "crypto/ike/prf.h"

namespace sekisho::sim {

// splitmix64 (Vigna, public domain reference values): every bit of the seed matters from the first output on.
void SeededRandom::fill(std::span<uint8_t> out) {
  for (uint8_t& byte : out) {
    state_ += 0x9e3779b97f4a7c15;
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    byte = static_cast<uint8_t>((z ^ (z >> 31)) >> 32);
  }
}

std::optional<uint32_t> DataPath::allocate_inbound_spi() {
  if (installed_.size() + reserved_.size() >= capacity) return {};
  uint32_t spi = next_spi == 0 ? 0 : next_spi++;
  while (spi < 256 || installed_.contains(spi) || reserved_.contains(spi)) spi = random_.next_u32();
  reserved_.insert(spi);
  return spi;
}

void DataPath::release_inbound_spi(uint32_t spi) {
  if (reserved_.erase(spi) != 1) throw Violation("an SPI was released that is not reserved");
}

void DataPath::take(const ike::InstallChildSa& action) {
  if (reserved_.erase(action.inbound.spi) != 1)
    throw Violation("an SA was installed under an SPI that is not reserved");
  if (action.inbound.key_material.size() != info(action.suite).key_material() ||
      action.outbound.key_material.size() != info(action.suite).key_material())
    throw Violation("key material has the wrong length");
  Installed sa{.connection = action.connection,
               .child = action.child,
               .inbound_spi = action.inbound.spi,
               .outbound_spi = action.outbound.spi,
               .inbound_key = crypto::sha1({action.inbound.key_material.view()}),
               .outbound_key = crypto::sha1({action.outbound.key_material.view()}),
               .encapsulated = action.udp_encapsulation,
               .local = action.local,
               .remote = action.remote,
               .local_selectors = action.local_selectors,
               .remote_selectors = action.remote_selectors,
               .soft_packets = action.soft_packets,
               .hard_packets = action.hard_packets};
  if (action.soft_packets > action.hard_packets || action.soft_bytes > action.hard_bytes)
    throw Violation("a soft limit lies behind the hard one");
  if (!outbound_keys_.insert(sa.outbound_key).second) throw Violation("an outbound key was installed twice");
  if (action.outbound_active) sends_on_[{action.connection, action.child}] = action.inbound.spi;
  installed_.emplace(action.inbound.spi, std::move(sa));
}

void DataPath::take(const ike::UpdateChildSa& action) {
  Installed* sa = find(action.inbound_spi);
  if (!sa) throw Violation("an SA was moved that is not installed");
  sa->local = action.local;
  sa->remote = action.remote;
  sa->encapsulated = action.udp_encapsulation;
}

void DataPath::take(const ike::ActivateOutbound& action) {
  const auto found = installed_.find(action.inbound_spi);
  if (found == installed_.end()) throw Violation("an SA was activated that is not installed");
  sends_on_[{found->second.connection, found->second.child}] = action.inbound_spi;
}

void DataPath::take(const ike::RemoveChildSa& action) {
  if (installed_.erase(action.inbound_spi) != 1) throw Violation("an SA was removed that is not installed");
  gaps += std::erase_if(sends_on_, [&](const auto& entry) { return entry.second == action.inbound_spi; });
}

DataPath::Installed* DataPath::find(uint32_t inbound_spi) {
  const auto found = installed_.find(inbound_spi);
  return found == installed_.end() ? nullptr : &found->second;
}

const DataPath::Installed* DataPath::sends_on(const std::string& connection, const std::string& child) const {
  const auto spi = sends_on_.find({connection, child.empty() ? connection : child});
  if (spi == sends_on_.end()) return nullptr;
  const auto found = installed_.find(spi->second);
  return found == installed_.end() ? nullptr : &found->second;
}

}  // namespace sekisho::sim
