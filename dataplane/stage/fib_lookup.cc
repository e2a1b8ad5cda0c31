#include <rte_fib.h>
#include <rte_fib6.h>

#include <cstring>

#include "dataplane/stage/stages.h"
#include "dataplane/stage/wire.h"

namespace sekisho::dataplane {
namespace {

// The destinations of one family, and which packets they belong to.
struct Lookup4 {
  int count = 0;
  std::array<uint32_t, burst_size> keys;
  std::array<uint64_t, burst_size> found;
  std::array<uint8_t, burst_size> packet;
};
struct Lookup6 {
  int count = 0;
  uint8_t keys[burst_size][16];
  std::array<uint64_t, burst_size> found;
  std::array<uint8_t, burst_size> packet;
};

void look_up(const Replica& replica, std::span<Packet> packets) {
  Lookup4 v4;
  Lookup6 v6;
  for (size_t i = 0; i < packets.size(); ++i) {
    const uint8_t* l3 = packets[i].l3;
    if (packets[i].header.family == 4) {
      v4.packet[v4.count] = static_cast<uint8_t>(i);
      v4.keys[v4.count++] = load32(l3 + 16);
    } else {
      v6.packet[v6.count] = static_cast<uint8_t>(i);
      std::memcpy(v6.keys[v6.count++], l3 + 24, 16);
    }
  }
  if (v4.count > 0) rte_fib_lookup_bulk(replica.fib4.get(), v4.keys.data(), v4.found.data(), v4.count);
  if (v6.count > 0) rte_fib6_lookup_bulk(replica.fib6.get(), v6.keys, v6.found.data(), v6.count);
  for (int i = 0; i < v4.count; ++i) packets[v4.packet[i]].next_hop = &replica.next_hops[v4.found[i]];
  for (int i = 0; i < v6.count; ++i) packets[v6.packet[i]].next_hop = &replica.next_hops[v6.found[i]];
}

}  // namespace

void fib_lookup(Context& context, Burst& in, Burst& forward) {
  look_up(*context.replica, in.items());
  for (const Packet& packet : in.items()) {
    switch (packet.next_hop->kind) {
      case ipc::NextHopKind::adjacency:
      case ipc::NextHopKind::tunnel:
        forward.add(packet);
        break;
      case ipc::NextHopKind::local:
        local_input(context, packet);
        break;
      case ipc::NextHopKind::punt:
        context.punt(packet);
        break;
      case ipc::NextHopKind::drop:
        context.drop(packet.mbuf, ipc::DropReason::blackhole);
        break;
    }
  }
}

void local_input(Context& context, const Packet& packet) {
  EspLocation esp;
  // ESP within a tunnel to an address of ours has no SA here; the kernel has no use for it either.
  const EspFind found = packet.header.family == 4 ? find_esp(packet.l3, packet.header, esp) : EspFind::none;
  switch (found) {
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
  context.report_unknown_spi(esp.spi, Be32::from_raw(load_raw<uint32_t>(packet.l3 + 12)));
  context.drop(packet.mbuf, ipc::DropReason::esp_unknown_spi);
}

}  // namespace sekisho::dataplane
