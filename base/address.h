// Addresses, prefixes and endpoints. All of them hold bytes in network order and know their family.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/big_endian.h"
#include "base/bytes.h"

namespace sekisho {

enum class Family : uint8_t { ipv4 = 4, ipv6 = 6 };

class IpAddress {
 public:
  // 0.0.0.0
  constexpr IpAddress() = default;
  static constexpr IpAddress v4(Be32 address) {
    IpAddress result;
    const uint32_t host = address.host();
    for (size_t i = 0; i < 4; ++i) result.bytes_[i] = static_cast<uint8_t>(host >> (24 - 8 * i));
    return result;
  }
  // 4 or 16 bytes; nothing else is an address.
  static std::optional<IpAddress> from_bytes(ByteView bytes);
  // "10.9.1.1", "2001:db8::1"; no prefix length, no zone, no leading zeros in IPv4.
  static std::optional<IpAddress> parse(std::string_view text);
  static constexpr IpAddress any(Family family) {
    IpAddress result;
    result.family_ = family;
    return result;
  }

  constexpr Family family() const { return family_; }
  constexpr bool is_v4() const { return family_ == Family::ipv4; }
  constexpr size_t size() const { return is_v4() ? 4 : 16; }
  constexpr unsigned bits() const { return is_v4() ? 32 : 128; }
  ByteView bytes() const { return {bytes_.data(), size()}; }
  // Requires is_v4().
  Be32 as_v4() const;
  bool is_any() const;
  std::string text() const;

  friend constexpr auto operator<=>(const IpAddress&, const IpAddress&) = default;

 private:
  Family family_ = Family::ipv4;
  std::array<uint8_t, 16> bytes_{};
};

// An address and a length; the bits past the length are kept zero.
class Prefix {
 public:
  constexpr Prefix() = default;  // 0.0.0.0/0
  // Clears the host bits. length <= address.bits().
  Prefix(IpAddress address, unsigned length);
  // "10.2.0.0/16"; host bits must be zero; a plain address is a host prefix.
  static std::optional<Prefix> parse(std::string_view text);

  const IpAddress& address() const { return address_; }
  unsigned length() const { return length_; }
  Family family() const { return address_.family(); }
  IpAddress last() const;  // the highest address within
  bool contains(const IpAddress& address) const;
  bool contains(const Prefix& other) const;
  std::string text() const;

  friend constexpr auto operator<=>(const Prefix&, const Prefix&) = default;

 private:
  IpAddress address_;
  uint8_t length_ = 0;
};

// An interface address: the host bits are kept ("10.9.1.1/24").
struct InterfaceAddress {
  IpAddress address;
  uint8_t length = 0;

  static std::optional<InterfaceAddress> parse(std::string_view text);
  std::string text() const;
  friend constexpr auto operator<=>(const InterfaceAddress&, const InterfaceAddress&) = default;
};

struct Endpoint {
  IpAddress address;
  uint16_t port = 0;  // host order

  std::string text() const;  // "10.9.1.1:500", "[2001:db8::1]:500"
  friend constexpr auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

struct MacAddress {
  std::array<uint8_t, 6> bytes{};

  std::string text() const;
  friend constexpr auto operator<=>(const MacAddress&, const MacAddress&) = default;
};

}  // namespace sekisho
