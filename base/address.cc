#include "base/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cstdio>

namespace sekisho {
namespace {

struct AddressAndLength {
  IpAddress address;
  unsigned length;
};

// "ADDRESS/LENGTH"; a plain address has its full length.
std::optional<AddressAndLength> parse_with_length(std::string_view text) {
  const size_t slash = text.find('/');
  const auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) return {};
  if (slash == std::string_view::npos) return AddressAndLength{*address, address->bits()};
  const std::string_view digits = text.substr(slash + 1);
  unsigned length = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
  if (error != std::errc() || end != digits.data() + digits.size() || length > address->bits()) return {};
  if (digits.size() > 1 && digits[0] == '0') return {};
  return AddressAndLength{*address, length};
}

// The address with every bit past `length` set to `bit`.
IpAddress fill_host_bits(const IpAddress& address, unsigned length, bool bit) {
  std::array<uint8_t, 16> bytes{};
  std::ranges::copy(address.bytes(), bytes.begin());
  for (unsigned i = length / 8; i < address.size(); ++i) {
    const unsigned kept = length > 8 * i ? length - 8 * i : 0;
    const auto host = static_cast<uint8_t>(0xff >> kept);
    bytes[i] = static_cast<uint8_t>(bit ? bytes[i] | host : bytes[i] & ~host);
  }
  return *IpAddress::from_bytes({bytes.data(), address.size()});
}

}  // namespace

std::optional<IpAddress> IpAddress::from_bytes(ByteView bytes) {
  if (bytes.size() != 4 && bytes.size() != 16) return {};
  IpAddress result = any(bytes.size() == 4 ? Family::ipv4 : Family::ipv6);
  std::ranges::copy(bytes, result.bytes_.begin());
  return result;
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  const std::string terminated(text);
  if (terminated.size() != std::char_traits<char>::length(terminated.c_str())) return {};  // an embedded NUL
  std::array<uint8_t, 16> bytes{};
  if (inet_pton(AF_INET, terminated.c_str(), bytes.data()) == 1) return from_bytes({bytes.data(), 4});
  if (inet_pton(AF_INET6, terminated.c_str(), bytes.data()) == 1) return from_bytes({bytes.data(), 16});
  return {};
}

Be32 IpAddress::as_v4() const {
  assert(is_v4());
  uint32_t raw;
  std::memcpy(&raw, bytes_.data(), sizeof raw);
  return Be32::from_raw(raw);
}

bool IpAddress::is_any() const {
  return std::ranges::all_of(bytes(), [](uint8_t byte) { return byte == 0; });
}

std::string IpAddress::text() const {
  char text[INET6_ADDRSTRLEN];
  return inet_ntop(is_v4() ? AF_INET : AF_INET6, bytes_.data(), text, sizeof text);
}

Prefix::Prefix(IpAddress address, unsigned length)
    : address_(fill_host_bits(address, length, false)), length_(static_cast<uint8_t>(length)) {
  assert(length <= address.bits());
}

std::optional<Prefix> Prefix::parse(std::string_view text) {
  const auto parsed = parse_with_length(text);
  if (!parsed) return {};
  const Prefix prefix(parsed->address, parsed->length);
  if (prefix.address() != parsed->address) return {};
  return prefix;
}

IpAddress Prefix::last() const { return fill_host_bits(address_, length_, true); }

bool Prefix::contains(const IpAddress& address) const {
  return address.family() == family() && fill_host_bits(address, length_, false) == address_;
}

bool Prefix::contains(const Prefix& other) const { return other.length_ >= length_ && contains(other.address_); }

std::string Prefix::text() const { return address_.text() + "/" + std::to_string(length_); }

std::optional<InterfaceAddress> InterfaceAddress::parse(std::string_view text) {
  const auto parsed = parse_with_length(text);
  if (!parsed || text.find('/') == std::string_view::npos) return {};
  return InterfaceAddress{parsed->address, static_cast<uint8_t>(parsed->length)};
}

std::string InterfaceAddress::text() const { return address.text() + "/" + std::to_string(length); }

std::string Endpoint::text() const {
  const std::string host = address.is_v4() ? address.text() : "[" + address.text() + "]";
  return host + ":" + std::to_string(port);
}

std::string MacAddress::text() const {
  char text[18];
  std::snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", bytes[0], bytes[1], bytes[2], bytes[3], bytes[4],
                bytes[5]);
  return text;
}

}  // namespace sekisho
