// Security associations as the data path holds them: one struct a direction, made by the manager, published in the Sad,
// used by several workers at once. What is constant after publication, or changes a few times in an SA's life, stands
// in the first cache line; what workers write for packets, with the little that is read along with it, behind it; what
// is rarely needed apart, in SaCold.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

#include "base/address.h"
#include "base/big_endian.h"
#include "base/esp_suite.h"
#include "base/message.h"
#include "crypto/esp/esp_crypto.h"
#include "crypto/esp/hidden_memory.h"
#include "dataplane/sa/replay_window.h"
#include "dataplane/sa/selectors.h"
#include "ipc/schema.h"

namespace sekisho::dataplane {

// Source and destination of an IPv6 header, two words each as they stand on the wire.
using Ipv6Pair = std::array<uint64_t, 4>;

// Constant after publication, but for the addresses. 0 in a limit: none.
struct SaCold {
  uint64_t soft_packets, hard_packets;
  uint64_t soft_bytes, hard_bytes;  // of inner packets
  Selectors selectors;
  EspSuite suite;
  crypto::EspKeyPtr key;  // wiped when the SA goes
  // Inbound: the outer addresses where they are IPv6, else all zero, which no packet has. The manager writes each word
  // for itself, like the addresses in the SA.
  std::array<std::atomic<uint64_t>, 4> inbound_ipv6{};
  // Outbound: those of first_outer and of second_outer where they are IPv6, written with their header.
  std::array<Ipv6Pair, 2> outbound_ipv6{};
};

// Events that are raised once: bits of `raised`, set by the worker that raises it.
enum SaRaised : uint8_t {
  raised_first_packet = 1,
  raised_soft_expired = 2,
  raised_hard_expired = 4,
  raised_source_changed = 8,
};

// The lengths of the suite that the path needs (base/esp_suite.h).
struct SuiteLengths {
  uint8_t iv, block, icv;
};

// SAs lie as densely as the keys do, and for the same reason (crypto/esp/hidden_memory.h).
struct InDenseMemory {
  static void* operator new(size_t size) { return crypto::take_key_block(size); }
  static void operator delete(void* block, size_t size) { crypto::give_key_block(block, size); }
};

// Where an SA's packets come from and go to, as they travel.
struct OuterAddresses {
  IpAddress source, destination;  // of one family
  Be16 source_port, destination_port;
  bool udp = false;  // the ports count
};

struct alignas(64) InboundSa : InDenseMemory {
  explicit InboundSa(uint32_t replay_window) : replay(replay_window) {}

  // Constant after publication.
  const crypto::EspKey* key = nullptr;
  const SaCold* cold = nullptr;
  uint32_t spi = 0;  // host order
  // Written by the manager when the SA moves, each for itself: a packet that meets old ones and new ones mixed is at
  // worst dropped for its address.
  std::atomic<Be32> source, destination;  // IPv4, else 0.0.0.0, which no packet has: see SaCold
  std::atomic<Be16> source_port;
  std::atomic<bool> udp_encapsulation{false};
  // Constant again.
  ipc::SaId id;
  ipc::TunnelId tunnel;
  EspSuite suite{};
  SuiteLengths lengths{};
  bool esn : 1 = false;
  bool limited : 1 = false;  // some packet or byte limit is set: packets and bytes below are kept
  Ipv4Ranges selected;       // what they hold needs no look at the selectors
  // Written a few times in an SA's life.
  std::atomic<uint8_t> raised{0};    // SaRaised
  std::atomic<bool> expired{false};  // never cleared

  // Written by any worker.
  alignas(64) ReplayWindow replay;
  std::atomic<uint64_t> packets{0}, bytes{0};

  std::unique_ptr<SaCold> owned_cold;

  void set_outer(const OuterAddresses& addresses);
};
static_assert(offsetof(InboundSa, replay) == 64);

// The outer IP header, and UDP where encapsulated, as every packet of the SA has them: words as they stand on the wire.
struct OuterHeader {
  static constexpr size_t max_length = 48;

  union {
    uint64_t addresses = 0;     // IPv4: source and destination
    const Ipv6Pair* ipv6_pair;  // IPv6: where they stand in SaCold
  };
  uint32_t ports = 0;     // UDP: both
  uint32_t sum : 22 = 0;  // IPv4: of the header's constant 16-bit words, in the order of this machine
  uint32_t udp : 1 = false;
  uint32_t ipv6 : 1 = false;
  uint32_t length : 8 = 20;  // 8 more with UDP

  uint8_t protocol() const { return udp ? 17 : 50; }
  uint16_t hop_limit_and_protocol() const { return Be16(static_cast<uint16_t>(64 << 8 | protocol())).raw(); }
};
static_assert(sizeof(OuterHeader) == 16);

struct alignas(64) OutboundSa : InDenseMemory {
  // Constant after publication.
  const crypto::EspKey* key = nullptr;
  OuterHeader first_outer;  // see outer()
  Be32 spi;
  ipc::SaId id;
  Ipv4Ranges selected;  // as above
  ipc::TunnelId tunnel;
  SuiteLengths lengths{};
  bool esn : 1 = false;
  bool byte_limited : 1 = false;
  std::atomic<uint8_t> raised{0};          // as above
  std::atomic<bool> expired{false};        // as above
  std::atomic<bool> second_in_use{false};  // changed by the manager when the SA moves

  // Written by any worker.
  alignas(64) std::atomic<uint64_t> sequence{0};  // the last one given out; also the count of packets
  uint64_t last_sequence = 0;                     // constant: hard packet limit, or the end of the number space
  uint64_t soft_sequence = 0;                     // constant: past it, soft_expired is raised
  std::atomic<uint64_t> bytes{0};                 // kept with byte_limited
  const SaCold* cold = nullptr;                   // constant
  OuterHeader second_outer;                       // see outer()

  std::unique_ptr<SaCold> owned_cold;

  // The header in use, one of two. It may change between two stages of one worker; what it was stays readable to the
  // end of the iteration.
  const OuterHeader& outer() const {
    return second_in_use.load(std::memory_order_acquire) ? second_outer : first_outer;
  }
  // Writes the header that is not in use, and takes it into use. So before the next call, a grace period has to pass.
  void set_outer(const OuterAddresses& addresses);
};
static_assert(offsetof(OutboundSa, sequence) == 64 && offsetof(OutboundSa, owned_cold) <= 128);

using InboundSaPtr = std::unique_ptr<InboundSa>;
using OutboundSaPtr = std::unique_ptr<OutboundSa>;

// Everything about a SaAdd that can be said without other objects: ids, enumerations, families, selectors, SPI.
Result<void> check(const ipc::SaAdd& add);
// The same about a SaMove, which it gives back in the form that set_outer() takes.
Result<OuterAddresses> check(const ipc::SaMove& move);
// For an `add` that passed check() and has the direction. `crypto` makes the key; its backend must be the workers'.
Result<InboundSaPtr> make_inbound_sa(const ipc::SaAdd& add, const crypto::EspCrypto& crypto);
Result<OutboundSaPtr> make_outbound_sa(const ipc::SaAdd& add, const crypto::EspCrypto& crypto);

}  // namespace sekisho::dataplane
