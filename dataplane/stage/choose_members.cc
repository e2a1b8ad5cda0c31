#include <rte_prefetch.h>

#include "dataplane/stage/flow_hash.h"
#include "dataplane/stage/stages.h"

namespace sekisho::dataplane {

void choose_members(const Replica& replica, std::span<Packet> packets) {
  for (Packet& packet : packets) {
    if (!ipc::is_group(packet.next_hop)) continue;
    packet.next_hop = replica.group(packet.next_hop).member(flow_hash(replica.flow_seed, packet.l3, packet.header));
    rte_prefetch0(&replica.next_hops[packet.next_hop.value()]);
  }
}

}  // namespace sekisho::dataplane
