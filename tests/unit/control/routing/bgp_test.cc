// What the running bgpd of 8.4.4 and 10.3 said, and what a hostile one may say.
#include <sys/socket.h>

#include <catch2/catch.hpp>
#include <random>
#include <string>

#include "base/messages/routing.h"
#include "base/messages/system.h"
#include "control/routing/bgp/inquiries.h"

using namespace sekisho;
using namespace sekisho::bgp;

namespace {

const std::string summary_text = R"({"ipv4Unicast":{"routerId":"10.9.1.1","as":65001,"peers":{
  "169.254.1.2":{"hostname":"vm","remoteAs":65002,"localAs":65001,"peerUptimeMsec":74000,"pfxRcd":2,"pfxSnt":4,
    "state":"Established"},
  "169.254.2.2":{"remoteAs":64512,"peerUptimeMsec":0,"pfxRcd":0,"state":"Active"},
  "x\nconfigure":{"remoteAs":1,"state":"Established"}}},
 "ipv6Unicast":{"peers":{"fd00::2":{"remoteAs":"many","state":"Established"}}}, "l2VpnEvpn":{"peers":{"10.0.0.1":{}}}})";
const std::string received_text = R"({"vrfId":0,"routes":{"10.2.0.0/24":[{"valid":true,"bestpath":true,"metric":0,
  "path":"65002","origin":"IGP","nexthops":[{"ip":"fe80::1"},{"ip":"169.254.1.2","used":true}]}],
  "10.66.2.0/24":[{"valid":true,"path":"65002","locPrf":200,"origin":"incomplete","nexthops":[{"ip":"169.254.1.2"}]}],
  "no prefix":[{}]}})";
const std::string advertised_8_4 = R"({"bgpTableVersion":10,"advertisedRoutes":{"10.1.0.0/24":{"network":"10.1.0.0/24",
  "nextHop":"0.0.0.0","metric":0,"weight":32768,"path":"","bgpOriginCode":"i","appliedStatusSymbols":{"*":true,">":true}}}})";
const std::string advertised_10_3 = R"({"advertisedRoutes": {"10.1.0.0/24":{"network":"10.1.0.0/24",
  "nextHop":"0.0.0.0","weight":0,"path":"65001","origin":"IGP","valid":true,"best":true}}})";

const Neighbour neighbour{"169.254.1.2", Family::ipv4};

// bgpd: a connection for each question.
struct Lab {
  sd_event* loop = nullptr;
  std::vector<UniqueFd> ends;
  bool reachable = true;
  std::optional<Inquiries> inquiries;
  bool over = false;
  json list;
  Error failure{nullptr, {}};

  explicit Lab(const Inquiries::Limits& limits = {}) {
    REQUIRE(sd_event_new(&loop) >= 0);
    inquiries.emplace(
        loop,
        [this]() -> Result<UniqueFd> {
          if (!reachable) return fail(messages::bgpd_silent, "nobody there");
          int pair[2];
          REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0);
          ends.emplace_back(pair[1]);
          return UniqueFd(pair[0]);
        },
        limits);
  }
  ~Lab() {
    inquiries.reset();
    sd_event_unref(loop);
  }
  void ask(View view, const std::string& name = "") {
    inquiries->ask(view, name, [this](Result<json> result) {
      REQUIRE_FALSE(over);
      over = true;
      if (result)
        list = *result;
      else
        failure = result.error();
    });
  }
  // What was asked last, and the answer to it.
  std::string answer(const std::string& text, char status = 0) {
    char chunk[256];
    const ssize_t got = ::recv(ends.back().get(), chunk, sizeof chunk, 0);
    REQUIRE(got > 0);
    REQUIRE(chunk[got - 1] == 0);
    const std::string question(chunk);
    const std::string all = text + std::string(3, '\0') + status;
    const size_t before = ends.size();
    for (size_t sent = 0; sent < all.size();) {
      const ssize_t count = ::send(ends[before - 1].get(), all.data() + sent, all.size() - sent, MSG_NOSIGNAL);
      if (count > 0) sent += static_cast<size_t>(count);
      sd_event_run(loop, 0);
      if (count < 0 && errno != EAGAIN) break;
    }
    for (int i = 0; i < 200 && !over && ends.size() == before; ++i) sd_event_run(loop, 10'000);
    return question;
  }
  void wait() {
    for (int i = 0; i < 200 && !over; ++i) sd_event_run(loop, 10'000);
  }
};

}  // namespace

