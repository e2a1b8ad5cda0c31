// intel-ipsec-mb called directly on ESP packets, with nothing around it: what the data path is compared with. GCM by
// the one-packet calls, ChaCha20-Poly1305 by one-packet jobs, CBC with HMAC by the cipher and hash bursts, as many
// packets at a time as a worker's burst has, the longest first. What a call needs of a packet's header (nonce,
// additional data) was laid out before; no ICV is compared.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/esp_suite.h"

namespace sekisho::perf {

enum class Direction : uint8_t { encrypt, decrypt };

struct RawPacket {
  uint8_t* esp;
  uint16_t length;
  uint16_t tunnel;
};

class RawCrypto {
 public:
  RawCrypto();
  ~RawCrypto();

  void set_keys(EspSuite suite, std::span<const Bytes> keys);
  // Seals or opens the packets in place; returns TSC cycles.
  uint64_t run(Direction direction, std::vector<RawPacket> packets);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sekisho::perf
