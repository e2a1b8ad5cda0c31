// intel-ipsec-mb called directly on ESP packets, with nothing around it: what the data path is compared with. GCM by
// the one-packet calls, ChaCha20-Poly1305 by one-packet jobs, CBC with HMAC by the cipher and hash bursts, as many
// packets at a time as a worker's burst has, the longest first. The keys of the packets that follow are prefetched, as
// the data path does. What a call needs of a packet's header (nonce, additional data) was laid out before; no ICV is
// compared. Where the build or the processor has no ipsec-mb (EspCrypto::available), none of this may be used.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/esp_suite.h"

namespace sekisho::dataplane::bench {

std::string ipsec_mb_version();

enum class CryptoWork : uint8_t { seal, open };

struct RawPacket {
  uint8_t* esp;
  uint16_t length;
  uint16_t key;  // its number in RawKeys
};

// Expanded keys, in memory of the same kind as the data path's; numbered in the order in which they were added.
class RawKeys {
 public:
  explicit RawKeys(EspSuite suite);
  ~RawKeys();
  void add(ByteView material);

 private:
  friend class RawCrypto;
  struct State;
  std::unique_ptr<State> state_;
};

// One thread's.
class RawCrypto {
 public:
  // `keys` outlives it.
  explicit RawCrypto(const RawKeys& keys);
  ~RawCrypto();

  // Seals or opens the packets in place; returns TSC cycles.
  uint64_t run(CryptoWork work, std::vector<RawPacket> packets);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sekisho::dataplane::bench
