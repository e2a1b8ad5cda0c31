// The search for a path's MTU, against a path that carries so much.
#include "control/ike/path_mtu.h"

#include <catch2/catch.hpp>
#include <vector>

namespace sekisho::ike {
namespace {

using namespace std::chrono_literals;

uint16_t any_size(uint16_t limit) { return limit; }
// AES-CBC with SHA2-256-128 on port 4500: sizes that are a multiple of 16.
uint16_t in_blocks(uint16_t limit) { return static_cast<uint16_t>(limit / 16 * 16); }

PathMtu::Path path_over(uint32_t mtu, const char* remote = "10.9.2.2", uint16_t port = 500) {
  return {{*IpAddress::parse("10.9.1.1"), 500}, {*IpAddress::parse(remote), port}, {"wan", mtu}};
}

struct Lab {
  PathMtu search;
  PathMtu::Fit fit = any_size;
  uint16_t carries = 0;  // the path; 0: nothing comes back
  Instant now = Instant{} + 1000s;
  std::vector<uint16_t> probes = {};

  void probe(uint16_t size) {
    probes.push_back(size);
    if (size <= carries)
      search.answered(fit, now += 10ms);
    else
      search.failed(fit, now += search.patience(1s));
  }
  // Whatever is due within that time.
  void run_for(Duration duration) {
    const Instant end = now + duration;
    probes.clear();
    while (search.due() && *search.due() <= end) {
      now = std::max(now, *search.due());
      if (const auto size = search.next(fit, now)) probe(*size);
    }
    now = std::max(now, end);
  }
  uint16_t found() const { return search.found() ? search.found()->mtu : uint16_t{0}; }
};

Lab begun(uint32_t link, uint16_t carries, const char* remote = "10.9.2.2") {
  Lab lab{.carries = carries};
  lab.search.follow(path_over(link, remote), lab.fit, lab.now);
  return lab;
}

TEST_CASE("a path as wide as its link takes one probe") {
  for (const uint16_t link : {576, 1280, 1454, 1500, 9000}) {
    Lab lab = begun(link, link);
    CHECK(*lab.search.due() == lab.now + PathMtu::settling_time);
    CHECK_FALSE(lab.search.next(lab.fit, lab.now));
    lab.run_for(5s);
    CHECK(lab.probes == std::vector<uint16_t>{link});
    CHECK(lab.found() == link);
    CHECK_FALSE(lab.search.searching());
    const auto conclusion = lab.search.take_conclusion();
    REQUIRE(conclusion);
    CHECK(conclusion->mtu == link);
    CHECK_FALSE(conclusion->news);
    CHECK_FALSE(lab.search.take_conclusion());
  }
}

TEST_CASE("the MTU of every narrower path is found to the octet, in half a minute, and usual ones sooner") {
  for (const char* remote : {"10.9.2.2", "2001:db8::2"})
    for (const uint16_t link : {1500, 9000})
      for (uint16_t carries = remote[0] == '1' ? 576 : 1280; carries < link; carries += carries < 1600 ? 1 : 97) {
        Lab lab = begun(link, carries, remote);
        lab.run_for(30s);
        INFO(remote << " " << link << " " << carries << " probes " << lab.probes.size());
        REQUIRE(lab.found() == carries);
        REQUIRE(lab.search.take_conclusion()->news);
      }
  Lab lab = begun(1500, 1400);
  lab.run_for(8s);
  CHECK(lab.found() == 1400);
}

TEST_CASE("one size is too large after three probes, each with more patience") {
  Lab lab = begun(1500, 1400);
  lab.run_for(10s);
  CHECK(std::ranges::count(lab.probes, 1500) == 3);
  CHECK(std::ranges::count(lab.probes, 1401) == 3);
  CHECK(std::ranges::count(lab.probes, 1400) == 1);
  Lab patient = begun(1500, 0);
  patient.now += 1s;
  for (const Duration expected : {250ms, 500ms, 1000ms, 250ms}) {
    REQUIRE(patient.search.next(patient.fit, patient.now));
    CHECK(patient.search.patience(1s) == expected);
    patient.search.failed(patient.fit, patient.now);
  }
}

TEST_CASE("a lost probe or two change nothing") {
  Lab lab = begun(1500, 1500);
  lab.run_for(2s);
  lab.carries = 0;
  lab.now = *lab.search.due();
  for (int i = 0; i < 2; ++i) lab.probe(*lab.search.next(lab.fit, lab.now));
  lab.carries = 1500;
  lab.run_for(1s);
  CHECK(lab.probes == std::vector<uint16_t>{1500});
  CHECK(lab.found() == 1500);
  CHECK(lab.search.found()->proven == *lab.search.due() - PathMtu::confirm_interval);
}

TEST_CASE("where not even the base is answered nothing is found, and it is tried again ten minutes later") {
  Lab lab = begun(1500, 575);
  lab.run_for(9min);
  CHECK(lab.probes == std::vector<uint16_t>{1500, 1500, 1500, 576, 576, 576});
  CHECK_FALSE(lab.search.found());
  const auto conclusion = lab.search.take_conclusion();
  CHECK_FALSE(conclusion->mtu);
  CHECK_FALSE(conclusion->news);
  lab.carries = 1454;
  lab.run_for(2min);
  CHECK(lab.found() == 1454);
}

TEST_CASE("what was found is confirmed once a minute, and looked for downwards where it does not hold any more") {
  Lab lab = begun(1500, 1454);
  lab.run_for(10s);
  CHECK(lab.search.take_conclusion()->news);
  lab.run_for(5min);
  CHECK(lab.probes == std::vector<uint16_t>(5, 1454));
  CHECK_FALSE(lab.search.take_conclusion());
  lab.carries = 1400;
  lab.run_for(80s);
  CHECK(lab.found() == 1400);
  CHECK(lab.search.take_conclusion()->news);
  CHECK(std::ranges::max(lab.probes) == 1454);

  lab.carries = 0;  // for a while nothing at all is in time: that says nothing about 1400
  lab.run_for(2min);
  CHECK(lab.found() == 1400);
  CHECK_FALSE(lab.search.take_conclusion()->news);
  lab.carries = 1400;
  lab.run_for(2min);
  CHECK(lab.found() == 1400);
  CHECK_FALSE(lab.search.searching());
}

TEST_CASE("every ten minutes it is looked for a larger one") {
  Lab lab = begun(1500, 1400);
  lab.run_for(9min);
  const Instant proven = lab.search.found()->proven;
  CHECK(std::ranges::count(lab.probes, 1500) == 3);  // at first
  lab.run_for(2min);
  CHECK(std::ranges::count(lab.probes, 1500) == 3);
  CHECK(std::ranges::count(lab.probes, 576) == 0);
  CHECK(lab.search.found()->proven > proven);
  CHECK_FALSE((lab.search.take_conclusion()->news && lab.found() != 1400));
  lab.carries = 1492;
  lab.run_for(10min);
  CHECK(lab.found() == 1492);
  CHECK(lab.search.take_conclusion()->news);
  lab.carries = 1500;
  lab.run_for(10min);
  CHECK(lab.found() == 1500);
  CHECK(lab.search.take_conclusion()->news);
  lab.run_for(1h);  // there is nothing larger
  CHECK(std::ranges::count(lab.probes, 1500) == 60);
  CHECK(lab.probes.size() == 60);
}

TEST_CASE("another path is asked anew; what was found stays until then, if the address is the same") {
  Lab lab = begun(1500, 1400);
  lab.run_for(10s);
  lab.search.follow(path_over(1500), lab.fit, lab.now);
  CHECK_FALSE(lab.search.searching());
  lab.search.follow(path_over(1500, "10.9.2.2", 4500), lab.fit, lab.now);
  CHECK(lab.search.searching());
  CHECK(lab.found() == 1400);
  lab.carries = 1480;
  lab.run_for(10s);
  CHECK(lab.found() == 1480);
  lab.search.follow(path_over(1500, "10.9.7.7"), lab.fit, lab.now);
  CHECK_FALSE(lab.search.found());
  lab.carries = 1500;
  lab.run_for(10s);
  CHECK(lab.found() == 1500);

  SECTION("of which nothing is found") {
    lab.search.follow(path_over(1454, "10.9.7.7"), lab.fit, lab.now);
    lab.carries = 0;
    lab.run_for(10s);
    CHECK_FALSE(lab.search.found());
  }
  SECTION("before the search is over") {
    lab.carries = 0;
    lab.search.follow(path_over(9000, "10.9.7.7"), lab.fit, lab.now);
    lab.run_for(1500ms);
    lab.search.follow(path_over(1500, "10.9.7.7"), lab.fit, lab.now);
    lab.carries = 1500;
    lab.run_for(2s);
    CHECK(lab.probes == std::vector<uint16_t>{1500});
  }
}

TEST_CASE("probes in steps of a block prove no more than they are, but for the link's own MTU") {
  Lab lab{.fit = in_blocks, .carries = 1500};
  SECTION("a usual MTU hides between the largest probe and the link's MTU") {
    lab.search.follow(path_over(1500), lab.fit, lab.now);
    lab.run_for(5s);
    CHECK(lab.found() == 1488);
    lab.run_for(20min);
    CHECK(lab.probes == std::vector<uint16_t>(20, 1488));
  }
  SECTION("none does") {
    lab.search.follow(path_over(1447), lab.fit, lab.now);
    lab.run_for(5s);
    CHECK(lab.found() == 1447);
  }
  SECTION("a narrower path") {
    lab.carries = 1454;
    lab.search.follow(path_over(1500), lab.fit, lab.now);
    lab.run_for(10s);
    CHECK(lab.found() == 1440);
    CHECK(std::ranges::all_of(lab.probes, [](uint16_t size) { return size % 16 == 0; }));
  }
  SECTION("no probe is so small") {
    lab.fit = [](uint16_t) { return uint16_t{0}; };
    lab.search.follow(path_over(1500), lab.fit, lab.now);
    lab.run_for(5s);
    CHECK(lab.probes.empty());
    CHECK_FALSE(lab.search.found());
  }
}

TEST_CASE("another cipher in the middle of a search") {
  Lab lab = begun(1500, 1443);
  lab.run_for(4s);
  REQUIRE(lab.search.searching());
  lab.fit = in_blocks;
  lab.run_for(10s);
  CHECK(lab.found() <= 1443);
  CHECK(lab.found() >= 1420);
  CHECK(std::ranges::all_of(lab.probes, [](uint16_t size) { return size % 16 == 0; }));
}

}  // namespace
}  // namespace sekisho::ike
