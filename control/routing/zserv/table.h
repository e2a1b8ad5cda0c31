// What zebra has said of routes: the best one for each prefix, whoever made it.
//
// When a session ends nothing is known to be wrong, so everything stays and is stale. What the next session says again
// is fresh. What is still stale goes by its kind: connected and kernel routes when the session has said all that zebra
// knows, static ones a little later (staticd comes back to a new zebra after ten seconds), and all once they have been
// stale for the hold time, which gives those of routing protocols the time of a graceful restart (RFC 4724). What zebra
// takes back goes at once.
//
// A table that is full leaves new routes out and keeps those it has. What was left out comes with another dump, for
// which there is a reason once the table has room again.
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
    std::optional<Instant> stale_since;  // nothing: this session has said it
  };

  // How many routes it holds at most of each family. Those of links always find room.
  struct Room {
    size_t ipv4 = size_t{1} << 20, ipv6 = size_t{1} << 18;
  };

  explicit Table(Duration hold = std::chrono::seconds(150)) : Table(hold, Room{}) {}
  Table(Duration hold, Room room) : hold_(hold), room_(room) {}

  // True where something about the ways of packets has changed.
  bool add(Route route);
  bool remove(const Prefix& prefix);
  // From now on zebra says all that it knows.
  void dump_begins() { left_out_ = {}; }
  void session_ended(Instant now);
  // All that zebra knew at the session's beginning has been said.
  bool dump_ended(Instant now);
  // Takes away what has been stale for too long.
  bool sweep(Instant now);
  std::optional<Instant> next_sweep() const;

  const std::map<Prefix, Entry>& routes() const { return routes_; }
  size_t stale() const { return stale_; }
  // Counts for what is stale already, too.
  void set_hold(Duration hold) { hold_ = hold; }
  // How often a route found no room since the dump began, and whether there is room now for what that may have been.
  size_t left_out() const { return left_out_[0] + left_out_[1]; }
  bool needs_dump() const;

 private:
  enum class Kind : uint8_t { of_links, of_staticd, of_protocols };
  static Kind kind(RouteType type);
  void freshen(Entry& entry);
  template <typename Condition>
  bool drop_stale(const Condition& goes);
  size_t room(Family family) const { return family == Family::ipv4 ? room_.ipv4 : room_.ipv6; }
  static size_t at(Family family) { return family == Family::ipv4 ? 0 : 1; }

  Duration hold_;
  Room room_;
  std::map<Prefix, Entry> routes_;
  size_t stale_ = 0;
  std::array<size_t, 2> held_{}, left_out_{};  // by family
  std::optional<Instant> oldest_;              // no stale one is older
  std::optional<Instant> staticd_is_back_;     // by then, and says its routes again
};

}  // namespace sekisho::zserv
