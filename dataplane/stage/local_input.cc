#include <rte_ether.h>

#include "dataplane/stage/stages.h"
#include "dataplane/stage/wire.h"

namespace sekisho::dataplane {

void local_input(Context& context, const Packet& packet) {
  // ESP is an outer packet in the front door alone.
  if (vrf_of(context, packet) != ipc::front_door) [[unlikely]]
    return context.punt(packet);
  const IpHeader header = fragment_header(packet.l3, packet.header);
  if (packet.origin == Origin::port && is_esp_or_udp_fragment(header)) [[unlikely]] {
    set_content(*packet.mbuf, packet.l3 - RTE_ETHER_HDR_LEN, RTE_ETHER_HDR_LEN + uint32_t{packet.header.length});
    return context.to_slow_path({packet.mbuf, packet.origin_id, Via::fragment});
  }
  EspLocation esp;
  // ESP within a tunnel to an address of ours has no SA here; the kernel has no use for it either.
  switch (find_esp(packet.l3, header, esp)) {
    case EspFind::none:
      return context.punt(packet);
    case EspFind::truncated:
      return context.drop(packet.mbuf, ipc::DropReason::esp_truncated);
    case EspFind::fragment:
      return context.drop(packet.mbuf, ipc::DropReason::esp_fragment);
    case EspFind::found:
      break;
  }
  const InboundSa* sa = context.sad.inbound(ipc::sa_of_spi(esp.spi));
  if (sa != nullptr && sa->spi == esp.spi)
    return context.drop(packet.mbuf, ipc::DropReason::esp_wrong_address, sa->id, ipc::SaCounter::wrong_address);
  context.report_unknown_spi(esp.spi, source_of(packet));
  context.drop(packet.mbuf, ipc::DropReason::esp_unknown_spi);
}

}  // namespace sekisho::dataplane
