// What the running bfdd of 8.4.4 and 10.3 said, what a hostile one may say, and what follows for a tunnel.
#include <sys/socket.h>

#include <catch2/catch.hpp>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "base/messages/routing.h"
#include "control/routing/bfd/probe.h"
#include "control/routing/bfd/session_watch.h"

using namespace sekisho;
using namespace sekisho::bfd;
using namespace std::chrono_literals;

namespace {

const std::string of_8_4 = R"([
  {"multihop":false,"peer":"169.254.9.9","vrf":"default","interface":"vti0","id":734312132,"remote-id":0,
   "passive-mode":false,"status":"shutdown","diagnostic":"ok","remote-diagnostic":"ok","receive-interval":300},
  {"multihop":false,"peer":"fd00:99::2","local":"fd00:99::1","vrf":"default","interface":"vti0","id":1047943137,
   "remote-id":1047943137,"passive-mode":false,"status":"up","uptime":3,"diagnostic":"ok","remote-diagnostic":"ok"},
  {"multihop":false,"peer":"169.254.1.2","vrf":"default","interface":"vti0","id":2479053529,"remote-id":1638761638,
   "status":"down","downtime":4,"diagnostic":"control detection time expired","remote-diagnostic":"ok"}
])";
const std::string of_10_3 = R"([{"multihop":false,"peer":"169.254.1.1","vrf":"default","interface":"vti0",
  "id":1638761638,"remote-id":0,"passive-mode":false,"status":"init","downtime":1,"diagnostic":"ok",
  "remote-diagnostic":"ok","type":"configured","receive-interval":150,"rtt-min":0}])";

const Session up{
    .peer = *IpAddress::parse("169.254.1.2"), .interface = "vti0", .status = Status::up, .id = 7, .diagnostic = "ok"};

Session with(Session session, Status status, uint32_t id = 7) {
  session.status = status;
  session.id = id;
  return session;
}

// A session's text with one member replaced.
std::string session_text(const std::string& key, const nlohmann::json& value) {
  nlohmann::json session = nlohmann::json::parse(of_10_3)[0];
  session[key] = value;
  return nlohmann::json::array({session}).dump();
}

using State = Probe::State;

// A probe under a clock that the test turns, which hears bfdd ten times a second.
struct Lab {
  Instant now{};
  Probe probe;

  explicit Lab(State initial) : probe(initial, now) {}
  State hear(const std::vector<Session>& sessions, Duration time = 100ms) {
    for (const Instant end = now + time; now < end;) {
      now += 100ms;
      probe.heard(sessions, now);
    }
    return probe.state();
  }
  State silence(Duration time) {
    for (const Instant end = now + time; now < end;) {
      now += 100ms;
      probe.unheard(now);
    }
    return probe.state();
  }
};

// bfdd: a connection for each question.
struct Vty {
  sd_event* loop = nullptr;
  std::vector<UniqueFd> ends;
  bool reachable = true;
  std::vector<Result<std::vector<Session>>> told;
  bool enough = false;
  std::optional<SessionWatch> watch;

