#include "dataplane/bench/addresses.h"

#include "dataplane/stage/wire.h"

namespace sekisho::dataplane::bench {
namespace {

Prefix net(Side side, Family family, unsigned tunnel, unsigned length4, unsigned length6) {
  if (family == Family::ipv4) {
    const uint32_t first = side == Side::ours ? 0x0a400000 : 0x0a800000;
    return {IpAddress::v4(Be32(first + (tunnel << 8))), length4};
  }
  std::array<uint8_t, 16> bytes = {0xfd, 0, 0, static_cast<uint8_t>(side == Side::ours ? 1 : 2)};
  store16(bytes.data() + 4, static_cast<uint16_t>(tunnel));
  return {*IpAddress::from_bytes(bytes), length6};
}

}  // namespace

Prefix tunnel_net(Side side, Family family, unsigned tunnel) { return net(side, family, tunnel, 24, 48); }

Prefix all_tunnel_nets(Side side, Family family) { return net(side, family, 0, 10, 32); }

IpAddress host_in(const Prefix& net) {
  std::array<uint8_t, 16> bytes{};
  const ByteView first = net.address().bytes();
  std::copy(first.begin(), first.end(), bytes.begin());
  bytes[first.size() - 1] |= 1;
  return *IpAddress::from_bytes({bytes.data(), first.size()});
}

}  // namespace sekisho::dataplane::bench
