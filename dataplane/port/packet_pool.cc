#include "dataplane/port/packet_pool.h"

#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>

#include <algorithm>

#include "base/messages/dataplane.h"

namespace sekisho::dataplane {

Result<rte_mempool*> create_packet_pool(unsigned memory_mb, uint16_t private_size) {
  constexpr unsigned cache = 256;
  constexpr unsigned packets_a_mb = 48;
  const unsigned count = std::min(memory_mb * packets_a_mb, 1U << 20) - 1;
  rte_mempool* pool = rte_pktmbuf_pool_create("packets", count, cache, private_size, RTE_PKTMBUF_HEADROOM + packet_room,
                                              static_cast<int>(rte_socket_id()));
  if (pool == nullptr)
    return fail(messages::dpdk_start_failed, std::string("packet memory: ") + rte_strerror(rte_errno));
  return pool;
}

}  // namespace sekisho::dataplane
