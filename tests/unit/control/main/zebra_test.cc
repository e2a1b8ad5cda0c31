// What is made of zebra's word, and what it is told, against a zebra that the test plays.
#include "control/main/zebra.h"

#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "base/messages/routing.h"

using namespace sekisho;
using namespace sekisho::control;
using zserv::RouteType;

namespace {

const zserv::Dialect debian12 = *zserv::Dialect::of({8, 4});

Prefix prefix(const char* text) { return *Prefix::parse(text); }
zserv::Route route(const char* to, uint32_t link, uint8_t distance = 1) {
  return {.prefix = prefix(to), .next_hops = {{.link = link}}, .distance = distance};
}

struct Lab final : ZebraHost {
  sd_event* loop = nullptr;
  UniqueFd vty, socket;  // zebra's ends
  unsigned sessions = 0, changes = 0;
  std::vector<std::string> failures;
  std::optional<Zebra> zebra;

  explicit Lab(Duration hold = std::chrono::seconds(150), zserv::Table::Room room = {}) {
    REQUIRE(sd_event_new(&loop) >= 0);
    zebra.emplace(
        loop, [this](zserv::Door door) { return connect(door); }, *this, Zebra::Settings{.hold = hold, .room = room});
  }
  ~Lab() override {
    zebra.reset();
    sd_event_unref(loop);
  }
  void zebra_changed() override { ++changes; }
  void zebra_failed(const Error& error) override { failures.push_back(error.text()); }