TEST_CASE("neighbours are listed as bgpd has them", "[bgp]") {
  const auto view = summary_view(summary_text);
  REQUIRE(view);
  REQUIRE(view->size() == 3);
  CHECK(view->at(0) == json{{"neighbour", "169.254.1.2"},
                            {"family", "ipv4"},
                            {"remote_as", 65002},
                            {"state", "Established"},
                            {"up_seconds", 74},
                            {"received", 2},
                            {"sent", 4}});
  CHECK(view->at(1)["sent"].is_null());
  CHECK(view->at(2)["remote_as"].is_null());
  CHECK(established(*view) == std::vector<Neighbour>{neighbour, {"fd00::2", Family::ipv6}});
}

TEST_CASE("routes are listed in either release's form", "[bgp]") {
  json received = json::array();
  REQUIRE(add_routes(received, View::received, neighbour, received_text));
  REQUIRE(received.size() == 2);
  CHECK(received[0]["prefix"] == "10.2.0.0/24");
  CHECK(received[0]["next_hop"] == "169.254.1.2");
  CHECK(received[0]["best"] == true);
  CHECK(received[1]["local_preference"] == 200);
  CHECK(received[1]["best"] == false);
  for (const std::string& text : {advertised_8_4, advertised_10_3}) {
    json advertised = json::array();
    REQUIRE(add_routes(advertised, View::advertised, neighbour, text));
    REQUIRE(advertised.size() == 1);
    CHECK(advertised[0]["origin"] == "IGP");
    CHECK(advertised[0]["best"] == true);
    CHECK(advertised[0]["next_hop"] == "0.0.0.0");
  }
}

TEST_CASE("whatever bgpd says, it is a list or refused", "[bgp]") {
  json list = json::array();
  for (const char* text : {"", "[]", "5", "{", "% BGP instance not found"}) {
    CHECK(summary_view(text).error().message == &messages::bgpd_nonsense);
    CHECK(add_routes(list, View::received, neighbour, text).error().message == &messages::bgpd_nonsense);
  }
  for (const char* text : {"{}", R"({"ipv4Unicast":[]})", R"({"ipv4Unicast":{"peers":5}})"})
    CHECK(summary_view(text) == json::array());
  std::mt19937 random(7);
  for (const std::string& original : {summary_text, received_text, advertised_8_4})
    for (int i = 0; i < 3000; ++i) {
      std::string text = original;
      for (int edits = 0; edits < 3; ++edits) text[random() % text.size()] = "{}[]\",:0a\xff"[random() % 10];
      if (const auto view = summary_view(text)) established(*view);
      (void)add_routes(list = json::array(), View::received, neighbour, text);
      (void)add_routes(list, View::advertised, neighbour, text);
    }
}

TEST_CASE("a text that would be far more in memory is refused", "[bgp]") {
  json list = json::array();
  std::string paths;
  for (size_t i = 0; i <= max_routes; ++i) paths += "5,";
  const std::string many = R"({"routes":{"10.0.0.0/8":[)" + paths + "5]}}";
  for (const std::string& text : {many, std::string(size_t{4} << 20, '['), std::string(size_t{4} << 20, ',')})
    CHECK(add_routes(list, View::received, neighbour, text).error().message == &messages::bgpd_verbose);
  CHECK(list.empty());
}

TEST_CASE("what nests too deep is refused, and what does not is never copied", "[bgp]") {
  json list = json::array();
  const auto nested = [](size_t levels) {
    return R"({"routes":{"10.0.0.0/8":)" + std::string(levels, '[') + std::string(levels, ']') + "}}";
  };
  CHECK(add_routes(list, View::received, neighbour, nested(20 * max_routes - 10)).error().message ==
        &messages::bgpd_nonsense);
  CHECK(add_routes(list, View::received, neighbour, nested(31)).error().message == &messages::bgpd_nonsense);
  CHECK(list.empty());
  CHECK(add_routes(list, View::received, neighbour, nested(30)));
  CHECK(list.size() == 1);
}

