#include "dataplane/bench/raw_crypto.h"

#include <intel-ipsec-mb.h>
#include <rte_cycles.h>
#include <rte_prefetch.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <stdexcept>

#include "crypto/esp/hidden_memory.h"
#include "dataplane/stage/burst.h"

namespace sekisho::dataplane::bench {
namespace {

// Nothing is taken from crypto/esp but where keys lie: what the data path is compared with must not share its mistakes,
// nor its improvements.

struct CbcKey {
  alignas(16) std::array<uint8_t, 240> encrypt, decrypt;
  alignas(16) std::array<uint8_t, 64> inner, outer;
};
union RawKey {
  gcm_key_data gcm;
  std::array<uint8_t, 32> chacha;
  CbcKey cbc;
};
static_assert(sizeof(RawKey) <= crypto::max_key_block_size);

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

// Throws where the library has no memory for itself.
struct Manager {
  Manager() : library(alloc_mb_mgr(0)) {
    if (library == nullptr) throw std::runtime_error("ipsec-mb cannot be initialised");
    init_mb_mgr_auto(library, nullptr);
  }
  ~Manager() { free_mb_mgr(library); }
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;

  IMB_MGR* library;
};

void hash_key_block(IMB_MGR* manager, ByteView key, uint8_t pad, void* out) {
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

void expand(IMB_MGR* manager, EspSuite suite, ByteView material, RawKey& key) {
  const EspSuiteInfo& suite_info = info(suite);
  const bool short_key = suite_info.cipher_key == 16;
  if (suite_info.cipher == EspCipher::chacha20_poly1305) {
    std::ranges::copy(material.first(key.chacha.size()), key.chacha.begin());
    return;
  }
  if (suite_info.cipher == EspCipher::aes_gcm) {
    if (short_key)
      IMB_AES128_GCM_PRE(manager, material.data(), &key.gcm);
    else
      IMB_AES256_GCM_PRE(manager, material.data(), &key.gcm);
    return;
  }
  if (short_key)
    IMB_AES_KEYEXP_128(manager, material.data(), key.cbc.encrypt.data(), key.cbc.decrypt.data());
  else
    IMB_AES_KEYEXP_256(manager, material.data(), key.cbc.encrypt.data(), key.cbc.decrypt.data());
  hash_key_block(manager, material.last(suite_info.auth_key), 0x36, key.cbc.inner.data());
  hash_key_block(manager, material.last(suite_info.auth_key), 0x5c, key.cbc.outer.data());
}

}  // namespace

std::string ipsec_mb_version() { return imb_get_version_str(); }

struct RawKeys::State {
  const EspSuite suite;
  Manager manager;
  std::vector<RawKey*> keys;
  std::vector<std::array<uint8_t, 4>> salts;
};

RawKeys::RawKeys(EspSuite suite) : state_(new State{.suite = suite}) {}

RawKeys::~RawKeys() {
  for (RawKey* key : state_->keys) crypto::give_key_block(key, sizeof(RawKey));
}

void RawKeys::add(ByteView material) {
  auto* key = new (crypto::take_key_block(sizeof(RawKey))) RawKey;
  state_->keys.push_back(key);
  expand(state_->manager.library, state_->suite, material, *key);
  auto& salt = state_->salts.emplace_back();
  if (info(state_->suite).combined_mode()) std::ranges::copy(material.last(salt.size()), salt.begin());
}

struct RawCrypto::State {
  void run_gcm(CryptoWork work, std::span<const RawPacket> packets);
  void run_chacha(CryptoWork work, std::span<const RawPacket> packets);
  void run_cbc(CryptoWork work, std::span<const RawPacket> packets);

