#include "dataplane/bench/routes.h"

#include <algorithm>
#include <random>
#include <unordered_set>

#include "dataplane/stage/wire.h"

namespace sekisho::dataplane::bench {
namespace {

struct Share {
  unsigned length;
  unsigned per_mille;
};
// Roughly what the reports on the global routing tables show (bgp.potaroo.net).
constexpr Share ipv4_lengths[] = {{24, 600}, {23, 105}, {22, 115}, {21, 50}, {20, 45}, {19, 28},
                                  {18, 17},  {17, 10},  {16, 20},  {15, 4},  {14, 3},  {13, 3}};

class Generator {
 public:
  uint32_t below(uint32_t limit) { return static_cast<uint32_t>(uint64_t{random_()} * limit >> 32); }
  unsigned ipv4_length() {
    uint32_t drawn = below(1000);
    for (const Share& share : ipv4_lengths) {
      if (drawn < share.per_mille) return share.length;
      drawn -= share.per_mille;
    }
    return ipv4_lengths[0].length;
  }
  uint32_t bits() { return random_(); }

 private:
  std::mt19937 random_{1};
};

// Unicast that is neither private nor for benchmarks; 20.0.0.0/8 to 191.0.0.0/8 leaves room enough.
bool usable(uint32_t address) {
  const uint32_t first = address >> 24;
  return first >= 20 && first < 192 && first != 127 && (address >> 16) != 0xa9fe;
}

std::vector<Prefix> ipv4_prefixes(unsigned count) {
  std::vector<Prefix> prefixes;
  std::unordered_set<uint64_t> taken;
  Generator generator;
  while (prefixes.size() < count) {
    const unsigned length = generator.ipv4_length();
    const uint32_t address = generator.bits() & ~(UINT32_MAX >> length);
    if (usable(address) && taken.insert(uint64_t{address} << 8 | length).second)
      prefixes.emplace_back(IpAddress::v4(Be32(address)), length);
  }
  return prefixes;
}

// rte_fib6 needs a second-level table for each /24, /32, /40, ... that longer prefixes are in, and has 32,767. A table
// drawn like the Internet's would need more of them than there are. So this is a regular one, of three to an
// allocation: for the /32, and for a /41 around its /48. No prefix begins with another's first host.
std::vector<Prefix> ipv6_prefixes(unsigned count) {
  constexpr unsigned most_allocations = 7936;
  const unsigned allocations = std::clamp(count / 8, 1u, most_allocations);
  std::vector<Prefix> prefixes;
  for (uint32_t i = 0; i < count; ++i) {
    const uint32_t allocation = i % allocations, index = i / allocations;
    std::array<uint8_t, 16> bytes{};
    store16(bytes.data(), 0x2400);
    store16(bytes.data() + 2, static_cast<uint16_t>(allocation));
    bytes[4] = index == 0 ? 0 : 0x35;
    bytes[5] = static_cast<uint8_t>(index < 2 ? 0 : index - 1);
    prefixes.emplace_back(*IpAddress::from_bytes(bytes), index == 0 ? 32 : index == 1 ? 41 : 48);
  }
  return prefixes;
}

}  // namespace

std::vector<Prefix> internet_prefixes(Family family, unsigned count) {
  auto prefixes = family == Family::ipv4 ? ipv4_prefixes(count) : ipv6_prefixes(count);
  std::ranges::shuffle(prefixes, std::mt19937(2));
  return prefixes;
}

}  // namespace sekisho::dataplane::bench
