// What EspCrypto computes: known answers, one backend against the other, and what must not open.
#include <catch2/catch.hpp>
#include <set>
#include <thread>

#include "crypto/openssl.h"
#include "esp_packets.h"
#include "esp_vectors.h"

namespace sekisho::crypto {

constexpr EspSuite combined_suites[] = {EspSuite::aes128gcm16, EspSuite::aes256gcm16, EspSuite::chacha20poly1305};

TEST_CASE("lengths of ESP packets are exact") {
  for (size_t s = 0; s < esp_suite_count; ++s) {
    const EspSuite suite = suite_at(s);
    const uint32_t step = info(suite).combined_mode() ? 4 : 16;
    for (uint32_t length = 0; length < 2000; ++length) {
      const bool legal = length >= overhead(suite) + step && (length - overhead(suite)) % step == 0;
      CHECK(EspCrypto::valid_length(suite, length) == legal);
    }
  }
}

TEST_CASE("keys take exactly the suite's material") {
  for (const EspBackend backend : backends) {
    const auto crypto = EspCrypto::create(backend);
    for (size_t s = 0; s < esp_suite_count; ++s) {
      const size_t size = info(suite_at(s)).key_material();
      CHECK(crypto->make_key(suite_at(s), false, counting(size)) != nullptr);
      CHECK_THROWS(crypto->make_key(suite_at(s), false, counting(size - 1)));
      CHECK_THROWS(crypto->make_key(suite_at(s), false, counting(size + 1)));
    }
  }
}

// draft-mcgrew-gcm-test-01, first test case: an ESP packet with extended sequence numbers.
TEST_CASE("GCM opens the published ESP packet") {
  const Bytes material = from_hex("4c80cdefbb5d10da906ac73c3613a634 2e443b68");
  const Bytes packet = from_hex(
      "00004321 00000000 4956ed7e3b244cfe fecf537e729d5b07dc30df528dd22b768d1b98736696a6fd348509fa13ceac34cfa2436f14a3"
      "f3cf65925bf1f4a13c5d15b21e1884f5ff6247aeabb786b93bce61bc17d768fd9732459018148f6cbe722fd04796562dfdb4");
  const Bytes text = from_hex(
      "45000048699a000080114db7c0a80102c0a801010a9bf15638d3010000010000000000000 45f736970045f7564700373697009"
      "63796265726369747902646b0000210001 01020201");
  for (const EspBackend backend : backends) {
    const auto crypto = EspCrypto::create(backend);
    const auto key = crypto->make_key(EspSuite::aes128gcm16, true, material);
    Bytes work = packet;
    CHECK(open_one(*crypto, key, work, 0x87654321));
    CHECK(std::ranges::equal(text_of(EspSuite::aes128gcm16, work), text));
    work = packet;
    CHECK_FALSE(open_one(*crypto, key, work, 0x87654320));
  }
}

TEST_CASE("the backends open what scapy sealed, and seal combined modes as scapy does") {
  const Bytes inner = from_hex(esp_vector_inner);
  for (const EspBackend backend : backends)
    for (const EspVector& vector : esp_vectors) {
      CAPTURE(vector.suite, vector.esn);
      const EspSuite suite = *find_esp_suite(vector.suite);
      const auto crypto = EspCrypto::create(backend);
      const auto key = counting_key(*crypto, suite, vector.esn);
      const Bytes packet = from_hex(vector.packet);
      REQUIRE(EspCrypto::valid_length(suite, static_cast<uint32_t>(packet.size())));
      Bytes work = packet;
      REQUIRE(open_one(*crypto, key, work, 5));
      const ByteView text = text_of(suite, work);
      CHECK(std::equal(inner.begin(), inner.end(), text.begin()));
      CHECK(text.back() == 4);  // next header: IPv4

      Bytes sealed = plain_packet(suite, 6, text);
      CHECK(seal_one(*crypto, key, sealed, 5));
      if (info(suite).combined_mode()) CHECK(sealed == packet);
      CHECK(sealed != work);
    }
}

// RFC 7634 appendix A: an ESP packet without ESN, whose IV is not its sequence number.
TEST_CASE("ChaCha20-Poly1305 opens the published ESP packet") {
  Bytes material = counting(32, 0x80);
  const Bytes salt = from_hex("a0a1a2a3");
  material.insert(material.end(), salt.begin(), salt.end());
  const Bytes packet = from_hex(
      "01020304 00000005 1011121314151617 24039428b97f417e3c13753a4f05087b67c352e6a7fab1b982d466ef407ae5c614ee8099d528"
      "44eb61aa95dfab4c02f72aa71e7c4c4f64c9befe2facc638e8f3cbec163fac469b502773f6fb94e664da9165b82829f641e0"
      "76aaa8266b7fb0f7b11b369907e1ad43");
  const Bytes text = from_hex(
      "45000054a6f200004001e778c6336405c000020508005b7a3a080000553bec100007362708090a0b0c0d0e0f101112131415161718191a1b"
      "1c1d1e1f202122232425262728292a2b2c2d2e2f3031323334353637 01020204");
  for (const EspBackend backend : backends) {
    const auto crypto = EspCrypto::create(backend);
    const auto key = crypto->make_key(EspSuite::chacha20poly1305, false, material);
    Bytes work = packet;
    REQUIRE(open_one(*crypto, key, work));
    CHECK(std::ranges::equal(text_of(EspSuite::chacha20poly1305, work), text));
  }
}

// RFC 3602 section 4 case 2 and NIST SP 800-38A F.2.5: their IV and ciphertext, under an ICV made by the other
// backend's HMAC over them (the HMACs themselves stand in the scapy packets).
TEST_CASE("CBC decrypts the published ciphertexts") {
  struct Vector {
    EspSuite suite;
    const char *key, *iv, *ciphertext, *text;
  };
  const Vector vectors[] = {
      {EspSuite::aes128_sha256, "c286696d887c9aa0611bbb3e2025a45a", "562e17996d093d28ddb3ba695a2e6f58",
       "d296cd94c2cccf8a3a863028b5e1dc0a7586602d253cfff91b8266bea6d61ab1",
       "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"},
      {EspSuite::aes256_sha256, "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
       "000102030405060708090a0b0c0d0e0f", "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d",
       "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"},
  };
  for (const EspBackend backend : backends)
    for (const Vector& vector : vectors) {
      const auto crypto = EspCrypto::create(backend);
      Bytes material = from_hex(vector.key);
      const Bytes integrity_key = counting(32);
      material.insert(material.end(), integrity_key.begin(), integrity_key.end());
      const auto key = crypto->make_key(vector.suite, false, material);
      ByteWriter packet;
      packet.u32(0x8765);
      packet.u32(2);
      packet.bytes(from_hex(vector.iv));
      packet.bytes(from_hex(vector.ciphertext));
      std::array<uint8_t, 16> icv;
      hmac("SHA256", integrity_key, {packet.view()}, icv);
      packet.bytes(icv);
      Bytes work = std::move(packet).take();
      REQUIRE(open_one(*crypto, key, work));
      const ByteView text = text_of(vector.suite, work);
      CHECK(Bytes(text.begin(), text.end()) == from_hex(vector.text));
    }
}

TEST_CASE("a combined mode's IV is the sequence number; CBC's IVs are fresh") {
  for (const EspBackend backend : backends) {
    const auto crypto = EspCrypto::create(backend);
    for (const EspSuite suite : combined_suites)
      for (const bool esn : {false, true}) {
        const auto key = counting_key(*crypto, suite, esn);
        Bytes packet = plain_packet(suite, 0xfffffffe, counting(40));
        REQUIRE(seal_one(*crypto, key, packet, 0x11223344));
        const Bytes iv(packet.begin() + 8, packet.begin() + 16);
        CHECK(iv == from_hex(esn ? "11223344fffffffe" : "00000000fffffffe"));
      }
    const auto other = EspCrypto::create(backend);
    std::set<Bytes> ivs;
    std::array<size_t, 256> first_byte{};
    for (EspCrypto* worker : {crypto.get(), other.get()}) {
      const auto key = counting_key(*worker, EspSuite::aes128_sha256, false);
      for (int i = 0; i < 5000; ++i) {
        Bytes packet = plain_packet(EspSuite::aes128_sha256, 1, counting(16));
        seal_one(*worker, key, packet);
        ivs.emplace(packet.begin() + 8, packet.begin() + 24);
        ++first_byte[packet[8]];
      }
    }
    CHECK(ivs.size() == 10000);
    // 39 of each on average; 0 or 120 has a chance below 10^-15.
    CHECK(std::ranges::all_of(first_byte, [](size_t count) { return count > 0 && count < 120; }));
  }
}

TEST_CASE("every byte of a packet counts, and so does the sequence number's high half with ESN") {
  for (const EspBackend backend : backends)
    for (size_t s = 0; s < esp_suite_count; ++s)
      for (const bool esn : {false, true}) {
        const EspSuite suite = suite_at(s);
        CAPTURE(info(suite).name, esn);
        const auto crypto = EspCrypto::create(backend);
        const auto key = counting_key(*crypto, suite, esn), wrong = counting_key(*crypto, suite, esn, 2);
        Bytes packet = plain_packet(suite, 7, counting(32));
        REQUIRE(seal_one(*crypto, key, packet, 3));
        for (size_t at = 0; at < packet.size(); ++at) {
          Bytes work = packet;
          work[at] ^= static_cast<uint8_t>(1 << at % 8);
          CHECK_FALSE(open_one(*crypto, key, work, 3));
        }
        Bytes work = packet;
        CHECK_FALSE(open_one(*crypto, wrong, work, 3));
        work = packet;
        CHECK(open_one(*crypto, key, work, 4) == !esn);
        work = packet;
        CHECK(open_one(*crypto, key, work, 3));
      }
}

namespace {

// One packet of the big mixture: where it lies in memory, and what it holds.
struct Case {
  size_t key = 0;
  uint32_t sequence_high = 0;
  size_t offset = 0;  // of the packet in its buffer: alignments differ
  Bytes text;
  Bytes buffer;
  bool tampered = false;

