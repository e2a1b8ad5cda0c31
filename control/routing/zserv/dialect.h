// What zebra's messages look like, release by release. Every FRR since 7.5 says "version 6" in each message and yet
// numbers its commands and lays out its bodies in its own way; all of it follows from the release, which zebra names
// on its other socket (zebra.vty, `show version`).
//
// Source of the numbers: lib/zclient.h, lib/zclient.c and lib/route_types.txt of the releases 8.2 to 10.7, and the
// messages of the running zebra of 8.4.4, 9.1.3, 10.3 and 10.7.1.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/message.h"

namespace sekisho::zserv {

struct Release {
  unsigned major = 0, minor = 0;

  std::string text() const;  // "8.4"
  friend auto operator<=>(const Release&, const Release&) = default;
};

// From what `show version` says: "FRRouting 8.4.4 (gw) on Linux(6.1.0)."; nothing where that is not there.
std::optional<Release> parse_release(std::string_view text);

// The messages that are sent or read here; all others are skipped.
enum class Command : uint8_t {
  route_add,
  route_delete,
  route_notify_owner,
  redistribute_add,
  hello,
  redistribute_route_add,
  redistribute_route_delete,
  error,
  client_capabilities,
  route_notify_request,
};

// Who made a route, in the numbers of 10.x.
enum class RouteType : uint8_t {
  system,
  kernel,
  connect,
  local,
  static_route,
  rip,
  ripng,
  ospf,
  ospf6,
  isis,
  bgp,
  pim,
  eigrp,
  nhrp,
  hsls,
  olsr,
  table,
  ldp,
  vnc,
  vnc_direct,
  vnc_direct_rh,
  bgp_direct,
  bgp_direct_ext,
  babel,
  sharp,
  pbr,
  bfd,
  openfabric,
  vrrp,
  nhg,
  srte,
  table_direct,
};
std::string_view name(RouteType type);  // "bgp", as zebra writes it

class Dialect {
 public:
  // Releases since 8.2; a newer one than is known is spoken to like the newest that is known, and its messages are
  // read as strictly: one that does not fit exactly ends the session.
  // Errors: SKO-RTG-010 where the release is too old.
  static Result<Dialect> of(Release release);

  const Release& release() const { return release_; }
  uint16_t number(Command command) const;
  std::optional<Command> command(uint16_t number) const;
  // A type that the release does not know is 0 (system).
  uint8_t number(RouteType type) const;
  RouteType route_type(uint8_t number) const;
  uint8_t every_route_type() const;  // ZEBRA_ROUTE_ALL, in subscriptions

  // HELLO asks for notices to the owner of a route; later releases have a message for that.
  bool hello_asks_for_notices() const { return release_.major < 10; }
  bool labels_have_a_type() const { return release_ >= Release{9, 0}; }
  bool wide_weights() const { return release_ >= Release{10, 1}; }
  bool notices_have_a_source() const { return release_ >= Release{10, 3}; }

 private:
  explicit Dialect(Release release) : release_(release) {}
  Release release_;
};

}  // namespace sekisho::zserv
