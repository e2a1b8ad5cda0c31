#include "dataplane/stage/context.h"

#include <rte_cycles.h>
#include <rte_mbuf.h>

#include "dataplane/stage/stages.h"

namespace sekisho::dataplane {
namespace {

IpAddress address_of(AddressValue value, uint8_t family) {
  std::array<uint8_t, 16> bytes;
  const size_t size = family == 4 ? 4 : 16;
  for (size_t i = size; i-- > 0; value >>= 8) bytes[i] = static_cast<uint8_t>(value);
  return *IpAddress::from_bytes({bytes.data(), size});
}

}  // namespace

void Context::drop(rte_mbuf* mbuf, ipc::DropReason reason) {
  count(counters.drops, reason);
  rte_pktmbuf_free(mbuf);
}

void Context::drop(rte_mbuf* mbuf, ipc::DropReason reason, ipc::SaId sa, ipc::SaCounter counter) {
  count(counters.sas[sa.value()], counter);
  drop(mbuf, reason);
}

void Context::punt(const Packet& packet) {
  // What the kernel itself sent into a TUN would come back for ever.
  if (packet.origin == Origin::kernel) return drop(packet.mbuf, ipc::DropReason::blackhole);
  if (packet.origin == Origin::tunnel) set_content(*packet.mbuf, packet.l3, packet.header.length);
  to_slow_path({packet.mbuf, packet.origin_id, packet.origin == Origin::port ? Via::port : Via::tunnel});
}

void Context::to_slow_path(const Handed& handed) {
  if (handed.via == Via::port) count(counters.ports[handed.id], ipc::PortCounter::punted);
  punts[punt_count++] = handed;
  if (punt_count == punts.size()) flush_punts();
}

void Context::flush_punts() {
  const unsigned taken = to_kernel.push({punts.data(), punt_count});
  for (unsigned i = taken; i < punt_count; ++i) drop(punts[i].mbuf, ipc::DropReason::punt_full);
  punt_count = 0;
  slow_path_bell.ring();
}

void Context::raise_first(std::atomic<uint8_t>& raised, SaRaised bit, const PathEvent& event) {
  if ((raised.fetch_or(bit, std::memory_order_relaxed) & bit) != 0) return;
  if (!events.push(event)) raised.fetch_and(static_cast<uint8_t>(~bit), std::memory_order_relaxed);
  manager_bell.ring();
}

void Context::report_unknown_spi(uint32_t spi, const IpAddress& source) {
  const uint64_t now = rte_rdtsc();
  if (now < quiet_until) return;
  quiet_until = now + rte_get_tsc_hz() / 2;
  PathEvent event;
  event.kind = PathEventKind::unknown_spi;
  event.source = source;
  event.spi = spi;
  if (events.push(event)) manager_bell.ring();
}

void Context::report_denied(const Denial& denial) {
  const uint64_t now = rte_rdtsc();
  uint64_t& quiet = denials_quiet_until[denial.filter.value()];
  if (now < quiet) return;
  quiet = now + rte_get_tsc_hz() / 4;
  const PacketFields& packet = denial.packet;
  PathEvent event;
  event.kind = PathEventKind::packet_denied;
  event.port = denial.port;
  event.tunnel = denial.tunnel;
  event.source = address_of(packet.source, packet.family);
  event.destination = address_of(packet.destination, packet.family);
  event.denied_source_port = packet.source_port;
  event.denied_destination_port = packet.destination_port;
  event.filter = denial.filter;
  event.direction = denial.direction;
  event.protocol = packet.protocol;
  event.has_ports = packet.has_ports;
  event.denial = denial.reason;
  if (events.push(event)) manager_bell.ring();
}

void Context::flush() {
  if (punt_count != 0) flush_punts();
  tx.flush(*ports);
}

}  // namespace sekisho::dataplane
