#include "tests/perf/raw_crypto.h"

#include <intel-ipsec-mb.h>
#include <rte_cycles.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <stdexcept>

#include "dataplane/stage/burst.h"
#include "tests/perf/traffic.h"

namespace sekisho::perf {
namespace {

struct alignas(64) RawKey {
  gcm_key_data gcm;
  std::array<uint8_t, 32> chacha;
  std::array<uint8_t, 4> salt;
  alignas(16) std::array<uint8_t, 240> encrypt, decrypt;
  alignas(16) std::array<uint8_t, 64> inner, outer;
};

struct alignas(16) Nonce {
  std::array<uint8_t, 12> bytes;
};

IMB_HASH_ALG hash_of(EspSuite suite) {
  switch (info(suite).auth_key) {
    case 20:
      return IMB_AUTH_HMAC_SHA_1;
    case 32:
      return IMB_AUTH_HMAC_SHA_256;
    case 48:
      return IMB_AUTH_HMAC_SHA_384;
    default:
      return IMB_AUTH_HMAC_SHA_512;
  }
}

// Within each burst, since the lanes are full for longest that way.
void longest_first(std::span<RawPacket> packets) {
  while (!packets.empty()) {
    const auto burst = packets.first(std::min<size_t>(packets.size(), dataplane::burst_size));
    std::ranges::sort(burst, std::greater<>(), &RawPacket::length);
    packets = packets.subspan(burst.size());
  }
}

}  // namespace

struct RawCrypto::State {
  State() : manager(alloc_mb_mgr(0)) {
    if (manager == nullptr) throw std::runtime_error("alloc_mb_mgr");
    init_mb_mgr_auto(manager, nullptr);
  }
  ~State() { free_mb_mgr(manager); }

  RawKey expand(ByteView material);
  void key_block(ByteView key, uint8_t pad, void* out);
  void run_gcm(Direction direction, std::span<const RawPacket> packets);
  void run_chacha(Direction direction, std::span<const RawPacket> packets);
  void run_cbc(Direction direction, std::span<const RawPacket> packets);

