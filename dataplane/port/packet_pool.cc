#include "dataplane/port/packet_pool.h"

#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>

#include <algorithm>

#include "base/messages/dataplane.h"

namespace sekisho::dataplane {

namespace {

Result<rte_mempool*> create(const char* name, unsigned count, unsigned cache, uint16_t private_size, uint16_t room) {
  rte_mempool* pool =
      rte_pktmbuf_pool_create(name, count, cache, private_size, static_cast<uint16_t>(RTE_PKTMBUF_HEADROOM + room),
                              static_cast<int>(rte_socket_id()));
  if (pool == nullptr)
    return fail(messages::dpdk_start_failed, std::string("packet memory: ") + rte_strerror(rte_errno));
  return pool;
}

}  // namespace

Result<rte_mempool*> create_packet_pool(unsigned memory_mb, uint16_t private_size) {
  constexpr unsigned cache = 256;
  constexpr unsigned packets_a_mb = 48;
  const unsigned count = std::min(memory_mb * packets_a_mb, 1U << 20) - 1;
  return create("packets", count, cache, private_size, packet_room);
}

Result<rte_mempool*> create_large_pool() {
  constexpr unsigned count = 255;
  return create("large-packets", count, 0, 0, large_packet_room);
}

}  // namespace sekisho::dataplane
