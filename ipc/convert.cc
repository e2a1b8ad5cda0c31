#include "ipc/convert.h"

#include <algorithm>

namespace sekisho::ipc {

std::optional<IpAddress> to_address(const Address& address) {
  if (address.family != 4 && address.family != 6) return {};
  return IpAddress::from_bytes(ByteView(address.bytes).first(address.family == 4 ? 4 : 16));
}

Address from_address(const IpAddress& address) {
  Address result;
  result.family = static_cast<uint8_t>(address.family());
  std::ranges::copy(address.bytes(), result.bytes.begin());
  return result;
}

}  // namespace sekisho::ipc
