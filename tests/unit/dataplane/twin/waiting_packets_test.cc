#include "dataplane/twin/waiting_packets.h"

#include <rte_mbuf.h>

#include <catch2/catch.hpp>

#include "tests/unit/dataplane/gateway.h"

namespace sekisho::dataplane::test {

TEST_CASE("one packet a tunnel waits, for so long, and not too many wait in all") {
  start_eal();
  const auto before = packets_in_use();
  {
    WaitingPackets waiting;
    Instant now{};
    const auto packet = [] { return rte_pktmbuf_alloc(packet_pool()); };
    rte_mbuf* first = packet();
    rte_mbuf* late = packet();
    CHECK_FALSE(waiting.next_late());
    REQUIRE(waiting.keep(7, first, now));
    CHECK_FALSE(waiting.keep(7, late, now));
    CHECK(waiting.take(8) == nullptr);
    CHECK(waiting.take(7) == first);
    CHECK(waiting.take(7) == nullptr);
    rte_pktmbuf_free(first);

    REQUIRE(waiting.keep(7, late, now));
    now += std::chrono::seconds(1);
    REQUIRE(waiting.keep(8, packet(), now));
    REQUIRE(waiting.next_late());
    CHECK(waiting.take_late(*waiting.next_late() - std::chrono::milliseconds(1)) == nullptr);
    CHECK(waiting.take_late(*waiting.next_late()) == late);
    CHECK(waiting.take_late(now) == nullptr);
    rte_pktmbuf_free(late);

    for (uint16_t tunnel = 100; tunnel < 100 + WaitingPackets::capacity - 1; ++tunnel)
      REQUIRE(waiting.keep(tunnel, packet(), now));
    rte_mbuf* too_many = packet();
    CHECK_FALSE(waiting.keep(9, too_many, now));
    rte_pktmbuf_free(too_many);
  }
  CHECK(packets_in_use() == before);
}

}  // namespace sekisho::dataplane::test
