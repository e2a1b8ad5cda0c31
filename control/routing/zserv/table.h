// What zebra has said of routes: the best one for each prefix, whoever made it.
//
// When a session ends nothing is known to be wrong, so everything stays and is stale. What the next session says again
// is fresh. What is still stale goes by its kind: connected and kernel routes when the session has said all that zebra
// knows, static ones a little later (staticd comes back to a new zebra after ten seconds), those of routing protocols
// when the hold time is over, which gives them the time of a graceful restart (RFC 4724). What zebra takes back goes at
// once.
#pragma once

#include <array>
#include <map>
#include <optional>

#include "base/clock.h"
#include "control/routing/zserv/route.h"

namespace sekisho::zserv {

class Table {
 public:
  struct Entry {
    Route route;
    bool stale = false;
  };

  explicit Table(Duration hold = std::chrono::seconds(150)) : hold_(hold) {}

  // True where something about the ways of packets has changed.
  bool add(Route route);
  bool remove(const Prefix& prefix);
  void session_ended(Instant now);
  // All that zebra knew at the session's beginning has been said.
  bool dump_ended(Instant now);
  // Takes away what has been stale for too long.
  bool sweep(Instant now);
  std::optional<Instant> next_sweep() const;

  const std::map<Prefix, Entry>& routes() const { return routes_; }
  size_t stale() const { return stale_; }

 private:
  enum Kind : uint8_t { of_links, of_staticd, of_protocols, kinds };
  static Kind kind(RouteType type);
  void freshen(Entry& entry);
  bool drop_stale(Kind kind);

  Duration hold_;
  std::map<Prefix, Entry> routes_;
  size_t stale_ = 0;
  // When the stale ones of a kind go.
  std::array<std::optional<Instant>, kinds> sweep_at_;
};

}  // namespace sekisho::zserv
