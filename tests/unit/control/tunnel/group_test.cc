#include "control/tunnel/group.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>

using namespace std::chrono_literals;

namespace sekisho::control {
namespace {

// A group under a clock that the test turns. Like the daemon, it decides after each thing that happens.
struct Lab {
  Instant now{};
  Group group;

  explicit Lab(Duration hold_down = 30s, bool fail_back = true, std::vector<std::string> tunnels = {"one", "two"},
               bool active = false)
      : group({.tunnels = std::move(tunnels), .hold_down = hold_down, .fail_back = fail_back, .active = active}) {}
  // All that carry.
  std::string leader() const {
    std::string names;
    for (const std::string& carrier : group.carriers()) names += (names.empty() ? "" : " ") + carrier;
    return names.empty() ? "none" : names;
  }
  std::string decide() {
    group.decide(now);
    return leader();
  }
  std::string up(const char* tunnel) {
    group.set_usable(tunnel, true, now);
    return decide();
  }
  std::string down(const char* tunnel) {
    group.set_usable(tunnel, false, now);
    return decide();
  }
  std::string after(Duration passed) {
    now += passed;
    return decide();
  }
};

}  // namespace

TEST_CASE("a group leads through the first of its tunnels that is usable") {
  Lab lab;
  CHECK(lab.decide() == "none");
  CHECK(lab.up("two") == "two");
  // It has not failed, it was only slower: nothing is held down.
  CHECK(lab.up("one") == "one");
  CHECK(lab.down("one") == "two");
  CHECK(lab.down("two") == "none");
  CHECK_FALSE(lab.group.carried_since());
}

TEST_CASE("traffic returns once the better tunnel has been usable without a break for the hold-down") {
  Lab lab(30s);
  lab.up("one");
  lab.up("two");
  CHECK(lab.down("one") == "two");
  CHECK_FALSE(lab.group.next_deadline());
  lab.after(5s);
  CHECK(lab.up("one") == "two");
  CHECK(lab.group.next_deadline() == lab.now + 30s);
  CHECK(lab.after(29s) == "two");
  SECTION("it lasts") {
    CHECK(lab.after(1s) == "one");
    CHECK_FALSE(lab.group.next_deadline());
    CHECK(lab.group.carried_since() == lab.now);
  }
  SECTION("a break begins it anew") {
    lab.down("one");
    CHECK_FALSE(lab.group.next_deadline());
    CHECK(lab.up("one") == "two");
    CHECK(lab.after(29s) == "two");
    CHECK(lab.after(1s) == "one");
  }
  SECTION("the one that stands in fails: what is held down leads rather than none") {
    CHECK(lab.down("two") == "one");
    CHECK(lab.up("two") == "one");
  }
}

TEST_CASE("what stood before the tunnel that carried before another start is held down as if it had failed") {
  Lab lab(30s, true, {"one", "two", "three"});
  SECTION("of a tunnel that it has not got") {
    lab.group.recall({"nobody"});
    for (const Group::Member& member : lab.group.members()) CHECK_FALSE(member.failed);
  }
  SECTION("of one that it has") {
    lab.group.recall({"two"});
    for (const char* tunnel : {"one", "two", "three"}) lab.group.set_usable(tunnel, true, lab.now);
    CHECK(lab.decide() == "two");
    CHECK(lab.after(29s) == "two");
    CHECK(lab.after(1s) == "one");
  }
}

TEST_CASE("in an active group all that did not carry before another start had failed") {
  Lab lab(30s, true, {"one", "two", "three"}, true);
  lab.group.recall({"one", "two"});
  for (const char* tunnel : {"one", "two", "three"}) lab.group.set_usable(tunnel, true, lab.now);
  CHECK(lab.decide() == "one two");
  CHECK(lab.after(30s) == "one two three");
}

TEST_CASE("without a hold-down traffic returns at once") {
  Lab lab(0s);
  lab.up("one");
  lab.up("two");
  CHECK(lab.down("one") == "two");
  CHECK(lab.up("one") == "one");
}

TEST_CASE("a clock that stands still brings nothing back, and asks for no turn of the loop twice") {
  Lab lab(1s);
  lab.up("one");
  lab.up("two");
  lab.down("one");
  lab.up("one");
  const auto deadline = lab.group.next_deadline();
  for (int i = 0; i < 100; ++i) CHECK(lab.decide() == "two");
  CHECK(lab.group.next_deadline() == deadline);
  CHECK(lab.after(1s) == "one");
  CHECK_FALSE(lab.group.next_deadline());
}

TEST_CASE("with manual fail-back traffic returns when the operator says so") {
  Lab lab(0s, false);
  lab.up("one");
  lab.up("two");
  CHECK(lab.down("one") == "two");
  CHECK(lab.up("one") == "two");
  CHECK_FALSE(lab.group.next_deadline());
  CHECK(lab.after(24h) == "two");
  SECTION("fail-back") {
    lab.group.fail_back();
    CHECK(lab.decide() == "one");
  }
  SECTION("fail-back while it is not there is none for later") {
    lab.down("one");
    lab.group.fail_back();
    CHECK(lab.decide() == "two");
    CHECK(lab.up("one") == "two");
  }
  SECTION("what stands in fails") { CHECK(lab.down("two") == "one"); }
}

TEST_CASE("the operator's tunnel stands before the list until fail-back") {
  Lab lab(30s, true, {"one", "two", "three"});
  for (const char* tunnel : {"one", "two", "three"}) lab.up(tunnel);
  CHECK_FALSE(lab.group.prefer("four"));
  REQUIRE(lab.group.prefer("three"));
  CHECK(lab.decide() == "three");
  CHECK(lab.down("three") == "one");
  CHECK_FALSE(lab.group.prefer("three"));  // not usable
  CHECK(lab.up("three") == "one");
  CHECK(lab.group.next_deadline() == lab.now + 30s);
  CHECK(lab.after(30s) == "three");
  lab.group.fail_back();
  CHECK(lab.decide() == "one");
  CHECK_FALSE(lab.group.preferred());
}

TEST_CASE("a tunnel that flaps is left alone while another one lasts") {
  Lab lab(10s, true, {"one", "two", "three"});
  for (const char* tunnel : {"one", "two", "three"}) lab.up(tunnel);
  lab.down("one");
  lab.down("two");
  CHECK(lab.leader() == "three");
  for (int i = 0; i < 50; ++i) {
    lab.up("one");
    CHECK(lab.after(9s) == "three");
    lab.down("one");
    lab.after(1s);
  }
  // Of two that are held down, the one whose time is over first leads first, then the better one.
  lab.up("two");
  lab.after(5s);
  lab.up("one");
  CHECK(lab.after(5s) == "two");
  CHECK(lab.after(5s) == "one");
}

TEST_CASE("what came over all tunnels is forgotten") {
  Lab lab(30s, false);
  lab.up("one");
  lab.up("two");
  lab.down("one");
  lab.down("two");
  lab.group.forget_failures();
  CHECK(lab.up("two") == "two");
  CHECK(lab.up("one") == "one");
}

TEST_CASE("another configuration keeps what leads while it may") {
  Lab lab(30s);
  lab.up("one");
  lab.up("two");
  lab.down("one");
  lab.up("one");
  REQUIRE(lab.leader() == "two");
  SECTION("a third tunnel") {
    lab.group.configure({.tunnels = {"one", "two", "three"}, .hold_down = 30s});
    CHECK(lab.decide() == "two");
    CHECK(lab.up("three") == "two");
    CHECK(lab.after(30s) == "one");
  }
  SECTION("a longer hold-down counts at once, and a shorter one as well") {
    lab.after(20s);
    lab.group.configure({.tunnels = {"one", "two"}, .hold_down = 60s});
    CHECK(lab.after(20s) == "two");
    lab.group.configure({.tunnels = {"one", "two"}, .hold_down = 40s});
    CHECK(lab.decide() == "one");
  }
  SECTION("the leader is not of the group any more") {
    lab.group.configure({.tunnels = {"one", "three"}, .hold_down = 30s});
    CHECK(lab.decide() == "one");
  }
  SECTION("nor is any that is usable") {
    lab.group.configure({.tunnels = {"three", "four"}, .hold_down = 30s});
    CHECK(lab.decide() == "none");
  }
  SECTION("the other order, by which nothing has failed that is better") {
    lab.group.configure({.tunnels = {"two", "one"}, .hold_down = 30s});
    CHECK(lab.decide() == "two");
    CHECK_FALSE(lab.group.next_deadline());
  }
  SECTION("the preferred one goes, and is none when it is back") {
    REQUIRE(lab.group.prefer("two"));
    lab.group.configure({.tunnels = {"one", "three"}, .hold_down = 30s});
    CHECK_FALSE(lab.group.preferred());
    lab.group.configure({.tunnels = {"one", "two"}, .hold_down = 30s});
    CHECK_FALSE(lab.group.preferred());
  }
}

TEST_CASE("all usable tunnels of an active group carry") {
  Lab lab(30s, true, {"one", "two", "three"}, true);
  CHECK(lab.decide() == "none");
  CHECK(lab.up("three") == "three");
  CHECK(lab.up("one") == "one three");
  CHECK(lab.up("two") == "one two three");
  lab.now += 5s;
  CHECK(lab.down("two") == "one three");
  CHECK(lab.group.carried_since() == lab.now);
  CHECK_FALSE(lab.group.next_deadline());
  SECTION("one that has failed carries again after the hold-down") {
    CHECK(lab.up("two") == "one three");
    CHECK(lab.group.next_deadline() == lab.now + 30s);
    CHECK(lab.after(29s) == "one three");
    CHECK(lab.after(1s) == "one two three");
    CHECK_FALSE(lab.group.next_deadline());
  }
  SECTION("or when told") {
    lab.up("two");
    lab.group.fail_back();
    CHECK(lab.decide() == "one two three");
  }
  SECTION("what is held down carries rather than none") {
    lab.up("two");
    lab.down("one");
    CHECK(lab.down("three") == "two");
    CHECK(lab.up("three") == "two");
    CHECK(lab.after(30s) == "two three");
  }
  SECTION("all fail: the first that is back carries alone for a while") {
    lab.down("one");
    CHECK(lab.down("three") == "none");
    CHECK(lab.up("three") == "three");
    CHECK(lab.up("one") == "three");
    CHECK(lab.after(30s) == "one three");
  }
  SECTION("one after the other from now on") {
    lab.group.configure({.tunnels = {"one", "two", "three"}, .hold_down = 30s});
    CHECK(lab.decide() == "one");
    lab.group.configure({.tunnels = {"one", "two", "three"}, .hold_down = 30s, .active = true});
    CHECK(lab.decide() == "one three");
  }
}

TEST_CASE("the operator's tunnel of an active group carries alone until fail-back, or while it can") {
  Lab lab(30s, true, {"one", "two", "three"}, true);
  for (const char* tunnel : {"one", "two", "three"}) lab.up(tunnel);
  REQUIRE(lab.group.prefer("two"));
  CHECK(lab.decide() == "two");
  lab.down("one");
  CHECK(lab.up("one") == "two");
  CHECK_FALSE(lab.group.next_deadline());
  SECTION("fail-back") {
    lab.group.fail_back();
    CHECK(lab.decide() == "one two three");
    CHECK_FALSE(lab.group.preferred());
  }
  SECTION("it fails, and is back") {
    CHECK(lab.down("two") == "three");
    CHECK(lab.up("two") == "three");
    CHECK(lab.after(30s) == "two");
  }
}

TEST_CASE("with manual fail-back a tunnel of an active group carries again when the operator says so") {
  Lab lab(0s, false, {"one", "two"}, true);
  lab.up("one");
  lab.up("two");
  CHECK(lab.down("one") == "two");
  CHECK(lab.up("one") == "two");
  CHECK_FALSE(lab.group.next_deadline());
  lab.group.fail_back();
  CHECK(lab.decide() == "one two");
}

TEST_CASE("a group leads whenever a tunnel of it is usable, through nothing else, and not on past its deadline") {
  std::mt19937 random(7);
  const std::vector<std::string> names = {"one", "two", "three"};
  for (int run = 0; run < 200; ++run) {
    const bool fail_back = random() % 2 == 0;
    const bool active = random() % 2 == 0;
    Lab lab(std::chrono::seconds(random() % 4), fail_back, names, active);
    std::vector<bool> usable(names.size());
    for (int step = 0; step < 200; ++step) {
      const size_t which = random() % names.size();
      switch (random() % 6) {
        case 0:
          lab.now += std::chrono::milliseconds(random() % 3000);
          break;
        case 1:
          (void)lab.group.prefer(names[which]);
          break;
        case 2:
          lab.group.fail_back();
          break;
        default:
          usable[which] = !usable[which];
          lab.group.set_usable(names[which], usable[which], lab.now);
      }
      lab.group.decide(lab.now);
      const bool any = usable[0] || usable[1] || usable[2];
      const std::vector<std::string>& carriers = lab.group.carriers();
      REQUIRE(carriers.empty() != any);
      REQUIRE((active || carriers.size() <= 1));
      for (size_t i = 0; i < names.size(); ++i)
        if (std::ranges::find(carriers, names[i]) != carriers.end()) REQUIRE(usable[i]);
      const auto deadline = lab.group.next_deadline();
      if (deadline) REQUIRE(*deadline > lab.now);
      REQUIRE_FALSE((deadline && !fail_back));
    }
  }
}

}  // namespace sekisho::control
