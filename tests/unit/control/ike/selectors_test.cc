#include "control/ike/suite/selectors.h"

#include <catch2/catch.hpp>

#include "tests/unit/control/ike/samples.h"

namespace sekisho::ike::suite {
namespace {

TrafficSelector ts(const char* prefix, uint8_t protocol = 0, uint16_t first_port = 0, uint16_t last_port = 0xffff) {
  TrafficSelector selector = TrafficSelector::from_prefix(Prefix::parse(prefix).value());
  selector.protocol = protocol;
  selector.first_port = first_port;
  selector.last_port = last_port;
  return selector;
}

std::string text(const std::vector<TrafficSelector>& list) {
  std::string joined;
  for (const TrafficSelector& selector : list) joined += (joined.empty() ? "" : " ") + selector.text();
  return joined;
}

std::string text(const std::optional<Selectors>& selectors) {
  return selectors ? text(selectors->local) + " = " + text(selectors->remote) : "none";
}

}  // namespace

TEST_CASE("selectors intersect by address, protocol and port") {
  CHECK(intersect(ts("10.0.0.0/8"), ts("10.1.0.0/16")) == ts("10.1.0.0/16"));
  CHECK(intersect(ts("10.1.0.0/16", 6), ts("10.0.0.0/8", 0, 80, 90)) == ts("10.1.0.0/16", 6, 80, 90));
  CHECK_FALSE(intersect(ts("10.1.0.0/16"), ts("10.2.0.0/16")));
  CHECK_FALSE(intersect(ts("10.1.0.0/16", 6), ts("10.1.0.0/16", 17)));
  CHECK_FALSE(intersect(ts("10.1.0.0/16", 6, 1, 9), ts("10.1.0.0/16", 6, 10, 20)));
  CHECK_FALSE(intersect(ts("0.0.0.0/0"), ts("::/0")));
  CHECK_FALSE(intersect(ts("10.1.0.0/16", 0, 0xffff, 0), ts("10.1.0.0/16")));  // OPAQUE
  CHECK(contains(ts("10.0.0.0/8"), ts("10.0.0.0/8")));
  CHECK(contains(ts("10.0.0.0/8"), ts("10.1.0.0/16", 6, 80, 80)));
  CHECK_FALSE(contains(ts("10.1.0.0/16", 6), ts("10.1.0.0/16")));
}

TEST_CASE("the responder narrows to what is configured") {
  const Selectors ours{{ts("10.1.0.0/24")}, {ts("10.2.0.0/24")}};
  CHECK(text(narrow({{ts("0.0.0.0/0")}, {ts("0.0.0.0/0")}}, ours)) == "10.1.0.0/24 = 10.2.0.0/24");
  CHECK(text(narrow({{ts("10.1.0.7/32")}, {ts("10.2.0.0/16")}}, ours)) == "10.1.0.7/32 = 10.2.0.0/24");
  CHECK(text(narrow({{ts("10.1.0.0/24")}, {ts("10.3.0.0/24")}}, ours)) == "none");
  CHECK(text(narrow({{}, {ts("10.2.0.0/24")}}, ours)) == "none");
}

TEST_CASE("the packet that triggered the negotiation stays within what is chosen, first") {
  const Selectors ours{{ts("10.5.0.0/16"), ts("10.1.0.0/16")}, {ts("10.2.0.0/16")}};
  // RFC 7296 section 2.9: the packet's own addresses and ports first, then what it is hoped to get.
  const Selectors offered{{ts("10.1.3.4/32", 6, 80, 80), ts("10.0.0.0/8")}, {ts("10.2.9.9/32", 6), ts("10.2.0.0/16")}};
  CHECK(text(narrow(offered, ours)) == "10.1.0.0/16 10.5.0.0/16 = 10.2.0.0/16");
}

TEST_CASE("families that do not pair go") {
  const Selectors both{{ts("0.0.0.0/0"), ts("::/0")}, {ts("0.0.0.0/0"), ts("::/0")}};
  CHECK(text(narrow(both, both)) == "0.0.0.0/0 ::/0 = 0.0.0.0/0 ::/0");
  CHECK(count_pairs(both) == 2);
  CHECK(text(narrow({both.local, {ts("10.0.0.0/8")}}, both)) == "0.0.0.0/0 = 10.0.0.0/8");
  CHECK(text(narrow({{ts("10.0.0.0/8")}, {ts("2001:db8::/32")}}, both)) == "none");
  CHECK(text(narrow({{ts("10.0.0.0/8", 6)}, {ts("10.0.0.0/8", 17)}}, both)) == "none");
}

TEST_CASE("the number of pairs is bounded, the trigger's is kept") {
  Selectors offered, ours{{ts("0.0.0.0/0")}, {ts("0.0.0.0/0")}};
  for (unsigned i = 0; i < 200; ++i) {
    offered.local.push_back(ts(("10." + std::to_string(i) + ".0.0/16").c_str()));
    offered.remote.push_back(ts(("11." + std::to_string(i) + ".0.0/16").c_str()));
  }
  auto chosen = narrow(offered, ours);
  REQUIRE(chosen);
  CHECK(cut_to_limit(*chosen));
  CHECK_FALSE(cut_to_limit(*chosen));
  CHECK(count_pairs(*chosen) <= max_selector_pairs);
  CHECK(chosen->local.front() == offered.local.front());
  CHECK(chosen->remote.front() == offered.remote.front());
  CHECK(acceptable(*chosen, offered));
  CHECK_FALSE(acceptable(offered, offered));
}

TEST_CASE("how well a child fits an offer") {
  const Selectors offered{{ts("10.1.0.0/16")}, {ts("10.2.0.0/16")}};
  CHECK(fit(offered, offered) == Fit::exact);
  CHECK(fit(offered, {{ts("10.0.0.0/8")}, {ts("0.0.0.0/0"), ts("::/0")}}) == Fit::whole);
  CHECK(fit(offered, {{ts("10.1.4.0/24")}, {ts("10.2.0.0/16")}}) == Fit::contained);
  CHECK(fit(offered, {{ts("10.1.4.0/24")}, {ts("10.0.0.0/8")}}) == Fit::overlap);
  CHECK(fit(offered, {{ts("10.1.0.0/16")}, {ts("10.3.0.0/16")}}) == Fit::none);
  // The packet that triggered the negotiation stands before what it is hoped to get.
  CHECK(fit({{ts("10.1.3.4/32", 6, 80, 80), ts("10.1.0.0/16")}, {ts("10.2.0.0/16")}}, offered) == Fit::exact);
}

TEST_CASE("the initiator accepts subsets of its offer") {
  const Selectors offered{{ts("10.1.0.0/16"), ts("10.3.0.0/16")}, {ts("10.2.0.0/16")}};
  CHECK(acceptable(offered, offered));
  CHECK(acceptable({{ts("10.3.1.0/24")}, {ts("10.2.0.0/16", 6)}}, offered));
  CHECK_FALSE(acceptable({{ts("10.0.0.0/8")}, {ts("10.2.0.0/16")}}, offered));
  CHECK_FALSE(acceptable({{ts("10.1.0.0/16")}, {}}, offered));
  CHECK_FALSE(acceptable({{}, {}}, offered));
}

}  // namespace sekisho::ike::suite