  Result<UniqueFd> connect(zserv::Door door) {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
    if (door == zserv::Door::zserv) ++sessions;
    (door == zserv::Door::vty ? vty : socket).reset(ends[1]);
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
  void say(const Bytes& bytes) {
    REQUIRE(::send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size()));
  }
  void accept() {
    const unsigned before = sessions;
    REQUIRE(until([&] { return bool(vty); }));
    REQUIRE(::send(vty.get(), "FRRouting 8.4.4 (gw).\n\0\0\0\0", 26, MSG_NOSIGNAL) == 26);
    REQUIRE(until([&] { return sessions == before + 1; }));
    vty.reset();
  }
  void synchronize() {
    say({0, 14, 254, 6, 0, 0, 0, 0, 0, 118, 2, 0, 0, 0});
    REQUIRE(until([&] { return zebra->state() == Zebra::State::synchronized; }));
  }
  // zebra says a route, or takes it back.
  void redistribute(RouteType type, const char* to, bool add = true) {
    zserv::Route said = route(to, 2, 20);
    said.type = type;
    Bytes bytes = zserv::add_route(debian12, said);
    bytes[9] = add ? 30 : 31;
    say(bytes);
  }
  void notify(const char* about, zserv::Notice notice) {
    const Prefix about_prefix = prefix(about);
    Bytes bytes = {0, 26, 254, 6, 0, 0, 0, 0, 0, 10, static_cast<uint8_t>(notice), 0, 0, 0, 2};
    bytes.push_back(static_cast<uint8_t>(about_prefix.length()));
    const auto octets = about_prefix.address().bytes();
    bytes.insert(bytes.end(), octets.begin(), octets.end());
    for (const uint8_t rest : {0, 0, 0, 254, 1, 1}) bytes.push_back(rest);
    say(bytes);
  }
  // What has come to zebra since the last call.
  Bytes heard() {
    Bytes all(1 << 16);
    const ssize_t got = ::recv(socket.get(), all.data(), all.size(), 0);
    all.resize(got > 0 ? static_cast<size_t>(got) : 0);
    return all;
  }
};

Bytes joined(std::initializer_list<Bytes> parts) {
  Bytes all;
  for (const Bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}
Bytes added(const char* to, uint32_t link, uint8_t distance = 1) {
  zserv::Route own = route(to, link, distance);
  own.type = RouteType::babel;
  return zserv::add_route(debian12, own);
}
Bytes deleted(const char* to) { return zserv::delete_route(debian12, RouteType::babel, prefix(to)); }
Bytes complete() {
  return joined({zserv::routes_complete(debian12, Family::ipv4), zserv::routes_complete(debian12, Family::ipv6)});
}

}  // namespace

TEST_CASE("our routes of an earlier process stay in zebra until it is known which are wanted", "[zebra]") {
  Lab lab;
  lab.accept();
  lab.heard();
  lab.zebra->want({{prefix("10.1.0.0/24"), route("10.1.0.0/24", 5)}, {prefix("10.2.0.0/24"), route("10.2.0.0/24", 6)}});
  CHECK(lab.heard() == joined({added("10.1.0.0/24", 5), added("10.2.0.0/24", 6), complete()}));
  // From then on what differs.
  lab.zebra->want(
      {{prefix("10.2.0.0/24"), route("10.2.0.0/24", 6, 9)}, {prefix("10.3.0.0/24"), route("10.3.0.0/24", 7)}});
  CHECK(lab.heard() == joined({deleted("10.1.0.0/24"), added("10.2.0.0/24", 6, 9), added("10.3.0.0/24", 7)}));
  lab.zebra->withdraw(prefix("10.2.0.0/24"));
  lab.zebra->withdraw(prefix("10.2.0.0/24"));
  CHECK(lab.heard() == deleted("10.2.0.0/24"));
  CHECK(lab.zebra->told() == 1);
}

TEST_CASE("all of ours is said to a zebra that comes back", "[zebra]") {
  Lab lab;
  lab.zebra->want({{prefix("10.1.0.0/24"), route("10.1.0.0/24", 5)}});
  lab.accept();
  const Bytes heard = lab.heard();
  const Bytes ours = joined({added("10.1.0.0/24", 5), complete()});
  CHECK(std::search(heard.begin(), heard.end(), ours.begin(), ours.end()) != heard.end());
  lab.notify("10.1.0.0/24", zserv::Notice::installed);
  REQUIRE(lab.until([&] { return lab.zebra->installed() == 1; }));
  lab.socket.reset();
  REQUIRE(lab.until([&] { return lab.zebra->state() == Zebra::State::connecting; }));
  CHECK(lab.zebra->installed() == 0);
  CHECK(lab.failures.size() == 1);
  lab.accept();
  const Bytes again = lab.heard();
  CHECK(std::search(again.begin(), again.end(), ours.begin(), ours.end()) != again.end());
}

TEST_CASE("a route that zebra refuses is said anew", "[zebra]") {
  Lab lab;
  lab.zebra->want({{prefix("10.1.0.0/24"), route("10.1.0.0/24", 5)}});
  lab.accept();
  lab.heard();
  lab.notify("10.1.0.0/24", zserv::Notice::failed);
  lab.notify("10.9.0.0/24", zserv::Notice::failed);  // none of ours
  Bytes heard;
  REQUIRE(lab.until([&] { return !(heard = lab.heard()).empty(); }));
  CHECK(heard == joined({deleted("10.1.0.0/24"), added("10.1.0.0/24", 5)}));
  CHECK(lab.failures.empty());
}

TEST_CASE("zebra's word counts once it is whole, and for as long as it is held", "[zebra]") {
  Lab lab(std::chrono::seconds(3));  // the session is tried again after half a second
  lab.accept();
  lab.redistribute(RouteType::bgp, "10.7.0.0/16");
  lab.redistribute(RouteType::connect, "10.8.0.0/16");
  REQUIRE(lab.until([&] { return lab.zebra->state() == Zebra::State::synchronizing; }));
  CHECK(lab.zebra->table() == nullptr);
  lab.synchronize();
  REQUIRE(lab.zebra->table() != nullptr);
  CHECK(lab.zebra->table()->routes().size() == 2);
  CHECK(lab.changes == 1);
  lab.redistribute(RouteType::bgp, "10.9.0.0/16");
  REQUIRE(lab.until([&] { return lab.changes == 2; }));
  lab.socket.reset();
  REQUIRE(lab.until([&] { return lab.zebra->state() == Zebra::State::connecting; }));
  REQUIRE(lab.zebra->table() != nullptr);
  CHECK(lab.zebra->table()->routes().size() == 3);
  CHECK(lab.zebra->table()->stale() == 3);

  SECTION("it is back and says less: what is not said again goes when the hold time is over") {
    lab.accept();
    lab.redistribute(RouteType::bgp, "10.7.0.0/16");
    lab.synchronize();
    REQUIRE(lab.zebra->table() != nullptr);
    CHECK(lab.zebra->table()->routes().contains(prefix("10.9.0.0/16")));
    CHECK_FALSE(lab.zebra->table()->routes().contains(prefix("10.8.0.0/16")));
    REQUIRE(lab.until([&] { return lab.zebra->table()->routes().size() == 1; }));
    CHECK(lab.zebra->table()->routes().contains(prefix("10.7.0.0/16")));
  }
  SECTION("it stays away") {
    const unsigned before = lab.changes;
    REQUIRE(lab.until([&] { return lab.zebra->table() == nullptr; }));
    CHECK(lab.changes > before);
  }
}

TEST_CASE("what is withdrawn is no route any more, whoever still says so", "[zebra]") {
  Lab lab;
  lab.zebra->want({{prefix("10.1.0.0/24"), route("10.1.0.0/24", 5)}});
  lab.accept();
  lab.redistribute(RouteType::babel, "10.1.0.0/24");
  lab.redistribute(RouteType::bgp, "10.7.0.0/16");
  lab.synchronize();
  lab.socket.reset();
  REQUIRE(lab.until([&] { return lab.zebra->state() == Zebra::State::connecting; }));
  lab.zebra->withdraw(prefix("10.1.0.0/24"));
  lab.zebra->withdraw(prefix("10.7.0.0/16"));  // another's
  CHECK(lab.zebra->table()->routes().size() == 1);
  CHECK(lab.zebra->table()->routes().contains(prefix("10.7.0.0/16")));
}

TEST_CASE("a flood of routes is told once, and all are asked for again once it is over", "[zebra]") {
  Lab lab(std::chrono::seconds(150), {.ipv4 = 2, .ipv6 = 2});
  lab.accept();
  for (const char* each : {"10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16", "10.4.0.0/16"})
    lab.redistribute(RouteType::bgp, each);
  lab.synchronize();
  CHECK(lab.zebra->table()->routes().size() == 2);
  CHECK(lab.zebra->table()->left_out() == 2);
  REQUIRE(lab.failures.size() == 1);
  CHECK(lab.failures[0].starts_with(messages::zebra_routes_left_out.id));
  lab.redistribute(RouteType::bgp, "10.2.0.0/16", false);
  REQUIRE(lab.until([&] { return lab.zebra->state() == Zebra::State::connecting; }));
  CHECK(lab.zebra->table()->routes().contains(prefix("10.1.0.0/16")));
  lab.accept();
  lab.redistribute(RouteType::bgp, "10.3.0.0/16");
  lab.synchronize();
  CHECK(lab.zebra->table()->routes().contains(prefix("10.3.0.0/16")));
}

TEST_CASE("what zebra said of a route of ours that leads elsewhere now is void until it says it anew", "[zebra]") {
  Lab lab;
  lab.zebra->want({{prefix("10.1.0.0/24"), route("10.1.0.0/24", 5)}, {prefix("10.2.0.0/24"), route("10.2.0.0/24", 5)}});
  lab.accept();
  lab.redistribute(RouteType::babel, "10.1.0.0/24");
  lab.redistribute(RouteType::babel, "10.2.0.0/24");
  lab.synchronize();
  REQUIRE(lab.zebra->table()->routes().size() == 2);
  lab.heard();
  const unsigned before = lab.changes;
  lab.zebra->want({{prefix("10.1.0.0/24"), route("10.1.0.0/24", 6)}, {prefix("10.2.0.0/24"), route("10.2.0.0/24", 5)}});
  // It is replaced, not withdrawn: whoever announces it sees no gap.
  CHECK(lab.heard() == added("10.1.0.0/24", 6));
  CHECK(lab.zebra->table()->routes().size() == 1);
  CHECK(lab.zebra->table()->routes().contains(prefix("10.2.0.0/24")));
  CHECK(lab.changes == before + 1);
  lab.redistribute(RouteType::babel, "10.1.0.0/24");
  REQUIRE(lab.until([&] { return lab.zebra->table()->routes().size() == 2; }));
}
