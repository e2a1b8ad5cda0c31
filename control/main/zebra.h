// FRR beside this gateway: what its zebra knows of routes, and what it is told of ours.
//
// Ours are the prefixes behind tunnels that are up. zebra neither notices that their interface goes down nor tries
// again what it could not install, so a route is taken back with its tunnel, and said again where zebra refused it: it
// may not have seen yet that the interface is up.
#pragma once

#include <map>
#include <optional>
#include <set>

#include "control/loop/loop.h"
#include "control/routing/zserv/session.h"
#include "control/routing/zserv/table.h"

namespace sekisho::control {

class ZebraHost {
 public:
  virtual ~ZebraHost() = default;
  // What is known of routes has changed.
  virtual void zebra_changed() = 0;
  virtual void zebra_failed(const Error& error) = 0;
};

class Zebra final : private zserv::SessionListener {
 public:
  struct Settings {
    zserv::RouteType own_type = zserv::RouteType::babel;
    Duration hold = std::chrono::seconds(150);
    zserv::Table::Room room = {};
  };
  enum class State : uint8_t { connecting, synchronizing, synchronized };
  // By prefix: a link, with the distance, metric and tag that zebra is to know.
  using OwnRoutes = std::map<Prefix, zserv::Route>;

  Zebra(sd_event* loop, zserv::Connect connect, ZebraHost& host, const Settings& settings);

  State state() const;
  // What it has said of routes, now or in a session that ended less than the hold time ago; nullptr where its word is
  // not known.
  const zserv::Table* table() const { return known_ ? &table_ : nullptr; }
  std::optional<zserv::Release> release() const { return session_.release(); }
  zserv::RouteType own_type() const { return settings_.own_type; }
  // Of ours: those it is told, and those that are in the kernel by its word.
  size_t told() const { return own_.size(); }
  size_t installed() const { return installed_.size(); }

  // want() has been called.
  bool own_known() const { return own_known_; }

  void set_hold(Duration hold);
  // From now on these are our routes. Those of an earlier process stay in zebra until the first call.
  void want(OwnRoutes routes);
  // It is none of ours any more, at once.
  void withdraw(const Prefix& prefix);
  // Our routes are to go when the session ends.
  void farewell() { session_.farewell(); }

 private:
  void zebra_up() override;
  void zebra_synchronized() override;
  void zebra_route(const zserv::Route& route) override;
  void zebra_route_gone(const Prefix& prefix) override;
  void zebra_notice(zserv::Notice notice, const Prefix& prefix) override;
  void zebra_down(const Error& error) override;
  void zebra_unreachable(const Error& error) override;
  void say_all();
  void take_back(const Prefix& prefix);
  void void_word(const Prefix& prefix);
  void changed();
  void sweep();
  void forget();
  void say_again();
  void arm_sweep();
  void ask_again();
  void begin_anew();

  ZebraHost& host_;
  Settings settings_;
  zserv::Table table_;
  Timer sweep_timer_;
  Timer again_timer_;
  Timer dump_timer_;
  Instant next_dump_{};
  OwnRoutes own_;
  bool own_known_ = false;  // own_ is what is wanted, not just nothing yet
  std::set<Prefix> installed_;
  std::set<Prefix> refused_;  // to be said again
  unsigned refusals_ = 0;     // rounds in a row
  bool known_ = false;
  zserv::Session session_;
};

}  // namespace sekisho::control
