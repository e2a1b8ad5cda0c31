// A session against a zebra that the test plays.
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <string>
#include <vector>

#include "base/messages/routing.h"
#include "control/routing/zserv/session.h"

using namespace sekisho;
using namespace sekisho::zserv;

namespace {

struct Listener final : SessionListener {
  unsigned ups = 0, synchronizations = 0;
  std::vector<Route> routes;
  std::vector<Prefix> gone;
  std::vector<Notice> notices;
  std::vector<std::string> downs, failures;
  std::function<void()> on_up;

  void zebra_up() override {
    ++ups;
    if (on_up) on_up();
  }
  void zebra_synchronized() override { ++synchronizations; }
  void zebra_route(const Route& route) override { routes.push_back(route); }
  void zebra_route_gone(const Prefix& prefix) override { gone.push_back(prefix); }
  void zebra_notice(Notice notice, const Prefix&) override { notices.push_back(notice); }
  void zebra_down(const Error& error) override { downs.push_back(error.text()); }
  void zebra_unreachable(const Error& error) override { failures.push_back(error.text()); }
};

const Dialect debian12 = *Dialect::of({8, 4});

struct Lab {
  sd_event* loop = nullptr;
  Listener listener;
  bool reachable = true;
  unsigned connects = 0;
  UniqueFd vty, zserv;  // zebra's ends
  std::optional<Session> session;

