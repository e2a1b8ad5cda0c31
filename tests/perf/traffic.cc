#include "tests/perf/traffic.h"

#include <algorithm>
#include <random>

namespace sekisho::perf {
namespace {

void write_be16(uint8_t* out, uint32_t value) {
  out[0] = static_cast<uint8_t>(value >> 8);
  out[1] = static_cast<uint8_t>(value);
}

std::vector<uint16_t> sizes_of(const FrameMix& mix, size_t count) {
  if (mix.size != 0) return std::vector<uint16_t>(count, mix.size);
  constexpr uint16_t imix[] = {64, 64, 64, 64, 64, 64, 64, 570, 570, 570, 570, 1418};
  std::vector<uint16_t> sizes(count);
  for (size_t i = 0; i < count; ++i) sizes[i] = imix[i % std::size(imix)];
  std::ranges::shuffle(sizes, std::mt19937(1));
  return sizes;
}

}  // namespace

std::vector<PacketPlan> plan_packets(const FrameMix& mix, size_t count, unsigned tunnels) {
  std::vector<PacketPlan> plans;
  uint16_t tunnel = 0;
  for (const uint16_t size : sizes_of(mix, count)) {
    plans.push_back({size, tunnel});
    tunnel = static_cast<uint16_t>((tunnel + 1u) % tunnels);
  }
  return plans;
}

EspLayout::EspLayout(EspSuite suite, uint16_t frame) : inner(static_cast<uint16_t>(frame - ethernet_size)) {
  const EspSuiteInfo& suite_info = info(suite);
  padding = static_cast<uint8_t>(-(inner + 2) & (suite_info.block - 1));
  esp = static_cast<uint16_t>(esp_size + suite_info.iv + inner + padding + 2 + suite_info.icv);
}

// Port p is 02:00:00:00:00:0p; what stands behind it 02:00:00:00:01:0p.
void write_ethernet(uint8_t* out, uint8_t port) {
  const uint8_t header[ethernet_size] = {2, 0, 0, 0, 0, port, 2, 0, 0, 0, 1, port, 8, 0};
  std::ranges::copy(header, out);
}

void write_ipv4(uint8_t* out, uint32_t source, uint32_t destination, uint8_t protocol, uint16_t length) {
  const uint8_t start[12] = {0x45, 0, 0, 0, 0, 0, 0, 0, 64, protocol, 0, 0};
  std::ranges::copy(start, out);
  write_be16(out + 2, length);
  write_be32(out + 12, source);
  write_be32(out + 16, destination);
  uint32_t sum = 0;
  for (size_t i = 0; i < ipv4_size; i += 2) sum += static_cast<uint32_t>(out[i] << 8 | out[i + 1]);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  write_be16(out + 10, ~sum);
}

void write_trailer(uint8_t* out, uint8_t padding) {
  for (uint8_t i = 1; i <= padding; ++i) *out++ = i;
  out[0] = padding;
  out[1] = 4;
}

void write_be32(uint8_t* out, uint32_t value) {
  write_be16(out, value >> 16);
  write_be16(out + 2, value);
}

}  // namespace sekisho::perf