TEST_CASE("more neighbours than are listed are refused", "[bgp]") {
  std::string peers = R"("10.0.0.1":{})";
  for (size_t i = 0; i < max_neighbours; ++i) peers += ",\"n" + std::to_string(i) + "\":{}";
  const auto view = summary_view(R"({"ipv4Unicast":{"peers":{)" + peers + "}}}");
  REQUIRE_FALSE(view);
  CHECK(view.error().message == &messages::bgpd_verbose);
}

TEST_CASE("the neighbours are asked for, then each one's routes", "[bgp]") {
  Lab lab;
  lab.ask(View::received);
  CHECK(lab.answer(summary_text) == "show bgp summary json");
  CHECK(lab.answer(received_text) == "show bgp ipv4 unicast neighbors 169.254.1.2 routes json");
  CHECK(lab.answer("{}") == "show bgp ipv6 unicast neighbors fd00::2 routes json");
  REQUIRE(lab.over);
  CHECK_FALSE(lab.failure.message);
  CHECK(lab.list.size() == 2);
}

TEST_CASE("one neighbour is asked for alone", "[bgp]") {
  Lab lab;
  SECTION("its session") {
    lab.ask(View::summary, "169.254.1.2");
    lab.answer(summary_text);
    CHECK(lab.list.size() == 1);
  }
  SECTION("what it is told") {
    lab.ask(View::advertised, "169.254.1.2");
    lab.answer(summary_text);
    CHECK(lab.answer(advertised_8_4) == "show bgp ipv4 unicast neighbors 169.254.1.2 advertised-routes json");
    CHECK(lab.list.size() == 1);
  }
}

TEST_CASE("an inquiry that comes to nothing says why", "[bgp]") {
  Lab lab({.at_once = 8, .size = 1000, .neighbours = 1, .time = std::chrono::milliseconds(500)});
  const Message* why = &messages::bgpd_silent;
  SECTION("nobody there") {
    lab.reachable = false;
    lab.ask(View::summary);
  }
  SECTION("silent") {
    lab.ask(View::summary);
    lab.wait();
  }
  SECTION("silent in the end") {
    lab.ask(View::received, "169.254.1.2");
    lab.answer(summary_text);
    lab.wait();
  }
  SECTION("closed") {
    lab.ask(View::summary);
    lab.ends.back().reset();
    lab.wait();
  }
  SECTION("a neighbour that there is not") {
    why = &messages::bgp_neighbour_unknown;
    lab.ask(View::summary, "10.0.0.99");
    lab.answer(summary_text);
  }
  SECTION("what would be more than a question") {
    why = &messages::bgp_neighbour_unknown;
    lab.ask(View::summary, "10.0.0.1 json\nconfigure");
    CHECK(lab.ends.empty());
  }
  SECTION("an error") {
    why = &messages::bgpd_nonsense;
    lab.ask(View::summary);
    lab.answer("% Unknown command", 2);
  }
  SECTION("no JSON") {
    why = &messages::bgpd_nonsense;
    lab.ask(View::summary);
    lab.answer("BGP instance not found");
  }
  SECTION("more than is read") {
    why = &messages::bgpd_verbose;
    lab.ask(View::summary);
    lab.answer(std::string(100000, ' '));
  }
  SECTION("more than is read, one with another") {
    why = &messages::bgpd_verbose;
    lab.ask(View::received, "169.254.1.2");
    lab.answer(summary_text);
    lab.answer(received_text + std::string(500, ' '));
  }
  SECTION("more neighbours than are asked for") {
    why = &messages::bgpd_verbose;
    lab.ask(View::received);
    lab.answer(summary_text);
  }
  REQUIRE(lab.over);
  CHECK(lab.failure.message == why);
}

TEST_CASE("there is an end to inquiries at once", "[bgp]") {
  Lab lab;
  for (int i = 0; i < 8; ++i) lab.ask(View::summary);
  CHECK_FALSE(lab.over);
  lab.ask(View::summary);
  REQUIRE(lab.over);
  CHECK(lab.failure.message == &messages::rpc_limit);
}