  size_t length(EspSuite suite) const { return text.size() + overhead(suite); }
  ByteView packet(EspSuite suite) const { return ByteView(buffer).subspan(offset, length(suite)); }
};

// The same keys for both backends.
struct KeyPair {
  EspSuite suite;
  std::array<EspKeyPtr, 2> keys;
};

class Mixture {
 public:
  explicit Mixture(uint32_t seed) : random_(seed) {
    for (size_t s = 0; s < esp_suite_count; ++s)
      for (const bool esn : {false, true})
        for (const uint8_t first : {7, 99}) {
          KeyPair pair{suite_at(s), {}};
          for (size_t b = 0; b < 2; ++b) pair.keys[b] = counting_key(*crypto_[b], pair.suite, esn, first);
          keys_.push_back(std::move(pair));
        }
  }

  // A packet of every legal length up to 2000 under every key, in random order.
  std::vector<Case> every_length() {
    std::vector<Case> cases;
    for (size_t k = 0; k < keys_.size(); ++k) {
      const EspSuite suite = keys_[k].suite;
      for (uint32_t length = 1; length <= 2000; ++length)
        if (EspCrypto::valid_length(suite, length)) cases.push_back(make_case(k, length - overhead(suite)));
    }
    std::ranges::shuffle(cases, random_);
    return cases;
  }

