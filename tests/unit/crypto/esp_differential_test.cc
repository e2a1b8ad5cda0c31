// A million random GCM packets, in bursts of any keys and lengths: the fast backends write the bytes that OpenSSL
// writes, open what is genuine and refuse what is not.
#define CATCH_CONFIG_RUNNER  // own main(): without a fast backend the whole test is skipped
#include <array>
#include <catch2/catch.hpp>
#include <cstdio>

#include "crypto/esp/gcm_kernel.h"
#include "esp_packets.h"

namespace sekisho::crypto {
namespace {

constexpr size_t packets = 1'000'000;
constexpr uint32_t longest = 9000;
constexpr size_t most_jobs = 150;  // more than the backends work on at once
constexpr size_t margin = 64;      // around a packet, to see what is written beside it

// splitmix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators), since a million packets want
// gigabytes.
class FastRandom {
 public:
  explicit FastRandom(uint64_t seed) : state_(seed) {}
  uint64_t next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  uint32_t below(uint32_t bound) { return static_cast<uint32_t>((next() >> 32) * bound >> 32); }

 private:
  uint64_t state_;
};

struct Keys {
  bool esn;
  EspKeyPtr tested, reference;
};

struct Buffer {
  alignas(64) std::array<uint8_t, margin + 64 + longest + margin> bytes;
};

class Comparison {
 public:
  Comparison(EspBackend backend, uint64_t seed) : random_(seed), tested_(EspCrypto::create(backend)) {
    for (uint8_t& byte : pool_) byte = static_cast<uint8_t>(random_.next());
    for (const EspSuite suite : {EspSuite::aes128gcm16, EspSuite::aes256gcm16})
      for (const bool esn : {false, true})
        for (int i = 0; i < 5; ++i) {
          const size_t size = info(suite).key_material();
          const ByteView material = ByteView(pool_).subspan(random_.below(1000), size);
          keys_.push_back({esn, tested_->make_key(suite, esn, material), reference_->make_key(suite, esn, material)});
        }
  }

  void run() {
    size_t opened = 0, refused = 0;
    for (size_t made = 0; made < packets; made += jobs_) {
      make_burst(made);
      tested_->seal(std::span(tested_jobs_).first(jobs_));
      reference_->seal(std::span(reference_jobs_).first(jobs_));
      for (size_t i = 0; i < jobs_; ++i) {
        CAPTURE(made + i, tested_jobs_[i].length, offsets_[i]);
        if (!sealed_alike(i)) FAIL("differs from the reference");
        spoil(i);
      }
      tested_->open(std::span(tested_jobs_).first(jobs_));
      for (size_t i = 0; i < jobs_; ++i) {
        CAPTURE(made + i, tested_jobs_[i].length, offsets_[i], spoilt_[i]);
        if (tested_jobs_[i].ok == spoilt_[i]) FAIL("not told apart");
        if (!spoilt_[i] && !opened_right(i)) FAIL("opened to something else");
        ++(spoilt_[i] ? refused : opened);
      }
    }
    CHECK(opened + refused >= packets);
    CHECK(opened > packets / 2);
    CHECK(refused > packets / 100);
  }

 private:
  // Every length in turn, and as often a short one: those have the most code of their own.
  uint32_t text_length(size_t number) {
    constexpr uint32_t lengths = (longest - 32) / 4;
    return 4 * (1 + (random_.below(2) ? random_.below(80) : static_cast<uint32_t>(number) % lengths));
  }

