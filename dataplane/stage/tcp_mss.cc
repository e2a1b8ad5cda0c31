#include "dataplane/stage/tcp_mss.h"

#include <bit>

namespace sekisho::dataplane {
namespace {

constexpr uint8_t end_of_options = 0, no_operation = 1, maximum_segment_size = 2, authentication = 29;
constexpr size_t mss_option_size = 4, checksum_offset = 16;

// At an odd place the octets of a word count for the other halves of the words that the sum is made of.
uint16_t word_at(size_t place, uint16_t value) { return place % 2 == 0 ? value : std::rotl(value, 8); }

// TCP-AO authenticates the other options too (RFC 5925 section 5.1): the peer would take a changed one for forged.
bool is_authenticated(const uint8_t* tcp, size_t end) {
  for (size_t at = tcp_header_size; at < end && tcp[at] != end_of_options;) {
    if (tcp[at] == authentication) return true;
    if (tcp[at] != no_operation && (end - at < 2 || tcp[at + 1] < 2)) return false;
    at += tcp[at] == no_operation ? 1u : tcp[at + 1];
  }
  return false;
}

}  // namespace

void clamp_mss(uint8_t* bytes, const IpHeader& header, MssLimits limits) {
  const uint16_t limit = header.family == 4 ? limits.ipv4 : limits.ipv6;
  if (limit == 0) return;
  uint8_t* tcp = bytes + header.header_length;
  const size_t available = size_t{header.length} - header.header_length;
  const size_t end = size_t{4} * (tcp[12] >> 4);
  if (end > available || is_authenticated(tcp, end)) return;
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
        patch_checksum(tcp + checksum_offset, word_at(at, announced), word_at(at, limit));
      }
    }
    at += size;
  }
}

}  // namespace sekisho::dataplane
