#include "control/transport/framing.h"

#include <algorithm>
#include <array>

namespace sekisho::control {
namespace {

constexpr std::array<uint8_t, 4> non_esp_marker{};

}  // namespace

Datagram classify(uint16_t local_port, ByteView data) {
  using Kind = Datagram::Kind;
  if (local_port != ike_nat_port) return {data.empty() ? Kind::malformed : Kind::ike, data};
  if (data.size() == 1 && data[0] == nat_keepalive) return {Kind::keepalive, {}};
  if (data.size() <= non_esp_marker.size()) return {Kind::malformed, {}};
  const ByteView start = data.first(non_esp_marker.size());
  if (!std::ranges::equal(start, non_esp_marker)) return {Kind::esp, {}};
  return {Kind::ike, data.subspan(non_esp_marker.size())};
}

Bytes frame(uint16_t local_port, ByteView message) {
  Bytes framed;
  framed.reserve(non_esp_marker.size() + message.size());
  if (local_port == ike_nat_port) framed.assign(non_esp_marker.begin(), non_esp_marker.end());
  framed.insert(framed.end(), message.begin(), message.end());
  return framed;
}

}  // namespace sekisho::control
