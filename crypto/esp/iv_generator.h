// Unpredictable IVs for CBC (RFC 3602 section 3) without a system call per packet: AES-256 in counter mode under a key
// from the kernel's generator, drawn once. The counter never repeats, so neither does an IV of one generator.
#pragma once

#include <cstring>

#include "crypto/esp/hidden_memory.h"
#include "crypto/openssl.h"

namespace sekisho::crypto {

class IvGenerator {
 public:
  IvGenerator();

  // Writes 16 bytes.
  void next(uint8_t* out) {
    if (at_ == buffered_) refill();
    std::memcpy(out, bytes_ + at_, 16);
    at_ += 16;
  }

 private:
  static constexpr size_t buffered_ = 4096;
  void refill();

  HiddenPages pages_{buffered_};
  uint8_t* bytes_ = static_cast<uint8_t*>(pages_.data());
  size_t at_ = buffered_;
  CipherContextPtr cipher_;
};

}  // namespace sekisho::crypto
