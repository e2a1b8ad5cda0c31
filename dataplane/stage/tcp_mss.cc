#include "dataplane/stage/tcp_mss.h"

#include <bit>

namespace sekisho::dataplane {
namespace {

constexpr uint8_t end_of_options = 0, no_operation = 1, maximum_segment_size = 2;
constexpr size_t mss_option_size = 4, checksum_offset = 16;

// A 16-bit word of the packet changes (RFC 1624 equation 3). At an odd place its octets count for the other halves of
// the words that the sum is made of.
void patch_checksum(uint8_t* checksum, uint16_t before, uint16_t after, bool odd_place) {
  if (odd_place) {
    before = std::rotl(before, 8);
    after = std::rotl(after, 8);
  }
  const uint32_t sum = static_cast<uint16_t>(~load16(checksum)) + uint32_t{static_cast<uint16_t>(~before)} + after;
  store16(checksum, static_cast<uint16_t>(~fold(sum)));
}

}  // namespace

void clamp_mss(uint8_t* bytes, const IpHeader& header, MssLimits limits) {
  const uint16_t limit = header.family == 4 ? limits.ipv4 : limits.ipv6;
  if (limit == 0) return;
  uint8_t* tcp = bytes + header.header_length;
  const size_t available = size_t{header.length} - header.header_length;
  const size_t end = size_t{4} * (tcp[12] >> 4);
  if (end > available) return;
  for (size_t at = tcp_header_size; at < end && tcp[at] != end_of_options;) {
    if (tcp[at] == no_operation) {
      ++at;
      continue;
    }
    if (end - at < 2 || tcp[at + 1] < 2 || tcp[at + 1] > end - at) return;
    const size_t size = tcp[at + 1];
    if (tcp[at] == maximum_segment_size && size == mss_option_size) {
      uint8_t* value = tcp + at + 2;
      if (const uint16_t announced = load16(value); announced > limit) {
        store16(value, limit);
        patch_checksum(tcp + checksum_offset, announced, limit, at % 2 != 0);
      }
    }
    at += size;
  }
}

}  // namespace sekisho::dataplane
