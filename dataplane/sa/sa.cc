#include "dataplane/sa/sa.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "base/esp_size.h"
#include "base/messages/dataplane.h"
#include "base/outer_address.h"
#include "ipc/convert.h"

namespace sekisho::dataplane {
namespace {

std::unexpected<Error> refuse(std::string why) { return fail(messages::sa_refused, std::move(why)); }

// Of a SaAdd or a SaMove.
template <typename Command>
Result<void> check_outer(const Command& command) {
  if (command.udp_encapsulation > 1) return refuse("a flag that is neither 0 nor 1");
  const auto source = ipc::to_address(command.source), destination = ipc::to_address(command.destination);
  if (!source || !destination) return refuse("an outer address that is neither IPv4 nor IPv6");
  if (source->family() != destination->family()) return refuse("outer addresses of two families");
  for (const IpAddress& address : {*source, *destination})
    if (const auto fault = outer_address_fault(address); !fault.empty())
      return refuse(address.text() + " outside, which " + std::string(fault));
  if (command.udp_encapsulation && (command.source_port == 0 || command.destination_port == 0))
    return refuse("a UDP port of 0");
  return {};
}

template <typename Command>
OuterAddresses outer_of(const Command& command) {
  return {*ipc::to_address(command.source), *ipc::to_address(command.destination), Be16(command.source_port),
          Be16(command.destination_port), command.udp_encapsulation != 0};
}

// Of an IPv6 address, as they stand on the wire.
std::array<uint64_t, 2> words_of(const IpAddress& address) {
  std::array<uint64_t, 2> words;
  std::memcpy(words.data(), address.bytes().data(), sizeof words);
  return words;
}
Ipv6Pair ipv6_pair(const OuterAddresses& from) {
  const auto source = words_of(from.source), destination = words_of(from.destination);
  return {source[0], source[1], destination[0], destination[1]};
}

SuiteLengths lengths_of(EspSuite suite) { return {info(suite).iv, info(suite).block, info(suite).icv}; }

Result<std::unique_ptr<SaCold>> make_cold(const ipc::SaAdd& add, const crypto::EspCrypto& crypto) {
  auto selectors = Selectors::from({add.selectors.data(), add.selector_pairs});
  if (!selectors) return std::unexpected(std::move(selectors.error()));
  auto key = crypto.make_key(add.suite, add.esn != 0, {add.key.data(), info(add.suite).key_material()});
  if (!key) return fail(messages::packet_memory_exhausted, "the key of an SA");
  return std::make_unique<SaCold>(add.soft_packets, add.hard_packets, add.soft_bytes, add.hard_bytes, *selectors,
                                  add.suite, std::move(key));
}

// `pair`: where IPv6 addresses go.
OuterHeader make_outer(const OuterAddresses& from, Ipv6Pair& pair) {
  OuterHeader outer;
  outer.ipv6 = !from.source.is_v4();
  outer.udp = from.udp;
  outer.length =
      static_cast<uint8_t>((outer.ipv6 ? ipv6_header_size : ipv4_header_size) + (outer.udp ? udp_header_size : 0));
  if (from.udp) outer.ports = from.source_port.raw() | uint32_t{from.destination_port.raw()} << 16;
  if (outer.ipv6) {
    pair = ipv6_pair(from);
    outer.ipv6_pair = &pair;
    return outer;
  }
  outer.addresses = from.source.as_v4().raw() | uint64_t{from.destination.as_v4().raw()} << 32;
  uint32_t sum = outer.hop_limit_and_protocol();
  for (unsigned shift = 0; shift < 64; shift += 16) sum += outer.addresses >> shift & 0xffff;
  outer.sum = sum & 0x3fffff;  // five words need no more
  return outer;
}

// The last sequence number that may be used. The margin below 2^64 is more than all workers together can take past the
// limit before they see it.
uint64_t end_of_numbers(bool esn) { return esn ? UINT64_MAX - (uint64_t{1} << 20) : UINT32_MAX; }

}  // namespace

Result<void> check(const ipc::SaAdd& add) {
  if (add.id.value() >= ipc::max_sas) return refuse("SA id out of range");
  if (add.tunnel.value() >= ipc::max_tunnels) return refuse("tunnel id out of range");
  if (add.direction != ipc::Direction::inbound && add.direction != ipc::Direction::outbound)
    return refuse("unknown direction");
  if (static_cast<size_t>(add.suite) >= esp_suite_count) return refuse("unknown suite");
  if (add.esn > 1) return refuse("a flag that is neither 0 nor 1");
  if (add.selector_pairs == 0 || add.selector_pairs > ipc::max_selector_pairs)
    return refuse("number of selector pairs");
  if (auto sound = check_outer(add); !sound) return sound;
  if (add.spi < 256) return refuse("a reserved SPI");  // RFC 4303 section 2.1
  if (add.direction == ipc::Direction::outbound) return {};
  if (ipc::sa_of_spi(add.spi) != add.id) return refuse("an inbound SPI that does not carry the SA's id");
  if (add.replay_window > 4096 || add.replay_window % 64 != 0) return refuse("size of the replay window");
  return {};
}

Result<OuterAddresses> check(const ipc::SaMove& move) {
  if (move.id.value() >= ipc::max_sas) return refuse("SA id out of range");
  if (auto sound = check_outer(move); !sound) return std::unexpected(std::move(sound.error()));
  return outer_of(move);
}

void InboundSa::set_outer(const OuterAddresses& addresses) {
  const bool ipv4 = addresses.source.is_v4();
  const Ipv6Pair ipv6 = ipv4 ? Ipv6Pair{} : ipv6_pair(addresses);
  source.store(ipv4 ? addresses.source.as_v4() : Be32(), std::memory_order_relaxed);
  destination.store(ipv4 ? addresses.destination.as_v4() : Be32(), std::memory_order_relaxed);
  for (size_t i = 0; i < ipv6.size(); ++i) owned_cold->inbound_ipv6[i].store(ipv6[i], std::memory_order_relaxed);
  source_port.store(addresses.source_port, std::memory_order_relaxed);
  udp_encapsulation.store(addresses.udp, std::memory_order_relaxed);
}

void OutboundSa::set_outer(const OuterAddresses& addresses) {
  const bool second = !second_in_use.load(std::memory_order_relaxed);
  (second ? second_outer : first_outer) = make_outer(addresses, owned_cold->outbound_ipv6[second ? 1 : 0]);
  second_in_use.store(second, std::memory_order_release);
}

Result<InboundSaPtr> make_inbound_sa(const ipc::SaAdd& add, const crypto::EspCrypto& crypto) {
  auto cold = make_cold(add, crypto);
  if (!cold) return std::unexpected(std::move(cold.error()));
  auto sa = std::make_unique<InboundSa>(add.replay_window);
  sa->owned_cold = std::move(*cold);
  sa->cold = sa->owned_cold.get();
  sa->key = sa->cold->key.get();
  sa->spi = add.spi;
  sa->set_outer(outer_of(add));
  sa->id = add.id;
  sa->tunnel = add.tunnel;
  sa->suite = add.suite;
  sa->lengths = lengths_of(add.suite);
  sa->esn = add.esn != 0;
  sa->selected = sa->cold->selectors.ipv4_ranges();
  sa->limited = (add.soft_packets | add.hard_packets | add.soft_bytes | add.hard_bytes) != 0;
  return sa;
}

Result<OutboundSaPtr> make_outbound_sa(const ipc::SaAdd& add, const crypto::EspCrypto& crypto) {
  auto cold = make_cold(add, crypto);
  if (!cold) return std::unexpected(std::move(cold.error()));
  auto sa = std::make_unique<OutboundSa>();
  sa->owned_cold = std::move(*cold);
  sa->cold = sa->owned_cold.get();
  sa->key = sa->cold->key.get();
  sa->spi = Be32(add.spi);
  sa->id = add.id;
  sa->tunnel = add.tunnel;
  sa->lengths = lengths_of(add.suite);
  sa->esn = add.esn != 0;
  sa->byte_limited = (add.soft_bytes | add.hard_bytes) != 0;
  sa->set_outer(outer_of(add));
  sa->selected = sa->cold->selectors.ipv4_ranges();
  const uint64_t end = end_of_numbers(sa->esn);
  sa->last_sequence = add.hard_packets != 0 ? std::min(add.hard_packets, end) : end;
  // Whoever sets no soft limit must still learn in time that the numbers run out.
  const uint64_t own_soft = end - end / 16;
  sa->soft_sequence = add.soft_packets != 0 ? std::min(add.soft_packets, own_soft) : own_soft;
  return sa;
}

}  // namespace sekisho::dataplane
