#include "dataplane/stage/stages.h"
#include "dataplane/stage/wire.h"

namespace sekisho::dataplane {
namespace {

Be32 address_at(const uint8_t* at) { return Be32::from_raw(load_raw<uint32_t>(at)); }

// The SA that the packet is for. An SPI is only ours together with our address: another host's ESP may pass through
// with any SPI.
InboundSa* find_sa(const Sad& sad, const Packet& packet, const EspLocation& esp) {
  InboundSa* sa = sad.inbound(ipc::sa_of_spi(esp.spi));
  if (sa == nullptr || sa->spi != esp.spi) return nullptr;
  return address_at(packet.l3 + 16) == sa->destination ? sa : nullptr;
}

// Behind a NAT the peer's address may have changed; whether it is the peer the ICV will tell.
bool right_addresses(const InboundSa& sa, const Packet& packet, const EspLocation& esp) {
  if (esp.udp != sa.udp_encapsulation) return false;
  return esp.udp || address_at(packet.l3 + 12) == sa.source;
}

}  // namespace

void sad_lookup(Context& context, Burst& in, BurstOf<Inbound>& esp, Burst& other) {
  using ipc::DropReason, ipc::SaCounter;
  for (Packet& packet : in.items()) {
    EspLocation location;
    InboundSa* sa = nullptr;
    if (packet.header.family == 4 && find_esp(packet.l3, packet.header, location) == EspFind::found)
      sa = find_sa(context.sad, packet, location);
    if (sa == nullptr) {
      other.add(packet);
      continue;
    }
    if (!right_addresses(*sa, packet, location)) {
      context.drop(packet.mbuf, DropReason::esp_wrong_address, sa->id, SaCounter::wrong_address);
      continue;
    }
    if (sa->expired.load(std::memory_order_relaxed)) {
      // Again if the ring of events was full when it expired: no packet comes further than this.
      context.raise(sa->raised, raised_hard_expired, sa_event(ipc::SaEventKind::hard_expired, sa->id, sa->spi));
      context.drop(packet.mbuf, DropReason::sa_expired, sa->id, SaCounter::expired);
      continue;
    }
    if (!crypto::EspCrypto::valid_length(sa->suite, location.length)) {
      context.drop(packet.mbuf, DropReason::esp_truncated, sa->id, SaCounter::truncated);
      continue;
    }
    const auto sequence = sa->replay.infer(load32(packet.l3 + location.offset + 4), sa->esn);
    if (!sequence || !sa->replay.would_accept(*sequence)) {
      context.drop(packet.mbuf, DropReason::esp_replay, sa->id, SaCounter::replay);
      continue;
    }
    esp.add({packet, sa, *sequence, location});
  }
}

}  // namespace sekisho::dataplane
