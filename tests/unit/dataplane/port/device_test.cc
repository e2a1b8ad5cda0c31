#include "dataplane/port/device.h"

#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include <array>
#include <catch2/catch.hpp>

#include "tests/unit/dataplane/memory_port.h"

namespace sekisho::dataplane {

TEST_CASE("a device serves one port; who asks for it again is refused and does the first no harm") {
  const DeviceRequest request{.device = "net_null0", .mtu = 1500, .workers = 1, .packets = test::packet_pool()};
  {
    const auto first = Device::open(request);
    REQUIRE(first);
    for (const char* name : {"net_null0", "net_null0,copy=1"}) {
      DeviceRequest again = request;
      again.device = name;
      const auto second = Device::open(again);
      REQUIRE_FALSE(second);
      CHECK(second.error().detail.ends_with("in use"));
    }
    const uint16_t port = (*first)->dpdk_port();
    REQUIRE(rte_eth_dev_is_valid_port(port) == 1);
    std::array<rte_mbuf*, 4> frames{};
    const uint16_t got = rte_eth_rx_burst(port, 0, frames.data(), frames.size());
    CHECK(got == frames.size());
    rte_pktmbuf_free_bulk(frames.data(), got);
  }
  CHECK(Device::open(request));  // free again
}

}  // namespace sekisho::dataplane
