// Packets and keys for the tests of EspCrypto.
#pragma once

#include <algorithm>
#include <map>
#include <random>
#include <vector>

#include "crypto/esp/esp_crypto.h"
#include "fixed_random.h"

namespace sekisho::crypto {

// Those that this machine has, the fastest first and OpenSSL last.
inline const std::vector<EspBackend> backends = [] {
  std::vector<EspBackend> all = {EspBackend::ipsec_mb, EspBackend::ipsec_mb_alone, EspBackend::openssl};
  std::erase_if(all, [](EspBackend backend) { return !EspCrypto::available(backend); });
  return all;
}();

inline EspSuite suite_at(size_t index) { return static_cast<EspSuite>(index); }

inline uint32_t overhead(EspSuite suite) { return 8u + info(suite).iv + info(suite).icv; }

// SPI 0x01020304, the sequence number, and `text` where payload and trailer lie; room for IV and ICV.
inline Bytes plain_packet(EspSuite suite, uint32_t sequence, ByteView text) {
  ByteWriter out;
  out.u32(0x01020304);
  out.u32(sequence);
  out.zeros(info(suite).iv);
  out.bytes(text);
  out.zeros(info(suite).icv);
  return std::move(out).take();
}

inline ByteView text_of(EspSuite suite, ByteView packet) {
  return packet.subspan(8u + info(suite).iv, packet.size() - overhead(suite));
}

inline EspJob job_for(const EspKeyPtr& key, uint8_t* esp, size_t length, uint32_t sequence_high = 0) {
  return {.key = key.get(), .esp = esp, .length = static_cast<uint32_t>(length), .sequence_high = sequence_high};
}

inline bool seal_one(EspCrypto& crypto, const EspKeyPtr& key, Bytes& packet, uint32_t sequence_high = 0) {
  EspJob job = job_for(key, packet.data(), packet.size(), sequence_high);
  crypto.seal({&job, 1});
  return job.ok;
}

inline bool open_one(EspCrypto& crypto, const EspKeyPtr& key, Bytes& packet, uint32_t sequence_high = 0) {
  EspJob job = job_for(key, packet.data(), packet.size(), sequence_high);
  crypto.open({&job, 1});
  return job.ok;
}

inline EspKeyPtr counting_key(const EspCrypto& crypto, EspSuite suite, bool esn, uint8_t first = 1) {
  return crypto.make_key(suite, esn, counting(info(suite).key_material(), first));
}

}  // namespace sekisho::crypto
