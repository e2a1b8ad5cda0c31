// The request and reply windows: retransmission with back-off, and replies kept for who asks again.
#include "control/ike/exchange.h"

#include <catch2/catch.hpp>

#include "control/ike/connection_table.h"

namespace sekisho::ike {
namespace {

using namespace std::chrono_literals;
using Due = RequestWindow::Due;
using Verdict = ReplyWindow::Verdict;

const Instant start = Instant{} + 100s;

TEST_CASE("a request is sent again at growing intervals, then given up") {
  RequestWindow window;
  CHECK(window.idle());
  CHECK_FALSE(window.deadline());
  window.sent({{1, 2, 3}}, {.first = 1s, .factor = 2.0, .tries = 3}, start);
  CHECK(window.on_timer(start + 999ms) == Due::nothing);
  CHECK(window.on_timer(start + 1s) == Due::retransmit);
  CHECK(*window.deadline() == start + 3s);
  CHECK(window.on_timer(start + 3s) == Due::retransmit);
  CHECK(window.datagrams() == Datagrams{{1, 2, 3}});
  CHECK(*window.deadline() == start + 7s);
  CHECK(window.on_timer(start + 7s) == Due::expired);
}

TEST_CASE("what went out padded goes out without soon, which counts as the first try, and is repeated with it too") {
  const Datagrams empty = {{2}}, both = {{2}, {1}};
  RequestWindow window;
  window.sent_padded({1}, {2}, {.first = 1s, .factor = 2.0, .tries = 3}, 250ms, start);
  CHECK(*window.deadline() == start + 250ms);
  CHECK(window.on_timer(start + 249ms) == Due::nothing);
  CHECK(window.on_timer(start + 250ms) == Due::retransmit);
  CHECK(window.datagrams() == empty);
  CHECK(*window.deadline() == start + 1250ms);
  CHECK(window.on_timer(start + 1250ms) == Due::retransmit);
  CHECK(window.datagrams() == both);
  CHECK(*window.deadline() == start + 3250ms);
  CHECK(window.on_timer(start + 3250ms) == Due::retransmit);
  CHECK(window.datagrams() == both);
  CHECK(window.on_timer(start + 7250ms) == Due::expired);

  window.sent_padded({1}, {2}, {.first = 1s, .factor = 2.0, .tries = 1}, 2s, start);
  CHECK(window.on_timer(start + 1s) == Due::retransmit);
  CHECK(window.datagrams() == empty);
  CHECK(*window.deadline() == start + 2s);
  CHECK(window.on_timer(start + 2s) == Due::expired);
}

TEST_CASE("only the answer to the request in flight is awaited, and the next request has the next id") {
  RequestWindow window;
  CHECK_FALSE(window.awaits(0));
  window.sent({{1}}, {}, start);
  CHECK(window.awaits(0));
  CHECK_FALSE(window.awaits(1));
  window.answered();
  CHECK_FALSE(window.awaits(0));
  CHECK(window.message_id() == 1);
  CHECK_FALSE(window.deadline());
}

TEST_CASE("IKE_SA_INIT is begun again under its id, with all its tries") {
  RequestWindow window;
  window.sent({{1}}, {.first = 1s, .factor = 1.0, .tries = 2}, start);
  CHECK(window.on_timer(start + 1s) == Due::retransmit);
  window.sent({{2}}, {.first = 1s, .factor = 1.0, .tries = 2}, start + 1s);
  CHECK(window.message_id() == 0);
  CHECK(window.on_timer(start + 2s) == Due::retransmit);
  CHECK(window.on_timer(start + 3s) == Due::expired);
}

TEST_CASE("an attempt in a hurry ends earlier, never later") {
  RequestWindow window;
  window.sent({{1}}, {.first = 10s, .factor = 1.0, .tries = 9}, start);
  window.hurry(start + 2s);
  window.hurry(start + 5s);
  CHECK(*window.deadline() == start + 2s);
  CHECK(window.on_timer(start + 2s) == Due::expired);
}

TEST_CASE("intervals stay sane under a foolish factor") {
  RequestWindow window;
  window.sent({{1}}, {.first = 1s, .factor = 1e9, .tries = 4}, start);
  CHECK(window.on_timer(start + 1s) == Due::retransmit);
  CHECK(*window.deadline() == start + 1s + 1h);
  window.sent({{1}}, {.first = 1s, .factor = 0.0, .tries = 4}, start);
  CHECK(window.on_timer(start + 1s) == Due::retransmit);
  CHECK(*window.deadline() == start + 2s);
}

TEST_CASE("the last request gets its reply again if it is identical; everything else is outside") {
  ReplyWindow window;
  const Bytes first = {1}, second = {2};
  CHECK(window.classify(0, first) == Verdict::expected);
  CHECK(window.classify(1, first) == Verdict::outside);
  CHECK(window.classify(0xffffffff, first) == Verdict::outside);
  window.replied(first, {{10}});
  CHECK(window.classify(0, first) == Verdict::repeated);
  CHECK(window.classify(0, second) == Verdict::outside);
  CHECK(window.reply() == Datagrams{{10}});
  CHECK(window.classify(1, second) == Verdict::expected);
  window.replied(second, {{20}});
  CHECK(window.classify(0, first) == Verdict::outside);
  CHECK(window.classify(2, first) == Verdict::expected);
}

TEST_CASE("reports are let through in a burst, then in a trickle, each message by itself") {
  static constexpr Message one{"SKO-TST-001", Severity::info, "one", "One.", "None."};
  static constexpr Message other{"SKO-TST-002", Severity::info, "other", "Other.", "None."};
  ReportLimit limit;
  unsigned let_through = 0;
  for (int i = 0; i < 1000; ++i) let_through += limit.allows(one, start);
  CHECK(let_through == 10);
  CHECK(limit.allows(other, start));
  CHECK_FALSE(limit.allows(one, start + 4s));
  CHECK(limit.allows(one, start + 5s));
  CHECK_FALSE(limit.allows(one, start + 5s));
}

}  // namespace
}  // namespace sekisho::ike
