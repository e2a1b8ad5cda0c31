#include "control/routing/zserv/dialect.h"

#include <array>
#include <charconv>

#include "base/messages/routing.h"

namespace sekisho::zserv {
namespace {

// Releases whose commands have the same numbers.
enum Band : uint8_t { from_8_2, from_9_1, from_10_0, from_10_2, bands };

constexpr uint16_t numbers[][bands] = {
    {8, 8, 9, 9},          // route_add
    {9, 9, 10, 10},        // route_delete
    {10, 10, 11, 11},      // route_notify_owner
    {11, 11, 12, 12},      // redistribute_add
    {18, 18, 19, 19},      // hello
    {30, 30, 31, 31},      // redistribute_route_add
    {31, 31, 32, 32},      // redistribute_route_delete
    {118, 117, 118, 120},  // error
    {119, 118, 119, 121},  // client_capabilities
    {124, 123, 124, 126},  // route_notify_request
};

constexpr std::string_view names[] = {
    "system", "kernel", "connected", "local",      "static",        "rip",        "ripng",          "ospf",
    "ospf6",  "isis",   "bgp",       "pim",        "eigrp",         "nhrp",       "hsls",           "olsr",
    "table",  "ldp",    "vnc",       "vnc-direct", "vnc-direct-rh", "bgp-direct", "bgp-direct-ext", "babel",
    "sharp",  "pbr",    "bfd",       "openfabric", "vrrp",          "nhg",        "srte",           "table-direct"};
constexpr uint8_t types = std::size(names);
constexpr auto last_of_9 = static_cast<uint8_t>(RouteType::srte);
constexpr auto local = static_cast<uint8_t>(RouteType::local);

Band band(Release release) {
  if (release < Release{9, 1}) return from_8_2;
  if (release < Release{10, 0}) return from_9_1;
  return release < Release{10, 2} ? from_10_0 : from_10_2;
}

std::optional<unsigned> take_number(std::string_view& text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || value > 1000) return {};
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return value;
}

}  // namespace

std::string Release::text() const { return std::to_string(major) + "." + std::to_string(minor); }

std::optional<Release> parse_release(std::string_view text) {
  constexpr std::string_view product = "FRRouting ";
  const size_t at = text.find(product);
  if (at == std::string_view::npos) return {};
  text.remove_prefix(at + product.size());
  const auto major = take_number(text);
  if (!major || !text.starts_with('.')) return {};
  text.remove_prefix(1);
  const auto minor = take_number(text);
  if (!minor) return {};
  return Release{*major, *minor};
}

std::string_view name(RouteType type) { return names[static_cast<uint8_t>(type) % types]; }

Result<Dialect> Dialect::of(Release release) {
  if (release < Release{8, 2}) return fail(messages::zebra_too_old, "FRR " + release.text());
  return Dialect(release);
}

uint16_t Dialect::number(Command command) const { return numbers[static_cast<uint8_t>(command)][band(release_)]; }

std::optional<Command> Dialect::command(uint16_t number) const {
  for (uint8_t i = 0; i < std::size(numbers); ++i)
    if (numbers[i][band(release_)] == number) return static_cast<Command>(i);
  return {};
}

// 10.0 put `local` between the others; before, all that come after it were one less.
uint8_t Dialect::number(RouteType type) const {
  const auto value = static_cast<uint8_t>(type);
  if (release_.major >= 10 || value < local) return value;
  return value == local || value > last_of_9 ? 0 : static_cast<uint8_t>(value - 1);
}

RouteType Dialect::route_type(uint8_t number) const {
  if (release_.major < 10) {
    if (number >= local) ++number;
    if (number > last_of_9) return RouteType::system;
  }
  return number < types ? static_cast<RouteType>(number) : RouteType::system;
}

uint8_t Dialect::every_route_type() const { return release_.major < 10 ? 30 : 32; }

}  // namespace sekisho::zserv