  // Seals with one backend and opens with the other, in batches of any size; some packets are tampered with in between.
  void run(std::vector<Case> cases, size_t sealer) {
    for (size_t at = 0; at < cases.size();) {
      const auto batch = std::span(cases).subspan(at, std::min(cases.size() - at, below(150) + 1));
      at += batch.size();
      std::vector<EspJob> jobs = jobs_for(batch, sealer);
      crypto_[sealer]->seal(jobs);
      for (size_t i = 0; i < batch.size(); ++i) {
        REQUIRE(jobs[i].ok);
        spoil_some(batch[i]);
      }
      jobs = jobs_for(batch, 1 - sealer);
      crypto_[1 - sealer]->open(jobs);
      for (size_t i = 0; i < batch.size(); ++i) check_opened(batch[i], jobs[i].ok);
    }
  }

 private:
  size_t below(size_t bound) { return std::uniform_int_distribution<size_t>(0, bound - 1)(random_); }

  Case make_case(size_t key, size_t text_size) {
    const EspSuite suite = keys_[key].suite;
    Case made{.key = key, .sequence_high = static_cast<uint32_t>(random_()), .offset = below(64)};
    made.text.resize(text_size);
    std::ranges::generate(made.text, [this] { return static_cast<uint8_t>(random_()); });
    const Bytes packet = plain_packet(suite, static_cast<uint32_t>(random_()), made.text);
    made.buffer.assign(made.offset, 0xee);
    made.buffer.insert(made.buffer.end(), packet.begin(), packet.end());
    made.buffer.insert(made.buffer.end(), 16, 0xee);
    return made;
  }