  Lab() { REQUIRE(sd_event_new(&loop) >= 0); }
  ~Lab() {
    session.reset();
    sd_event_unref(loop);
  }
  void begin() {
    session.emplace(
        loop, [this](Door door) { return connect(door); }, listener,
        Session::Settings{.keep_seconds = 12, .retry = std::chrono::milliseconds(2)});
  }
  Result<UniqueFd> connect(Door door) {
    ++connects;
    if (!reachable) return fail(messages::zebra_lost, "nobody there");
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
    (door == Door::vty ? vty : zserv).reset(ends[1]);
    return UniqueFd(ends[0]);
  }
  bool until(const std::function<bool()>& condition) {
    const Instant deadline = MonotonicClock::now() + std::chrono::seconds(10);
    while (!condition()) {
      if (MonotonicClock::now() > deadline) return false;
      sd_event_run(loop, 10'000);
    }
    return true;
  }
  void say(const UniqueFd& to, ByteView bytes) {
    REQUIRE(::send(to.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size()));
  }
  void say_release(std::string_view text) {
    REQUIRE(until([&] { return bool(vty); }));
    say(vty, as_bytes(text));
  }
  void accept() {
    say_release(std::string_view("FRRouting 8.4.4 (gw).\n\0\0\0\0", 26));
    REQUIRE(until([&] { return listener.ups == 1; }));
  }
  // Everything that has come to zebra.
  Bytes heard(const UniqueFd& at) {
    Bytes all(1 << 20);
    const ssize_t got = ::recv(at.get(), all.data(), all.size(), 0);
    all.resize(got > 0 ? static_cast<size_t>(got) : 0);
    return all;
  }
};

Bytes joined(std::initializer_list<Bytes> parts) {
  Bytes all;
  for (const Bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

Route some_route() { return {.prefix = *Prefix::parse("10.77.1.0/24"), .next_hops = {{.link = 2}}, .distance = 40}; }

// zebra's word for a route of its own: the body is the same, the command is another.
Bytes redistributed(bool add) {
  Route route = some_route();
  route.type = RouteType::bgp;
  Bytes bytes = add_route(debian12, route);
  bytes[9] = add ? 30 : 31;
  return bytes;
}
const Bytes complaint = {0, 14, 254, 6, 0, 0, 0, 0, 0, 118, 2, 0, 0, 0};

}  // namespace

TEST_CASE("hello, our routes, then the question for all of zebra's", "[zserv]") {
  Lab lab;
  lab.listener.on_up = [&] {
    lab.session->add(some_route());
    lab.session->complete();
  };
  lab.begin();
  lab.accept();
  CHECK(lab.heard(lab.vty) == Bytes{'s', 'h', 'o', 'w', ' ', 'v', 'e', 'r', 's', 'i', 'o', 'n', 0});
  CHECK(lab.session->release() == Release{8, 4});
  Route own = some_route();
  own.type = RouteType::babel;
  CHECK(lab.heard(lab.zserv) ==
        joined({hello(debian12, RouteType::babel), ask_for_notices(debian12), keep_routes(debian12, 12),
                routes_follow(debian12, Family::ipv4), routes_follow(debian12, Family::ipv6), add_route(debian12, own),
                routes_complete(debian12, Family::ipv4), routes_complete(debian12, Family::ipv6),
                subscribe(debian12, Family::ipv4), subscribe(debian12, Family::ipv6), barrier()}));
  CHECK(lab.session->up());
  CHECK_FALSE(lab.session->synchronized());

  lab.say(lab.zserv, joined({redistributed(true), complaint}));
  REQUIRE(lab.until([&] { return lab.listener.synchronizations == 1; }));
  CHECK(lab.listener.routes.size() == 1);
  CHECK(lab.session->synchronized());
  lab.say(lab.zserv, redistributed(false));
  REQUIRE(lab.until([&] { return lab.listener.gone.size() == 1; }));

  lab.session->remove(own.prefix);
  lab.session->farewell();
  CHECK(lab.heard(lab.zserv) ==
        joined({delete_route(debian12, RouteType::babel, own.prefix), drop_routes_at_end(debian12)}));
}

TEST_CASE("a session that ends is begun again", "[zserv]") {
  Lab lab;
  lab.begin();
  lab.accept();
  SECTION("zebra goes") { lab.zserv.reset(); }
  SECTION("zebra says what cannot be") { lab.say(lab.zserv, Bytes{0, 5, 254, 6, 0, 0, 0, 0, 0, 0}); }
  SECTION("a route that does not fit to its last byte") {
    Bytes route = redistributed(true);
    ++route[1];
    route.push_back(0);
    lab.say(lab.zserv, route);
  }
  lab.vty.reset();
  REQUIRE(lab.until([&] { return lab.listener.downs.size() == 1; }));
  CHECK_FALSE(lab.session->up());
  CHECK(lab.listener.routes.empty());
  lab.say_release(std::string_view("FRRouting 8.4.4 (gw).\n\0\0\0\0", 26));
  CHECK(lab.until([&] { return lab.listener.ups == 2; }));
}

TEST_CASE("a zebra that is not there is said once", "[zserv]") {
  Lab lab;
  lab.reachable = false;
  lab.begin();
  REQUIRE(lab.until([&] { return lab.connects >= 5; }));
  CHECK(lab.listener.failures.size() == 1);
  lab.reachable = true;
  lab.accept();
}

TEST_CASE("a zebra of which nothing is known is not spoken to", "[zserv]") {
  Lab lab;
  lab.begin();
  SECTION("too old") { lab.say_release(std::string_view("FRRouting 7.5 (gw).\n\0\0\0\0", 24)); }
  SECTION("something else") { lab.say_release(std::string_view("BIRD 2.0\n\0\0\0\0", 13)); }
  SECTION("gone") {
    REQUIRE(lab.until([&] { return bool(lab.vty); }));
    lab.vty.reset();
  }
  SECTION("endless") {
    REQUIRE(lab.until([&] { return bool(lab.vty); }));
    lab.say(lab.vty, Bytes(8192, 'x'));
  }
  REQUIRE(lab.until([&] { return lab.listener.failures.size() == 1; }));
  CHECK_FALSE(lab.zserv);
  CHECK(lab.listener.ups == 0);
}

TEST_CASE("a zebra that does not read makes nobody wait", "[zserv]") {
  Lab lab;
  lab.begin();
  lab.accept();
  for (int i = 0; i < 20000; ++i) lab.session->add(some_route());
  CHECK(lab.session->up());
  // All of it comes when it reads.
  size_t heard = 0;
  REQUIRE(lab.until([&] {
    heard += lab.heard(lab.zserv).size();
    return heard >= 20000 * add_route(debian12, some_route()).size();
  }));
}