  const RawKeys::State& keys;
  Manager manager;
  std::vector<Nonce> nonces;
  std::array<IMB_JOB, dataplane::burst_size> jobs{};
  gcm_context_data context;
  std::array<std::array<uint8_t, 64>, dataplane::burst_size> tags;
};

void prefetch(const void* from, size_t size) {
  for (size_t at = 0; at < size; at += RTE_CACHE_LINE_SIZE) rte_prefetch0(static_cast<const uint8_t*>(from) + at);
}

// The round keys, and the powers of H that every packet uses: the last ones of the table.
void prefetch(const gcm_key_data& key) {
  constexpr size_t round_keys = sizeof key.expanded_keys, powers = 3 * size_t{RTE_CACHE_LINE_SIZE};
  prefetch(&key, round_keys);
  prefetch(reinterpret_cast<const uint8_t*>(&key) + sizeof key - powers, powers);
}

void prefetch(const CbcKey& key, bool encrypt) {
  prefetch(encrypt ? &key.encrypt : &key.decrypt, sizeof key.encrypt);
  prefetch(&key.inner, sizeof key.inner + sizeof key.outer);
}

// Calls `fetch` for the key of the packet some way on, unless the one before it has the same.
template <typename Fetch>
void look_ahead(std::span<const RawPacket> packets, size_t at, Fetch fetch) {
  constexpr size_t distance = 4;
  const size_t next = at + distance;
  if (next < packets.size() && packets[next].key != packets[next - 1].key) fetch(packets[next].key);
}

void RawCrypto::State::run_gcm(CryptoWork work, std::span<const RawPacket> packets) {
  const bool short_key = info(keys.suite).cipher_key == 16;
  const aes_gcm_enc_dec_t call = work == CryptoWork::seal
                                     ? (short_key ? manager.library->gcm128_enc : manager.library->gcm256_enc)
                                     : (short_key ? manager.library->gcm128_dec : manager.library->gcm256_dec);
  for (size_t i = 0; i < packets.size(); ++i) {
    const RawPacket& packet = packets[i];
    look_ahead(packets, i, [&](uint16_t key) { prefetch(keys.keys[key]->gcm); });
    uint8_t* text = packet.esp + 16;
    const size_t length = packet.length - 32u;
    uint8_t* icv = work == CryptoWork::seal ? text + length : tags[0].data();
    call(&keys.keys[packet.key]->gcm, &context, text, text, length, nonces[i].bytes.data(), packet.esp, 8, icv, 16);
  }
}

void RawCrypto::State::run_chacha(CryptoWork work, std::span<const RawPacket> packets) {
  const bool encrypt = work == CryptoWork::seal;
  for (size_t i = 0; i < packets.size(); ++i) {
    const RawPacket& packet = packets[i];
    const auto& key = keys.keys[packet.key]->chacha;
    look_ahead(packets, i, [&](uint16_t next) { prefetch(&keys.keys[next]->chacha, key.size()); });
    IMB_JOB& job = *IMB_GET_NEXT_JOB(manager.library);
    job.cipher_mode = IMB_CIPHER_CHACHA20_POLY1305;
    job.hash_alg = IMB_AUTH_CHACHA20_POLY1305;
    job.cipher_direction = encrypt ? IMB_DIR_ENCRYPT : IMB_DIR_DECRYPT;
    job.chain_order = encrypt ? IMB_ORDER_CIPHER_HASH : IMB_ORDER_HASH_CIPHER;
    job.enc_keys = job.dec_keys = key.data();
    job.key_len_in_bytes = key.size();
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
    IMB_SUBMIT_JOB_NOCHECK(manager.library);
  }
}

void RawCrypto::State::run_cbc(CryptoWork work, std::span<const RawPacket> packets) {
  const EspSuiteInfo& suite_info = info(keys.suite);
  const bool encrypt = work == CryptoWork::seal;
  while (!packets.empty()) {
    const auto burst = packets.first(std::min(packets.size(), jobs.size()));
    packets = packets.subspan(burst.size());
    for (size_t i = 0; i < burst.size(); ++i) {
      const RawPacket& packet = burst[i];
      const CbcKey& key = keys.keys[packet.key]->cbc;
      if (i == 0 || packet.key != burst[i - 1].key) prefetch(key, encrypt);
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
    if (encrypt) IMB_SUBMIT_CIPHER_BURST_NOCHECK(manager.library, jobs.data(), count, IMB_CIPHER_CBC, way, key_size);
    IMB_SUBMIT_HASH_BURST_NOCHECK(manager.library, jobs.data(), count, hash_of(keys.suite));
    if (!encrypt) IMB_SUBMIT_CIPHER_BURST_NOCHECK(manager.library, jobs.data(), count, IMB_CIPHER_CBC, way, key_size);
  }
}

RawCrypto::RawCrypto(const RawKeys& keys) : state_(new State{.keys = *keys.state_}) {}
RawCrypto::~RawCrypto() = default;

uint64_t RawCrypto::run(CryptoWork work, std::vector<RawPacket> packets) {
  const bool combined = info(state_->keys.suite).combined_mode();
  if (!combined) longest_first(packets);
  state_->nonces.resize(packets.size());
  for (size_t i = 0; i < packets.size() && combined; ++i) {
    std::ranges::copy(state_->keys.salts[packets[i].key], state_->nonces[i].bytes.begin());
    std::memcpy(state_->nonces[i].bytes.data() + 4, packets[i].esp + 8, 8);
  }
  const uint64_t start = rte_rdtsc_precise();
  switch (info(state_->keys.suite).cipher) {
    case EspCipher::aes_gcm:
      state_->run_gcm(work, packets);
      break;
    case EspCipher::chacha20_poly1305:
      state_->run_chacha(work, packets);
      break;
    case EspCipher::aes_cbc:
      state_->run_cbc(work, packets);
      break;
  }
  return rte_rdtsc_precise() - start;
}

}  // namespace sekisho::dataplane::bench