  Vty() {
    REQUIRE(sd_event_new(&loop) >= 0);
    watch.emplace(
        loop,
        [this]() -> Result<UniqueFd> {
          if (!reachable) return fail(messages::bfdd_silent, "nobody there");
          int pair[2];
          REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0);
          ends.emplace_back(pair[1]);
          return UniqueFd(pair[0]);
        },
        [this](const Result<std::vector<Session>>& said) {
          told.push_back(said);
          if (enough) watch->want(false);
        });
  }
  ~Vty() {
    watch.reset();
    sd_event_unref(loop);
  }
  void run_until(const std::function<bool()>& done) {
    bool over = false;
    for (int i = 0; i < 300 && !(over = done()); ++i) sd_event_run(loop, 10'000);
    REQUIRE(over);
  }
  void run_for(Duration time) {
    for (const Instant end = MonotonicClock::now() + time; MonotonicClock::now() < end;) sd_event_run(loop, 10'000);
  }
  void await_question(size_t number) {
    run_until([&] { return ends.size() == number; });
    await_command("enable");
    REQUIRE(::send(ends.back().get(), "\0\0\0\0", 4, MSG_NOSIGNAL) == 4);
    await_command("show bfd peers json");
  }
  void await_command(const std::string& command) {
    char chunk[64];
    ssize_t got = 0;
    run_until([&] { return (got = ::recv(ends.back().get(), chunk, sizeof chunk, 0)) > 0; });
    CHECK(std::string(chunk, static_cast<size_t>(got)) == command + '\0');
  }
  void answer(const std::string& text) {
    const std::string all = text + std::string(4, '\0');
    REQUIRE(::send(ends.back().get(), all.data(), all.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(all.size()));
    const size_t before = told.size();
    run_until([&] { return told.size() > before; });
  }
};

}  // namespace

TEST_CASE("sessions are read as either release says them", "[bfd]") {
  const auto old = read_sessions(of_8_4);
  REQUIRE(old);
  REQUIRE(old->size() == 3);
  CHECK(old->at(0).status == Status::shutdown);
  CHECK(old->at(1).peer == IpAddress::parse("fd00:99::2"));
  CHECK(old->at(1).status == Status::up);
  CHECK(old->at(2) == Session{.peer = *IpAddress::parse("169.254.1.2"),
                              .interface = "vti0",
                              .status = Status::down,
                              .id = 2479053529,
                              .diagnostic = "control detection time expired"});
  const auto recent = read_sessions(of_10_3);
  REQUIRE(recent);
  CHECK(recent->at(0).status == Status::init);
  CHECK(read_sessions("[]")->empty());
  nlohmann::json anywhere = nlohmann::json::parse(of_10_3);
  anywhere[0].erase("interface");
  CHECK(read_sessions(anywhere.dump())->at(0).interface.empty());
}

TEST_CASE("what is no list of sessions is refused whole", "[bfd]") {
  for (const std::string& text : {std::string(),
                                  std::string("% Unknown command"),
                                  std::string("{}"),
                                  std::string("[1]"),
                                  std::string("[{}]"),
                                  std::string("[null]"),
                                  std::string("[[]]"),
                                  session_text("peer", 5),
                                  session_text("peer", "vti0"),
                                  session_text("peer", nullptr),
                                  session_text("interface", 5),
                                  session_text("status", "UP"),
                                  session_text("status", true),
                                  session_text("status", nullptr),
                                  session_text("id", -1),
                                  session_text("id", "7"),
                                  session_text("id", 1.5),
                                  session_text("id", uint64_t{1} << 32),
                                  session_text("diagnostic", 0),
                                  session_text("diagnostic", nullptr),
                                  session_text("diagnostic", "\x1b[2J"),
                                  session_text("diagnostic", std::string(65, 'x'))}) {
    INFO(text);
    const auto sessions = read_sessions(text);
    REQUIRE_FALSE(sessions);
    CHECK(sessions.error().message == &messages::bfdd_silent);
  }
}

TEST_CASE("what would be far more in memory, or nests too deep, is not parsed", "[bfd]") {
  CHECK(read_sessions("[" + std::string(40 * max_sessions, ',') + "]").error().detail.starts_with("more than"));
  CHECK(read_sessions(std::string(9, '[') + std::string(9, ']')).error().detail == "JSON of more than 8 levels");
  std::string many = "[";
  for (size_t i = 0; i <= max_sessions; ++i) many += "1,";
  CHECK(read_sessions(many + "1]").error().detail == "more than 5000 sessions");
}

TEST_CASE("a tunnel that has come up is unproven until its session is up, and fails if that takes long", "[bfd]") {
  Lab lab(State::unproven);
  CHECK_FALSE(lab.probe.passes());
  CHECK(lab.hear({with(up, Status::down)}, 2s) == State::unproven);
  CHECK(lab.hear({with(up, Status::init)}) == State::unproven);
  CHECK(lab.hear({up}) == State::answering);
  CHECK(lab.probe.passes());

  Lab never(State::unproven);
  CHECK(never.hear({with(up, Status::down)}, 5s) == State::unproven);
  CHECK(never.hear({with(up, Status::down)}) == State::failing);
  CHECK(never.hear({up}) == State::answering);
}

TEST_CASE("a session that was up and is not fails its probe at once", "[bfd]") {
  for (const Status status : {Status::down, Status::init, Status::shutdown}) {
    Lab lab(State::unproven);
    CHECK(lab.hear({up}) == State::answering);
    CHECK(lab.hear({with(up, status)}) == State::failing);
    CHECK(lab.probe.session()->status == status);
    CHECK(lab.hear({with(up, Status::init)}) == State::failing);
    CHECK(lab.hear({up}) == State::answering);
  }
}

TEST_CASE("of several sessions with one peer one that is up is enough", "[bfd]") {
  Lab lab(State::unproven);
  const Session other = with(up, Status::down, 8);
  CHECK(lab.hear({other, up}) == State::answering);
  // The one that was up speaks for them all, wherever it stands.
  CHECK(lab.hear({other, with(up, Status::down)}) == State::failing);
  CHECK(lab.probe.session()->id == 7);
  CHECK(lab.hear({with(other, Status::up, 8), with(up, Status::down)}) == State::answering);
}

TEST_CASE("a restart of bfdd says nothing of the tunnel, in whatever pieces it is seen", "[bfd]") {
  Lab lab(State::unproven);
  CHECK(lab.hear({up}, 1s) == State::answering);
  CHECK(lab.silence(4900ms) == State::answering);
  CHECK(lab.hear({}, 300ms) == State::answering);  // not configured yet
  CHECK(lab.hear({with(up, Status::down, 8)}, 2s) == State::answering);
  CHECK(lab.hear({with(up, Status::up, 8)}) == State::answering);
  // The new session counts as the old one did.
  CHECK(lab.hear({with(up, Status::down, 8)}) == State::failing);

  // So fast that no question found it gone.
  Lab fast(State::unproven);
  CHECK(fast.hear({up}) == State::answering);
  CHECK(fast.hear({with(up, Status::down, 8)}, 4s) == State::answering);
  CHECK(fast.hear({with(up, Status::up, 8)}) == State::answering);
}

TEST_CASE("a new session that does not come up fails its probe after all", "[bfd]") {
  Lab lab(State::answering);
  CHECK(lab.hear({with(up, Status::down, 8)}, 5s) == State::answering);
  CHECK(lab.hear({with(up, Status::down, 8)}) == State::failing);

  Lab gone(State::unproven);
  CHECK(gone.hear({up}) == State::answering);
  CHECK(gone.hear({}, 5s) == State::answering);
  CHECK(gone.hear({}) == State::failing);
  CHECK_FALSE(gone.probe.session());
  CHECK(gone.hear({with(up, Status::down, 8)}) == State::failing);
  CHECK(gone.hear({with(up, Status::up, 8)}) == State::answering);
}

TEST_CASE("bfdd's last word holds for five seconds, then it counts for nothing", "[bfd]") {
  for (const State before : {State::unproven, State::answering, State::failing}) {
    Lab lab(before);
    CHECK(lab.silence(4900ms) == before);
    CHECK(lab.silence(100ms) == State::unheard);
    CHECK(lab.probe.passes());
  }
  // Heard again, a session has as much time to come up as a new tunnel's; the one that was up has none.
  Lab lab(State::unproven);
  CHECK(lab.hear({up}) == State::answering);
  CHECK(lab.silence(1h) == State::unheard);
  CHECK(lab.hear({with(up, Status::down, 8)}, 5s) == State::unheard);
  CHECK(lab.hear({with(up, Status::down, 8)}) == State::failing);
  CHECK(lab.silence(1min) == State::unheard);
  CHECK(lab.hear({with(up, Status::down, 9)}, 4s) == State::unheard);
  CHECK(lab.hear({with(up, Status::up, 9)}) == State::answering);
  CHECK(lab.silence(1min) == State::unheard);
  CHECK(lab.hear({with(up, Status::down, 9)}) == State::failing);
}

TEST_CASE("bfdd is asked again and again, one question at a time, while somebody wants to know", "[bfd]") {
  Vty vty;
  vty.run_for(200ms);
  CHECK(vty.ends.empty());
  vty.watch->want(true);
  vty.await_question(1);
  vty.run_for(300ms);
  CHECK(vty.ends.size() == 1);
  const Instant answered = MonotonicClock::now();
  vty.answer(of_8_4);
  REQUIRE(vty.told.back());
  CHECK(vty.told.back()->size() == 3);
  vty.watch->want(true);
  vty.await_question(2);
  CHECK(MonotonicClock::now() - answered >= 100ms);
  vty.answer("nonsense");
  CHECK(vty.told.back().error().message == &messages::bfdd_silent);
  vty.await_question(3);
  vty.enough = true;
  vty.answer("[]");
  vty.run_for(300ms);
  CHECK(vty.ends.size() == 3);
  CHECK(vty.told.size() == 3);
}

TEST_CASE("a bfdd that is not there, or hangs, is told of, and asked again", "[bfd]") {
  Vty vty;
  vty.reachable = false;
  vty.watch->want(true);
  CHECK(vty.told.empty());
  vty.run_until([&] { return vty.told.size() == 3; });
  CHECK(vty.told.back().error().detail == "nobody there");
  vty.reachable = true;
  vty.await_question(1);
  vty.run_until([&] { return vty.told.back().error().detail != "nobody there"; });
  CHECK(vty.told.back().error().detail == "no answer in time: show bfd peers json");
  vty.await_question(2);
  // One who wants no more hears no more of what was asked.
  vty.watch->want(false);
  const size_t before = vty.told.size();
  vty.run_for(200ms);
  CHECK(vty.told.size() == before);
}
