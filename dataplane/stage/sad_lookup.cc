#include <algorithm>

#include "dataplane/stage/stages.h"
#include "dataplane/stage/wire.h"

namespace sekisho::dataplane {
namespace {

// An SPI is only ours together with our address: another host's ESP may pass through with any SPI.
bool is_for(const InboundSa& sa, const Inbound& in) {
  return sa.spi == in.esp.spi && outer_destination_is(sa, in.packet);
}

// Behind a NAT the peer's address may have changed; whether it is the peer the ICV will tell.
bool right_addresses(const InboundSa& sa, const Packet& packet, const EspLocation& esp) {
  if (esp.udp != sa.udp_encapsulation.load(std::memory_order_relaxed)) return false;
  return esp.udp || outer_source_is(sa, packet);
}

// Fills in the rest of `in`; or drops the packet.
bool admit(Context& context, Inbound& in) {
  using ipc::DropReason, ipc::SaCounter;
  InboundSa& sa = *in.sa;
  const auto drop = [&](DropReason reason, SaCounter counter) {
    context.drop(in.packet.mbuf, reason, sa.id, counter);
    return false;
  };
  if (!right_addresses(sa, in.packet, in.esp)) [[unlikely]]
    return drop(DropReason::esp_wrong_address, SaCounter::wrong_address);
  if (sa.expired.load(std::memory_order_relaxed)) [[unlikely]] {
    // Again if the ring of events was full when it expired: no packet comes further than this.
    context.raise(sa.raised, raised_hard_expired,
                  [&] { return sa_event(ipc::SaEventKind::hard_expired, sa.id, sa.spi); });
    return drop(DropReason::sa_expired, SaCounter::expired);
  }
  if (!crypto::EspCrypto::valid_length(sa.lengths, in.esp.length)) [[unlikely]]
    return drop(DropReason::esp_truncated, SaCounter::truncated);
  const auto sequence = sa.replay.infer(load32(in.packet.l3 + in.esp.offset + 4), sa.esn);
  if (!sequence || !sa.replay.would_accept(*sequence)) [[unlikely]]
    return drop(DropReason::esp_replay, SaCounter::replay);
  in.sequence = *sequence;
  return true;
}

}  // namespace

[[gnu::noinline]] bool outer_ipv6_is(const InboundSa& sa, const uint8_t* l3, unsigned word) {
  const auto& own = sa.cold->inbound_ipv6;
  const auto same = [&](unsigned at) {
    return load_raw<uint64_t>(l3 + 8 + size_t{8} * at) == own[at].load(std::memory_order_relaxed);
  };
  return same(word) && same(word + 1);
}

void sad_lookup(Context& context, Burst& in, BurstOf<Inbound>& esp, Burst& other) {
  const unsigned others_before = other.count();
  const InboundSa* last = nullptr;
  for (const Packet& packet : in.items()) {
    Inbound& candidate = esp.next();
    candidate.packet = packet;
    if (find_esp(packet.l3, packet.header, candidate.esp) == EspFind::found) [[likely]] {
      candidate.sa = context.sad.inbound(ipc::sa_of_spi(candidate.esp.spi));
      if (candidate.sa != nullptr) [[likely]] {
        if (candidate.sa != last) prefetch(*candidate.sa);
        last = candidate.sa;
        esp.keep_next();
        continue;
      }
    }
    other.add(packet);
  }
  last = nullptr;
  esp.filter([&](Inbound& candidate) {
    if (candidate.sa != last) prefetch_parts(context, *candidate.sa);
    last = candidate.sa;
    if (is_for(*candidate.sa, candidate)) [[likely]]
      return admit(context, candidate);
    other.add(candidate.packet);
    return false;
  });
  // What came back goes where it was: fragments of one packet, for one, may stand on both sides.
  if (other.count() != others_before) [[unlikely]]
    std::ranges::sort(other.items(), {}, &Packet::place);
}

}  // namespace sekisho::dataplane
