#include <rte_cycles.h>

#include "dataplane/stage/stages.h"

namespace sekisho::dataplane {
namespace {

constexpr uint64_t quiet_seconds = 5;

}  // namespace

// What the kernel says on every interface is no reason to bring a tunnel up.
void wait_for_sa(Context& context, const Packet& packet, ipc::TunnelId id) {
  if (!context.tunnels.get(id).on_traffic || is_multicast(packet) ||
      !context.tunnels.wakes(id, rte_rdtsc(), quiet_seconds * rte_get_tsc_hz()))
    return context.drop(packet.mbuf, ipc::DropReason::no_outbound_sa);
  set_content(*packet.mbuf, packet.l3, packet.header.length);
  context.to_slow_path({packet.mbuf, id.value(), Via::waiting});
  PathEvent event;
  event.kind = PathEventKind::traffic_waiting;
  event.tunnel = id;
  if (context.events.push(event)) context.manager_bell.ring();
}

}  // namespace sekisho::dataplane