  void make_burst(size_t number) {
    jobs_ = 1 + random_.below(random_.below(8) ? 64 : most_jobs);
    const bool alike = random_.below(3) == 0;
    uint32_t length = text_length(number);
    for (size_t i = 0; i < jobs_; ++i) {
      if (!alike) length = text_length(number + i);
      const Keys& keys = keys_[random_.below(static_cast<uint32_t>(keys_.size()))];
      esn_[i] = keys.esn;
      offsets_[i] = margin + random_.below(64);
      texts_[i] = ByteView(pool_).subspan(random_.below(4096), length);
      const uint32_t sequence_high = random_.below(4) ? static_cast<uint32_t>(random_.next()) : 0;
      Buffer& buffer = tested_buffers_[i];
      uint8_t* esp = buffer.bytes.data() + offsets_[i];
      std::fill_n(esp - margin, margin, uint8_t{0xee});
      std::fill_n(esp + length + 32, margin, uint8_t{0xee});
      const uint64_t header[] = {random_.next(), random_.next()};
      std::memcpy(esp, header, sizeof header);
      std::ranges::copy(texts_[i], esp + 16);
      std::memcpy(reference_buffers_[i].bytes.data(), esp, length + 32);
      tested_jobs_[i] = job_for(keys.tested, esp, length + 32, sequence_high);
      reference_jobs_[i] = job_for(keys.reference, reference_buffers_[i].bytes.data(), length + 32, sequence_high);
    }
  }

  bool margins_whole(size_t i) {
    const EspJob& job = tested_jobs_[i];
    const auto whole = [](const uint8_t* bytes) {
      return std::all_of(bytes, bytes + margin, [](uint8_t byte) { return byte == 0xee; });
    };
    return whole(job.esp - margin) && whole(job.esp + job.length);
  }

  bool sealed_alike(size_t i) {
    const EspJob &job = tested_jobs_[i], &reference = reference_jobs_[i];
    return job.ok && reference.ok && std::memcmp(job.esp, reference.esp, job.length) == 0 && margins_whole(i);
  }

  bool opened_right(size_t i) {
    const EspJob& job = tested_jobs_[i];
    return std::memcmp(job.esp + 16, texts_[i].data(), texts_[i].size()) == 0 &&
           std::memcmp(job.esp, reference_jobs_[i].esp, 16) == 0 && margins_whole(i);
  }

  // A bit of one packet in four: of the header, the IV, the ciphertext, the ICV, or of what is not sent.
  void spoil(size_t i) {
    EspJob& job = tested_jobs_[i];
    spoilt_[i] = random_.below(4) == 0;
    if (!spoilt_[i]) return;
    if (esn_[i] && random_.below(4) == 0) {
      job.sequence_high ^= 1u << random_.below(32);
      return;
    }
    const uint32_t at = random_.below(3) == 0   ? random_.below(16)
                        : random_.below(2) == 0 ? job.length - 1 - random_.below(16)
                                                : random_.below(job.length);
    job.esp[at] ^= static_cast<uint8_t>(1u << random_.below(8));
  }

  FastRandom random_;
  std::unique_ptr<EspCrypto> tested_, reference_ = EspCrypto::create(EspBackend::openssl);
  std::vector<Keys> keys_;
  std::array<uint8_t, 4096 + longest> pool_;
  size_t jobs_ = 0;
  std::array<EspJob, most_jobs> tested_jobs_, reference_jobs_;
  std::array<Buffer, most_jobs> tested_buffers_, reference_buffers_;
  std::array<size_t, most_jobs> offsets_;
  std::array<ByteView, most_jobs> texts_;
  std::array<bool, most_jobs> esn_, spoilt_;
};

}  // namespace

TEST_CASE("a million GCM packets: the own kernel") {
  if (!gcm_kernel_supported()) {
    WARN("not tested: this processor cannot run the kernel, or the build has none");
    return;
  }
  std::make_unique<Comparison>(EspBackend::ipsec_mb, 20261121)->run();
}

TEST_CASE("a million GCM packets: the library alone") {
  std::make_unique<Comparison>(EspBackend::ipsec_mb_alone, 20261122)->run();
}

}  // namespace sekisho::crypto

int main(int argc, char** argv) {
  constexpr int skipped = 77;  // as meson understands it
  if (!sekisho::crypto::EspCrypto::available(sekisho::crypto::EspBackend::ipsec_mb_alone)) {
    std::puts("skipped: OpenSSL alone computes ESP here");
    return skipped;
  }
  return Catch::Session().run(argc, argv);
}
