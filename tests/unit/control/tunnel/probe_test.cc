#include "control/tunnel/probe.h"

#include <catch2/catch.hpp>
#include <set>
#include <vector>

using namespace std::chrono_literals;

namespace sekisho::control {
namespace {

using State = Probe::State;

struct CountingRandom final : Random {
  uint8_t next = 0;
  void fill(std::span<uint8_t> out) override {
    for (uint8_t& byte : out) byte = next;
    ++next;
  }
};

// A probe under a clock that the test turns, with a request each second.
struct Lab {
  Instant now{};
  CountingRandom random;
  Probe probe;

  explicit Lab(State initial = State::unproven, Probe::Settings settings = {.interval = 1s, .timeout = 500ms})
      : probe(settings, initial, now) {}
  Probe::Request send() {
    const auto request = probe.step(now, random);
    REQUIRE(request);
    return *request;
  }
  bool answer(const Probe::Request& request) { return probe.answered(request.sequence, request.token, now); }
  // A request, its answer or none, and the time until the next one.
  State round(bool answered) {
    const Probe::Request request = send();
    if (answered) CHECK(answer(request));
    now += 500ms;
    CHECK_FALSE(probe.step(now, random));
    now += 500ms;
    return probe.state();
  }
};

}  // namespace

TEST_CASE("a tunnel is unproven until its first answer") {
  Lab lab;
  CHECK(lab.probe.next_deadline() == lab.now);
  const Probe::Request request = lab.send();
  CHECK(lab.probe.state() == State::unproven);
  lab.now += 40ms;
  CHECK(lab.answer(request));
  CHECK(lab.probe.state() == State::answering);
  CHECK(lab.probe.counts().round_trip == 40ms);
}

TEST_CASE("what an unproven tunnel lost does not count once it has answered") {
  Lab lab;
  CHECK(lab.round(false) == State::unproven);
  CHECK(lab.round(false) == State::unproven);
  CHECK(lab.round(true) == State::answering);
  CHECK(lab.round(false) == State::answering);
  CHECK(lab.round(false) == State::answering);
  CHECK(lab.round(false) == State::failing);
}

TEST_CASE("so many lost of the last ones, and it fails; so many answers in a row, and it does not") {
  Lab lab(State::answering);
  CHECK(lab.round(false) == State::answering);
  CHECK(lab.round(true) == State::answering);
  CHECK(lab.round(false) == State::answering);
  CHECK(lab.round(true) == State::answering);
  CHECK(lab.round(false) == State::failing);  // 3 of the last 5
  CHECK(lab.probe.lost_lately() == 3);
  CHECK(lab.round(true) == State::failing);
  CHECK(lab.round(true) == State::failing);
  CHECK(lab.round(false) == State::failing);
  CHECK(lab.round(true) == State::failing);
  CHECK(lab.round(true) == State::failing);
  CHECK(lab.round(true) == State::answering);
  // What was lost before does not count again.
  CHECK(lab.round(false) == State::answering);
  CHECK(lab.round(false) == State::answering);
  CHECK(lab.round(false) == State::failing);
}

TEST_CASE("losses that lie farther apart than the window do not add up") {
  Lab lab(State::answering);
  for (int i = 0; i < 20; ++i) {
    CHECK(lab.round(false) == State::answering);
    CHECK(lab.round(false) == State::answering);
    for (int j = 0; j < 3; ++j) CHECK(lab.round(true) == State::answering);
  }
}

TEST_CASE("one loss may be enough, and the widest window is counted whole") {
  Lab strict(State::answering, {.interval = 1s, .timeout = 500ms, .loss = 1, .of = 1});
  CHECK(strict.round(false) == State::failing);
  CHECK(strict.round(true) == State::answering);
  Lab wide(State::answering, {.interval = 1s, .timeout = 500ms, .loss = 64, .of = 64});
  for (int i = 0; i < 63; ++i) CHECK(wide.round(false) == State::answering);
  CHECK(wide.round(false) == State::failing);
}

TEST_CASE("only what repeats the token of a request that is waited for is an answer, and once") {
  Lab lab(State::answering);
  const Probe::Request request = lab.send();
  Probe::Token other = request.token;
  other.back() ^= 1;
  CHECK_FALSE(lab.probe.answered(request.sequence, other, lab.now));
  CHECK_FALSE(lab.probe.answered(request.sequence + 1, request.token, lab.now));
  CHECK_FALSE(lab.probe.answered(request.sequence, ByteView(request.token).first(15), lab.now));
  CHECK_FALSE(lab.probe.answered(request.sequence, {}, lab.now));
  CHECK(lab.answer(request));
  CHECK_FALSE(lab.answer(request));
  CHECK(lab.probe.counts().answered == 1);
  lab.now += 1s;
  const Probe::Request late = lab.send();
  lab.now += 500ms;
  CHECK_FALSE(lab.probe.step(lab.now, lab.random));
  CHECK_FALSE(lab.answer(late));  // it has been counted as lost
  CHECK(lab.probe.counts().lost == 1);
}

TEST_CASE("an answer that was there in time counts though the loop was late") {
  Lab lab(State::answering);
  const Probe::Request request = lab.send();
  lab.now += 10s;
  CHECK(lab.answer(request));
  lab.send();
  CHECK(lab.probe.counts().lost == 0);
}

TEST_CASE("a loop that was late sends one request, not all that it missed") {
  Lab lab(State::answering);
  lab.send();
  lab.now += 100s;
  lab.send();
  CHECK_FALSE(lab.probe.step(lab.now, lab.random));
  CHECK(lab.probe.counts().sent == 2);
  CHECK(lab.probe.counts().lost == 1);
  CHECK(lab.probe.state() == State::answering);
}

TEST_CASE("a clock that stands still sends nothing twice and loses nothing") {
  Lab lab(State::answering);
  lab.send();
  for (int i = 0; i < 100; ++i) CHECK_FALSE(lab.probe.step(lab.now, lab.random));
  CHECK(lab.probe.counts().lost == 0);
  CHECK(lab.probe.next_deadline() > lab.now);
}

TEST_CASE("a long timeout has several requests on their way, each with a token of its own") {
  Lab lab(State::answering, {.interval = 100ms, .timeout = 1s});
  std::vector<Probe::Request> requests;
  for (int i = 0; i < 10; ++i) {
    requests.push_back(lab.send());
    lab.now += 100ms;
  }
  std::set<Probe::Token> tokens;
  for (const Probe::Request& request : requests) tokens.insert(request.token);
  CHECK(tokens.size() == requests.size());
  for (auto each = requests.rbegin(); each != requests.rend(); ++each) CHECK(lab.answer(*each));  // in any order
  CHECK(lab.probe.counts().answered == 10);
}

TEST_CASE("sequence numbers go round") {
  Lab lab(State::answering);
  for (int i = 0; i < 65537; ++i) {
    CHECK(lab.answer(lab.send()));
    lab.now += 1s;
  }
  CHECK(lab.probe.state() == State::answering);
}

TEST_CASE("what cannot be sent is lost, and what is on its way is not") {
  Lab lab(State::answering, {.interval = 1s, .timeout = 10s});
  const Probe::Request first = lab.send();
  for (int i = 0; i < 3; ++i) {
    lab.now += 1s;
    lab.send();
    lab.probe.not_sent();
  }
  CHECK(lab.probe.state() == State::failing);
  CHECK(lab.answer(first));
  Lab idle;
  idle.probe.not_sent();  // nothing was on its way
  CHECK(idle.probe.counts().lost == 0);
}

}  // namespace sekisho::control
