#include "control/main/zebra.h"

#include <algorithm>
#include <utility>

#include "base/messages/routing.h"

namespace sekisho::control {
namespace {

// A link that has come up is in zebra's eyes so a moment later; what lasts longer is no matter of moments.
constexpr Duration again_soon = std::chrono::milliseconds(100);
constexpr Duration again_later = std::chrono::seconds(5);
constexpr unsigned rounds_until_said = 20;
constexpr Duration dump_interval = std::chrono::minutes(1);

}  // namespace

Zebra::Zebra(sd_event* loop, zserv::Connect connect, ZebraHost& host, const Settings& settings)
    : host_(host),
      settings_(settings),
      table_(settings.hold, settings.room),
      sweep_timer_(loop, [this] { sweep(); }),
      again_timer_(loop, [this] { say_again(); }),
      dump_timer_(loop, [this] { begin_anew(); }),
      session_(loop, std::move(connect), *this, {.own_type = settings.own_type}) {}

Zebra::State Zebra::state() const {
  if (session_.synchronized()) return State::synchronized;
  return session_.up() ? State::synchronizing : State::connecting;
}

void Zebra::set_hold(Duration hold) {
  table_.set_hold(hold);
  arm_sweep();
}

void Zebra::want(OwnRoutes routes) {
  const OwnRoutes before = std::exchange(own_, std::move(routes));
  for (const auto& [prefix, route] : before) {
    const auto now = own_.find(prefix);
    if (now == own_.end())
      take_back(prefix);
    else if (now->second != route)
      void_word(prefix);
  }
  if (!std::exchange(own_known_, true)) {
    if (session_.up()) say_all();
    return;
  }
  if (!session_.up()) return;
  for (const auto& [prefix, route] : own_)
    if (const auto old = before.find(prefix); old == before.end() || old->second != route) session_.add(route);
}

void Zebra::withdraw(const Prefix& prefix) {
  if (own_.erase(prefix) > 0) take_back(prefix);
}

void Zebra::take_back(const Prefix& prefix) {
  if (session_.up()) session_.remove(prefix);
  void_word(prefix);
}

// What zebra has said of a route as it was is void, whether it can be told or not.
void Zebra::void_word(const Prefix& prefix) {
  installed_.erase(prefix);
  refused_.erase(prefix);
  const auto known = table_.routes().find(prefix);
  if (known == table_.routes().end() || known->second.route.type != settings_.own_type) return;
  table_.remove(prefix);
  changed();
}

void Zebra::say_all() {
  for (const auto& [prefix, route] : own_) session_.add(route);
  session_.complete();
}

void Zebra::zebra_up() {
  installed_.clear();
  refused_.clear();
  table_.dump_begins();
  if (own_known_) say_all();
}

void Zebra::zebra_synchronized() {
  known_ = true;
  table_.dump_ended(MonotonicClock::now());
  arm_sweep();
  ask_again();
  host_.zebra_changed();
}

void Zebra::zebra_route(const zserv::Route& route) {
  const bool complete = table_.left_out() == 0;
  if (table_.add(route)) changed();
  if (complete && table_.left_out() > 0)
    host_.zebra_failed({&messages::zebra_routes_left_out,
                        route.prefix.text() + " comes after " + std::to_string(table_.routes().size()) + " others"});
}

// A neighbour whose routes come and go does not make it a habit.
void Zebra::ask_again() {
  if (table_.needs_dump() && !dump_timer_.armed()) dump_timer_.set(std::max(MonotonicClock::now(), next_dump_));
}

void Zebra::begin_anew() {
  if (!session_.up() || !table_.needs_dump()) return;
  next_dump_ = MonotonicClock::now() + dump_interval;
  session_.begin_anew();
}

void Zebra::zebra_route_gone(const Prefix& prefix) {
  if (table_.remove(prefix)) changed();
  ask_again();
}

// While the first dump comes in, nothing is made of half of it.
void Zebra::changed() {
  if (known_) host_.zebra_changed();
}

void Zebra::zebra_notice(zserv::Notice notice, const Prefix& prefix) {
  if (!own_.contains(prefix)) return;
  if (notice == zserv::Notice::installed) {
    installed_.insert(prefix);
    refused_.erase(prefix);
    refusals_ = 0;
    return;
  }
  installed_.erase(prefix);
  if (notice != zserv::Notice::failed) return;
  refused_.insert(prefix);
  if (!again_timer_.armed()) again_timer_.set_in(refusals_ < rounds_until_said ? again_soon : again_later);
}

void Zebra::say_again() {
  if (!session_.up() || refused_.empty()) return;
  if (++refusals_ == rounds_until_said) {
    std::string which = refused_.begin()->text();
    if (refused_.size() > 1) which += " and " + std::to_string(refused_.size() - 1) + " others";
    host_.zebra_failed({&messages::zebra_refuses, std::move(which)});
  }
  for (const Prefix& prefix : std::exchange(refused_, {})) {
    session_.remove(prefix);
    session_.add(own_.at(prefix));
  }
}

void Zebra::zebra_down(const Error& error) {
  installed_.clear();
  refused_.clear();
  table_.session_ended(MonotonicClock::now());
  arm_sweep();
  host_.zebra_failed(error);
  if (table_.stale() == 0) forget();  // nothing will time out
}

void Zebra::zebra_unreachable(const Error& error) { host_.zebra_failed(error); }

void Zebra::arm_sweep() {
  if (const auto at = table_.next_sweep())
    sweep_timer_.set(*at);
  else
    sweep_timer_.cancel();
}

void Zebra::sweep() {
  const bool swept = table_.sweep(MonotonicClock::now());
  arm_sweep();
  ask_again();
  // Nothing is left of what it said, and it is not there to say more.
  if (known_ && state() != State::synchronized && table_.stale() == 0) return forget();
  if (swept) host_.zebra_changed();
}

void Zebra::forget() {
  if (std::exchange(known_, false)) host_.zebra_changed();
}

}  // namespace sekisho::control
