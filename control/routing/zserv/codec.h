// zebra's messages to bytes and back. A message is a header of ten bytes (length, marker, version, VRF, command) and a
// body; all in network order but for what zebra copies as it stands in memory. zebra is another process: what it sends
// is read as carefully as what a stranger sends, and must fit to the last byte.
#pragma once

#include <span>
#include <variant>

#include "base/bytes.h"
#include "control/routing/zserv/route.h"

namespace sekisho::zserv {

inline constexpr size_t header_size = 10;
inline constexpr size_t max_next_hops = 256;  // of a route; zebra itself is built for no more

// What zebra has done with a route of ours (ROUTE_NOTIFY_OWNER).
enum class Notice : uint32_t { failed, lost_to_better, installed, removed, remove_failed };

struct RouteAdded {
  Route route;
};
struct RouteDeleted {
  Route route;
};
struct OwnerNotified {
  Notice notice{};
  Prefix prefix;
};
// The answer to a command that zebra does not know. Answers keep the order of the questions, so a nonsensical one marks
// the end of what an earlier question brought.
struct Barrier {};
// A message that is of no interest here.
struct Other {};
using FromZebra = std::variant<RouteAdded, RouteDeleted, OwnerNotified, Barrier, Other>;

// What comes in, cut into messages. Errors (SKO-RTG-011) are final: where the next message begins is not known any
// more.
class Stream {
 public:
  void append(ByteView bytes);
  // The next whole message, header included; empty where it is not there yet. Valid until the next call.
  Result<ByteView> next();

 private:
  Bytes data_;
  size_t at_ = 0;
};

// One message, as Stream cuts them. Errors: SKO-RTG-011.
Result<FromZebra> decode(const Dialect& dialect, ByteView message);

// HELLO as the owner of routes of that type; RouteType::system owns none.
Bytes hello(const Dialect& dialect, RouteType type);
Bytes ask_for_notices(const Dialect& dialect);
// All routes of a family, now and as they change.
Bytes subscribe(const Dialect& dialect, Family family);
Bytes barrier();
Bytes add_route(const Dialect& dialect, const Route& route);
// Names the route by type and prefix alone.
Bytes delete_route(const Dialect& dialect, RouteType type, const Prefix& prefix);

// What zebra does with our routes when the session ends (CLIENT_CAPABILITIES).
Bytes keep_routes(const Dialect& dialect, uint32_t seconds);   // for so long
Bytes routes_follow(const Dialect& dialect, Family family);    // after a restart: more than were said yet
Bytes routes_complete(const Dialect& dialect, Family family);  // those that were not said again are dropped
Bytes drop_routes_at_end(const Dialect& dialect);              // none is kept

}  // namespace sekisho::zserv
