// A session with zebra: finds out its release, says hello, asks for all routes, and cuts what comes into routes. One
// after the other: a session that ends is begun again after a moment, for ever.
//
//   zebra.vty   show version ->  <- release         the connection is closed again
//   zserv.api   HELLO, notices please, keep our routes, more follow ->
//               what the owner of our routes says (up) ->   and when it has said all of them, complete ->
//               subscribe IPv4, IPv6, nonsense ->   <- every route, ..., ERROR (synchronized)   <- changes
//
// zebra does not say that its dump is over. It answers in the order of the questions, so its complaint about nonsense
// that follows the last question marks the end.
//
// Attack surface: zebra is another process, of another user. Each message is decoded strictly, and one that does not
// fit ends the session; the next one is begun later each time that this happens, after up to a minute.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/unique_fd.h"
#include "control/loop/loop.h"
#include "control/routing/zserv/codec.h"

namespace sekisho::zserv {

class SessionListener {
 public:
  virtual ~SessionListener() = default;
  // Routes of ours may be sent.
  virtual void zebra_up() = 0;
  virtual void zebra_synchronized() = 0;
  // Routes for packets from some source only are left out.
  virtual void zebra_route(const Route& route) = 0;
  virtual void zebra_route_gone(const Prefix& prefix) = 0;
  virtual void zebra_notice(Notice notice, const Prefix& prefix) = 0;
  // A session that was up is over.
  virtual void zebra_down(const Error& error) = 0;
  // None came up; it is tried again. Said once for a run of equal failures.
  virtual void zebra_unreachable(const Error& error) = 0;
};

// zebra's two sockets.
enum class Door : uint8_t { zserv, vty };
// Connects without waiting, to a socket that does not block.
using Connect = std::function<Result<UniqueFd>(Door)>;

class Session {
 public:
  struct Settings {
    RouteType own_type = RouteType::babel;
    uint32_t keep_seconds = 120;  // how long zebra keeps our routes where this process ends without a word
    Duration retry = std::chrono::milliseconds(500);
  };

  // Begins in the loop; the listener is called from there alone.
  Session(sd_event* loop, Connect connect, SessionListener& listener, Settings settings);

  bool up() const { return phase_ >= Phase::dumping; }
  bool synchronized() const { return phase_ == Phase::synchronized; }
  std::optional<Release> release() const;
  // While up(). The route's type is settings.own_type.
  void add(const Route& route);
  void remove(const Prefix& prefix);
  // While up(), once in a session: what was added in it is all. Routes that are left from an earlier session go.
  void complete();
  // While up(): ends the session, and with the next one zebra says all that it knows.
  void begin_anew();
  // zebra is to drop our routes when the session ends; for an end that is meant.
  void farewell();

 private:
  enum class Phase : uint8_t { down, asking_release, dumping, synchronized };

  void connect();
  void read_release();
  void greet(Dialect dialect);
  void ready(uint32_t events);
  void read();
  bool take(const FromZebra& message);
  void send(const Bytes& message);
  void flush();
  void watch();
  void end(const Error& error);

  sd_event* loop_;
  Connect connect_;
  SessionListener& listener_;
  Settings settings_;
  Duration retry_;  // until the next one
  control::Timer retry_timer_;
  control::Watch watch_;
  UniqueFd socket_;
  Phase phase_ = Phase::down;
  std::string banner_;  // what `show version` has answered so far
  std::optional<Dialect> dialect_;
  Stream incoming_;
  Bytes outgoing_;
  bool watching_output_ = false;
  std::string last_failure_;
};

}  // namespace sekisho::zserv
