#include <rte_mbuf.h>

#include "dataplane/stage/stages.h"

namespace sekisho::dataplane {
namespace {

size_t available(const Packet& packet) {
  const auto* start = rte_pktmbuf_mtod(packet.mbuf, const uint8_t*);
  return packet.mbuf->data_len - static_cast<size_t>(packet.l3 - start);
}

}  // namespace

void ip_input(Context& context, Burst& in, Burst& good) {
  for (Packet& packet : in.items()) {
    switch (check_ip(packet.l3, available(packet), packet.header)) {
      case IpVerdict::forward:
        good.add(packet);
        break;
      case IpVerdict::punt:
        context.punt(packet);
        break;
      case IpVerdict::malformed:
        context.drop(packet.mbuf, ipc::DropReason::malformed_ip);
        break;
    }
  }
}

}  // namespace sekisho::dataplane