  std::vector<EspJob> jobs_for(std::span<Case> batch, size_t backend) {
    std::vector<EspJob> jobs;
    for (Case& c : batch)
      jobs.push_back(job_for(keys_[c.key].keys[backend], c.buffer.data() + c.offset, c.length(keys_[c.key].suite),
                             c.sequence_high));
    return jobs;
  }

  void spoil_some(Case& c) {
    c.tampered = below(4) == 0;
    if (c.tampered) c.buffer[c.offset + below(c.length(keys_[c.key].suite))] ^= static_cast<uint8_t>(1 << below(8));
  }

  void check_opened(const Case& c, bool ok) {
    const EspSuite suite = keys_[c.key].suite;
    CAPTURE(info(suite).name, c.text.size(), c.offset, c.tampered);
    REQUIRE(ok == !c.tampered);
    if (ok) REQUIRE(std::ranges::equal(text_of(suite, c.packet(suite)), c.text));
    const auto is_margin = [](uint8_t byte) { return byte == 0xee; };
    REQUIRE(std::all_of(c.buffer.begin(), c.buffer.begin() + static_cast<ptrdiff_t>(c.offset), is_margin));
    REQUIRE(std::all_of(c.buffer.end() - 16, c.buffer.end(), is_margin));
  }

  std::mt19937 random_;
  std::array<std::unique_ptr<EspCrypto>, 2> crypto_ = {EspCrypto::create(backends.front()),
                                                       EspCrypto::create(backends.back())};
  std::vector<KeyPair> keys_;
};

}  // namespace

TEST_CASE("each backend opens what the other sealed: every suite and length, mixed, with failures in between") {
  Mixture mixture(20240229);
  mixture.run(mixture.every_length(), 0);
  mixture.run(mixture.every_length(), 1);
}

TEST_CASE("both backends seal combined modes to the same bytes") {
  const auto a = EspCrypto::create(backends.front()), b = EspCrypto::create(backends.back());
  for (const EspSuite suite : combined_suites)
    for (const bool esn : {false, true}) {
      const auto key_a = counting_key(*a, suite, esn), key_b = counting_key(*b, suite, esn);
      // At 53,760 bytes every size that a chunk of the kernel may have leaves a row for the last one.
      for (size_t size = 4; size < 53'900; size += size == 2000 ? 51'700 : 4) {
        Bytes packet_a = plain_packet(suite, static_cast<uint32_t>(size), counting(size)), packet_b = packet_a;
        REQUIRE(seal_one(*a, key_a, packet_a, 9));
        REQUIRE(seal_one(*b, key_b, packet_b, 9));
        REQUIRE(packet_a == packet_b);
      }
    }
}

TEST_CASE("an empty batch is nothing to do") {
  for (const EspBackend backend : backends) {
    const auto crypto = EspCrypto::create(backend);
    crypto->seal({});
    crypto->open({});
  }
}

TEST_CASE("workers share a key") {
  for (const EspBackend backend : backends)
    for (const EspSuite suite : {EspSuite::aes128gcm16, EspSuite::chacha20poly1305, EspSuite::aes256_sha512}) {
      const auto key = counting_key(*EspCrypto::create(backend), suite, false);  // outlives the one that made it
      std::array<int, 2> opened{};
      const auto work = [&](size_t worker) {
        const auto crypto = EspCrypto::create(backend);
        for (uint32_t i = 0; i < 300; ++i) {
          Bytes packet = plain_packet(suite, i, counting(16 * (1 + i % 20)));
          opened[worker] += seal_one(*crypto, key, packet) && open_one(*crypto, key, packet);
        }
      };
      std::thread other(work, 1);
      work(0);
      other.join();
      CHECK(opened == std::array<int, 2>{300, 300});
    }
}

}  // namespace sekisho::crypto