  IMB_MGR* manager;
  EspSuite suite{};
  std::vector<RawKey> keys;
  std::vector<Nonce> nonces;
  std::array<IMB_JOB, dataplane::burst_size> jobs{};
  gcm_context_data context;
  std::array<std::array<uint8_t, 64>, dataplane::burst_size> tags;
};

void RawCrypto::State::key_block(ByteView key, uint8_t pad, void* out) {
  std::array<uint8_t, 128> block;
  block.fill(pad);
  for (size_t i = 0; i < key.size(); ++i) block[i] ^= key[i];
  switch (key.size()) {
    case 20:
      return IMB_SHA1_ONE_BLOCK(manager, block.data(), out);
    case 32:
      return IMB_SHA256_ONE_BLOCK(manager, block.data(), out);
    case 48:
      return IMB_SHA384_ONE_BLOCK(manager, block.data(), out);
    default:
      return IMB_SHA512_ONE_BLOCK(manager, block.data(), out);
  }
}

RawKey RawCrypto::State::expand(ByteView material) {
  RawKey key{};
  const EspSuiteInfo& suite_info = info(suite);
  const bool short_key = suite_info.cipher_key == 16;
  if (suite_info.combined_mode()) {
    std::ranges::copy(material.last(4), key.salt.begin());
    if (suite_info.cipher == EspCipher::chacha20_poly1305)
      std::ranges::copy(material.first(32), key.chacha.begin());
    else if (short_key)
      IMB_AES128_GCM_PRE(manager, material.data(), &key.gcm);
    else
      IMB_AES256_GCM_PRE(manager, material.data(), &key.gcm);
    return key;
  }
  if (short_key)
    IMB_AES_KEYEXP_128(manager, material.data(), key.encrypt.data(), key.decrypt.data());
  else
    IMB_AES_KEYEXP_256(manager, material.data(), key.encrypt.data(), key.decrypt.data());
  key_block(material.last(suite_info.auth_key), 0x36, key.inner.data());
  key_block(material.last(suite_info.auth_key), 0x5c, key.outer.data());
  return key;
}

void RawCrypto::State::run_gcm(Direction direction, std::span<const RawPacket> packets) {
  const bool short_key = info(suite).cipher_key == 16;
  const aes_gcm_enc_dec_t work = direction == Direction::encrypt
                                     ? (short_key ? manager->gcm128_enc : manager->gcm256_enc)
                                     : (short_key ? manager->gcm128_dec : manager->gcm256_dec);
  for (size_t i = 0; i < packets.size(); ++i) {
    const RawPacket& packet = packets[i];
    uint8_t* text = packet.esp + 16;
    const size_t length = packet.length - 32u;
    uint8_t* icv = direction == Direction::encrypt ? text + length : tags[0].data();
    work(&keys[packet.tunnel].gcm, &context, text, text, length, nonces[i].bytes.data(), packet.esp, 8, icv, 16);
  }
}

void RawCrypto::State::run_chacha(Direction direction, std::span<const RawPacket> packets) {
  const bool encrypt = direction == Direction::encrypt;
  for (size_t i = 0; i < packets.size(); ++i) {
    const RawPacket& packet = packets[i];
    IMB_JOB& job = *IMB_GET_NEXT_JOB(manager);
    job.cipher_mode = IMB_CIPHER_CHACHA20_POLY1305;
    job.hash_alg = IMB_AUTH_CHACHA20_POLY1305;
    job.cipher_direction = encrypt ? IMB_DIR_ENCRYPT : IMB_DIR_DECRYPT;
    job.chain_order = encrypt ? IMB_ORDER_CIPHER_HASH : IMB_ORDER_HASH_CIPHER;
    job.enc_keys = job.dec_keys = keys[packet.tunnel].chacha.data();
    job.key_len_in_bytes = 32;
    job.src = packet.esp;
    job.dst = packet.esp + 16;
    job.cipher_start_src_offset_in_bytes = job.hash_start_src_offset_in_bytes = 16;
    job.msg_len_to_cipher_in_bytes = job.msg_len_to_hash_in_bytes = packet.length - 32u;
    job.iv = nonces[i].bytes.data();
    job.iv_len_in_bytes = 12;
    job.u.CHACHA20_POLY1305.aad = packet.esp;
    job.u.CHACHA20_POLY1305.aad_len_in_bytes = 8;
    job.auth_tag_output = encrypt ? packet.esp + packet.length - 16 : tags[0].data();
    job.auth_tag_output_len_in_bytes = 16;
    IMB_SUBMIT_JOB_NOCHECK(manager);
  }
}

void RawCrypto::State::run_cbc(Direction direction, std::span<const RawPacket> packets) {
  const EspSuiteInfo& suite_info = info(suite);
  const bool encrypt = direction == Direction::encrypt;
  while (!packets.empty()) {
    const auto burst = packets.first(std::min(packets.size(), jobs.size()));
    packets = packets.subspan(burst.size());
    for (size_t i = 0; i < burst.size(); ++i) {
      const RawPacket& packet = burst[i];
      const RawKey& key = keys[packet.tunnel];
      IMB_JOB& job = jobs[i];
      job.enc_keys = key.encrypt.data();
      job.dec_keys = key.decrypt.data();
      job.key_len_in_bytes = suite_info.cipher_key;
      job.src = packet.esp;
      job.dst = packet.esp + 24;
      job.cipher_start_src_offset_in_bytes = 24;
      job.msg_len_to_cipher_in_bytes = packet.length - 24u - suite_info.icv;
      job.iv = packet.esp + 8;
      job.iv_len_in_bytes = 16;
      job.msg_len_to_hash_in_bytes = packet.length - size_t{suite_info.icv};
      job.u.HMAC._hashed_auth_key_xor_ipad = key.inner.data();
      job.u.HMAC._hashed_auth_key_xor_opad = key.outer.data();
      job.auth_tag_output = encrypt ? packet.esp + packet.length - suite_info.icv : tags[i].data();
      job.auth_tag_output_len_in_bytes = suite_info.icv;
    }
    const auto count = static_cast<uint32_t>(burst.size());
    const auto key_size = static_cast<IMB_KEY_SIZE_BYTES>(suite_info.cipher_key);
    const IMB_CIPHER_DIRECTION way = encrypt ? IMB_DIR_ENCRYPT : IMB_DIR_DECRYPT;
    if (encrypt) IMB_SUBMIT_CIPHER_BURST_NOCHECK(manager, jobs.data(), count, IMB_CIPHER_CBC, way, key_size);
    IMB_SUBMIT_HASH_BURST_NOCHECK(manager, jobs.data(), count, hash_of(suite));
    if (!encrypt) IMB_SUBMIT_CIPHER_BURST_NOCHECK(manager, jobs.data(), count, IMB_CIPHER_CBC, way, key_size);
  }
}

RawCrypto::RawCrypto() : state_(std::make_unique<State>()) {}
RawCrypto::~RawCrypto() = default;

void RawCrypto::set_keys(EspSuite suite, std::span<const Bytes> keys) {
  state_->suite = suite;
  state_->keys.clear();
  for (const Bytes& key : keys) state_->keys.push_back(state_->expand(key));
}

uint64_t RawCrypto::run(Direction direction, std::vector<RawPacket> packets) {
  const bool combined = info(state_->suite).combined_mode();
  if (!combined) longest_first(packets);
  state_->nonces.resize(packets.size());
  for (size_t i = 0; i < packets.size() && combined; ++i) {
    std::ranges::copy(state_->keys[packets[i].tunnel].salt, state_->nonces[i].bytes.begin());
    std::memcpy(state_->nonces[i].bytes.data() + 4, packets[i].esp + 8, 8);
  }
  const uint64_t start = rte_rdtsc_precise();
  if (info(state_->suite).cipher == EspCipher::chacha20_poly1305)
    state_->run_chacha(direction, packets);
  else if (combined)
    state_->run_gcm(direction, packets);
  else
    state_->run_cbc(direction, packets);
  return rte_rdtsc_precise() - start;
}

}  // namespace sekisho::perf
