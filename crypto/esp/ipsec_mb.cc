// The ipsec-mb backend. GCM goes through the own kernel (gcm_kernel.h) where the processor can run it, and else through
// the library's direct calls, a packet at a time: they beat its job interface.
// ChaCha20-Poly1305 goes through that, a packet at a time too: it beats the direct calls, which are for fragments. CBC
// with HMAC goes through its synchronous cipher and hash bursts, which fill the lanes of the SIMD units with the
// packets of one suite, whatever their keys; nothing is left in flight between two calls.
#include <intel-ipsec-mb.h>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "crypto/esp/backends.h"
#include "crypto/esp/esp_key.h"
#include "crypto/esp/gcm_kernel.h"
#include "crypto/esp/iv_generator.h"

namespace sekisho::crypto {
namespace {

constexpr size_t chunk_size = gcm_kernel_burst;  // packets worked on at once; bounds the scratch memory
// Packets are sorted by their lengths in steps, up to more than an Ethernet frame holds; longer ones are all alike.
constexpr size_t length_step = 32;
constexpr size_t length_buckets = 64;

struct CbcKey : EspKey {
  using EspKey::EspKey;
  alignas(16) std::array<uint8_t, 240> encrypt;
  alignas(16) std::array<uint8_t, 240> decrypt;
  // The hash's states after the one block of key ^ ipad, then of key ^ opad (RFC 2104 section 4), half of it each;
  // where they are short, a quarter, so that a packet touches one cache line for both.
  alignas(64) std::array<uint8_t, 128> states;
};

size_t outer_state_at(EspSuite suite) { return info(suite).auth_key <= 32 ? 32 : 64; }

struct ChaChaKey : EspKey {
  using EspKey::EspKey;
  std::array<uint8_t, 32> cipher;
};

// The library's tables end with the powers of H that every packet uses, so what else a packet needs follows them.
struct GcmTables {
  gcm_key_data expanded;
};
struct alignas(64) GcmKey : GcmTables, EspKey {
  using EspKey::EspKey;
};
static_assert(sizeof(GcmKey) == 1024);

template <typename Form>
const Form& key_of(const EspJob& job) {
  return static_cast<const Form&>(*job.key);
}

struct Scratch {
  std::array<AeadInput, chunk_size> aead;
  std::array<EspJob*, chunk_size> members;
  std::array<IMB_JOB, chunk_size> jobs;
  alignas(64) std::array<std::array<uint8_t, 64>, chunk_size> tags;
  std::array<std::array<uint8_t, 4>, chunk_size> received;  // the start of the ICV
  std::array<uint64_t, length_buckets> by_length;           // the packets of each length, a bit each; all zero
  gcm_context_data context;
};
static_assert(std::is_trivially_default_constructible_v<Scratch>, "lives in pages mapped as zeros");

IMB_HASH_ALG hash_algorithm(EspSuite suite) {
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

IMB_KEY_SIZE_BYTES key_size(EspSuite suite) {
  return info(suite).cipher_key == 16 ? IMB_KEY_128_BYTES : IMB_KEY_256_BYTES;
}

uint64_t difference(const uint8_t* a, const uint8_t* b, size_t at) {
  uint64_t x, y;
  std::memcpy(&x, a + at, sizeof x);
  std::memcpy(&y, b + at, sizeof y);
  return x ^ y;
}

// Without a branch on the contents. Lengths are those of the suites: 12, 16, 24 or 32.
bool equal_icv(const uint8_t* a, const uint8_t* b, size_t length) {
  uint64_t different = difference(a, b, 0) | difference(a, b, length - 8);
  if (length > 16) different |= difference(a, b, 8) | difference(a, b, length - 16);
  return different == 0;
}

bool is_gcm(const EspJob& job) { return info(job.key->suite).cipher == EspCipher::aes_gcm; }

class IpsecMb final : public EspCrypto {
 public:
  explicit IpsecMb(EspBackend backend)
      : backend_(backend),
        own_gcm_(backend == EspBackend::ipsec_mb && gcm_kernel_supported()),
        pages_(scratch_offset + sizeof(Scratch)) {
    manager_ = imb_set_pointers_mb_mgr(pages_.data(), 0, 1);
    if (manager_ == nullptr) throw std::runtime_error("ipsec-mb cannot be initialised");
    IMB_ARCH architecture = IMB_ARCH_NONE;
    init_mb_mgr_auto(manager_, &architecture);
    if (imb_get_errno(manager_) != 0) throw std::runtime_error(imb_get_strerror(imb_get_errno(manager_)));
    scratch_ = reinterpret_cast<Scratch*>(static_cast<uint8_t*>(pages_.data()) + scratch_offset);
  }

  EspKeyPtr make_key(EspSuite suite, bool esn, ByteView material) const override {
    switch (info(suite).cipher) {
      case EspCipher::aes_gcm:
        return own_gcm_ ? make_gcm_kernel_key(backend_, suite, esn, material) : make_gcm_key(suite, esn, material);
      case EspCipher::chacha20_poly1305:
        return make_chacha_key(suite, esn, material);
      default:
        return make_cbc_key(suite, esn, material);
    }
  }

  void seal(std::span<EspJob> jobs) override {
    for_chunks(
        jobs, [this](std::span<EspJob> chunk) { return own_gcm_ ? gcm_kernel_seal(chunk) : seal_gcm(chunk); },
        [this](EspSuite suite, std::span<EspJob* const> members) {
          suite == EspSuite::chacha20poly1305 ? seal_chacha(members) : seal_cbc(suite, members);
        });
  }

  void open(std::span<EspJob> jobs) override {
    for_chunks(
        jobs, [this](std::span<EspJob> chunk) { return own_gcm_ ? gcm_kernel_open(chunk) : open_gcm(chunk); },
        [this](EspSuite suite, std::span<EspJob* const> members) {
          suite == EspSuite::chacha20poly1305 ? open_chacha(members) : open_cbc(suite, members);
        });
  }

 private:
  // The manager's own memory comes first in the pages.
  const size_t scratch_offset = (imb_get_mb_mgr_size() + 63) / 64 * 64;

  EspKeyPtr make_gcm_key(EspSuite suite, bool esn, ByteView material) const {
    EspKeyPtr key = new_esp_key<GcmKey>(backend_, suite, esn, material);
    gcm_key_data* expanded = &static_cast<GcmKey&>(*key).expanded;
    if (info(suite).cipher_key == 16)
      IMB_AES128_GCM_PRE(manager_, material.data(), expanded);
    else
      IMB_AES256_GCM_PRE(manager_, material.data(), expanded);
    return key;
  }

  EspKeyPtr make_chacha_key(EspSuite suite, bool esn, ByteView material) const {
    EspKeyPtr key = new_esp_key<ChaChaKey>(backend_, suite, esn, material);
    auto& cipher = static_cast<ChaChaKey&>(*key).cipher;
    std::ranges::copy(material.first(cipher.size()), cipher.begin());
    return key;
  }

  EspKeyPtr make_cbc_key(EspSuite suite, bool esn, ByteView material) const {
    const EspSuiteInfo& suite_info = info(suite);
    EspKeyPtr key = new_esp_key<CbcKey>(backend_, suite, esn, material);
    auto& expanded = static_cast<CbcKey&>(*key);
    if (suite_info.cipher_key == 16)
      IMB_AES_KEYEXP_128(manager_, material.data(), expanded.encrypt.data(), expanded.decrypt.data());
    else
      IMB_AES_KEYEXP_256(manager_, material.data(), expanded.encrypt.data(), expanded.decrypt.data());
    const ByteView integrity_key = material.last(suite_info.auth_key);
    hash_key_block(suite, integrity_key, 0x36, expanded.states.data());
    hash_key_block(suite, integrity_key, 0x5c, expanded.states.data() + outer_state_at(suite));
    return key;
  }

  void hash_key_block(EspSuite suite, ByteView key, uint8_t pad, uint8_t* state) const {
    alignas(64) std::array<uint8_t, 128> block;  // SHA-384 and 512 take all of it, the others its first half
    block.fill(pad);
    for (size_t i = 0; i < key.size(); ++i) block[i] ^= key[i];
    switch (hash_algorithm(suite)) {
      case IMB_AUTH_HMAC_SHA_1:
        IMB_SHA1_ONE_BLOCK(manager_, block.data(), state);
        break;
      case IMB_AUTH_HMAC_SHA_256:
        IMB_SHA256_ONE_BLOCK(manager_, block.data(), state);
        break;
      case IMB_AUTH_HMAC_SHA_384:
        IMB_SHA384_ONE_BLOCK(manager_, block.data(), state);
        break;
      default:
        IMB_SHA512_ONE_BLOCK(manager_, block.data(), state);
        break;
    }
    wipe(block);
  }

  // Splits a batch into chunks, and a chunk into its GCM packets and the packets of each other suite. `gcm` says which
  // packets it left.
  template <typename Gcm, typename Other>
  void for_chunks(std::span<EspJob> jobs, Gcm gcm, Other other) {
    while (!jobs.empty()) {
      const std::span<EspJob> chunk = jobs.first(std::min(jobs.size(), chunk_size));
      jobs = jobs.subspan(chunk.size());
      for (uint64_t rest = gcm(chunk); rest;) {
        const EspSuite suite = chunk[static_cast<size_t>(std::countr_zero(rest))].key->suite;
        other(suite, take_members(suite, chunk, rest));
      }
    }
  }

  // The packets of the suite among those that `rest` names, which are taken out of there; the longest first: a lane
  // that has finished takes the next packet, so short ones at the end keep the lanes full for longest.
  std::span<EspJob* const> take_members(EspSuite suite, std::span<EspJob> chunk, uint64_t& rest) {
    uint64_t used = 0;
    for (uint64_t left = rest; left; left &= left - 1) {
      const auto i = static_cast<size_t>(std::countr_zero(left));
      if (chunk[i].key->suite != suite) continue;
      const size_t bucket = std::min<size_t>(chunk[i].length / length_step, length_buckets - 1);
      scratch_->by_length[bucket] |= left & -left;
      used |= uint64_t{1} << bucket;
    }
    size_t count = 0;
    while (used) {
      const auto longest = static_cast<size_t>(63 - std::countl_zero(used));
      used ^= uint64_t{1} << longest;
      uint64_t alike = std::exchange(scratch_->by_length[longest], 0);
      rest &= ~alike;
      for (; alike; alike &= alike - 1)
        scratch_->members[count++] = &chunk[static_cast<size_t>(std::countr_zero(alike))];
    }
    return std::span(scratch_->members).first(count);
  }

  uint64_t seal_gcm(std::span<EspJob> chunk) {
    uint64_t others = 0;
    for (size_t i = 0; i < chunk.size(); ++i) {
      if (is_gcm(chunk[i]))
        prepare_aead_seal(chunk[i], scratch_->aead[i]);
      else
        others |= uint64_t{1} << i;
    }
    for (size_t i = 0; i < chunk.size(); ++i) {
      if (others >> i & 1) continue;
      uint8_t* icv = chunk[i].esp + chunk[i].length - aead_icv;
      run_gcm(chunk[i], scratch_->aead[i], manager_->gcm128_enc, manager_->gcm256_enc, icv);
      chunk[i].ok = true;
    }
    return others;
  }

  uint64_t open_gcm(std::span<EspJob> chunk) {
    uint64_t others = 0;
    for (size_t i = 0; i < chunk.size(); ++i) {
      if (is_gcm(chunk[i]))
        prepare_aead_open(chunk[i], scratch_->aead[i]);
      else
        others |= uint64_t{1} << i;
    }
    for (size_t i = 0; i < chunk.size(); ++i) {
      if (others >> i & 1) continue;
      uint8_t* icv = scratch_->tags[i].data();
      run_gcm(chunk[i], scratch_->aead[i], manager_->gcm128_dec, manager_->gcm256_dec, icv);
      chunk[i].ok = equal_icv(icv, chunk[i].esp + chunk[i].length - aead_icv, aead_icv);
    }
    return others;
  }

  static constexpr size_t aead_icv = 16;

  void run_gcm(const EspJob& job, const AeadInput& input, aes_gcm_enc_dec_t with_128, aes_gcm_enc_dec_t with_256,
               uint8_t* icv) {
    const size_t head = esp_header_size + 8;
    uint8_t* text = job.esp + head;
    (job.key->suite == EspSuite::aes128gcm16 ? with_128 : with_256)(
        &key_of<GcmKey>(job).expanded, &scratch_->context, text, text, job.length - head - aead_icv, input.nonce.data(),
        input.aad_of(job), input.aad_length(job), icv, aead_icv);
  }

  void seal_chacha(std::span<EspJob* const> members) {
    for (size_t i = 0; i < members.size(); ++i) prepare_aead_seal(*members[i], scratch_->aead[i]);
    for (size_t i = 0; i < members.size(); ++i) {
      EspJob& job = *members[i];
      job.ok = run_chacha(job, scratch_->aead[i], IMB_DIR_ENCRYPT, job.esp + job.length - aead_icv);
    }
  }

  void open_chacha(std::span<EspJob* const> members) {
    for (size_t i = 0; i < members.size(); ++i) prepare_aead_open(*members[i], scratch_->aead[i]);
    for (size_t i = 0; i < members.size(); ++i) {
      EspJob& job = *members[i];
      uint8_t* icv = scratch_->tags[i].data();
      job.ok = run_chacha(job, scratch_->aead[i], IMB_DIR_DECRYPT, icv) &&
               equal_icv(icv, job.esp + job.length - aead_icv, aead_icv);
    }
  }

  // The job is finished when it was submitted: the library keeps none of this algorithm in flight.
  bool run_chacha(const EspJob& job, const AeadInput& input, IMB_CIPHER_DIRECTION direction, uint8_t* icv) {
    constexpr uint32_t head = esp_header_size + 8;
    IMB_JOB& out = *IMB_GET_NEXT_JOB(manager_);
    out.cipher_mode = IMB_CIPHER_CHACHA20_POLY1305;
    out.hash_alg = IMB_AUTH_CHACHA20_POLY1305;
    out.cipher_direction = direction;
    out.chain_order = direction == IMB_DIR_ENCRYPT ? IMB_ORDER_CIPHER_HASH : IMB_ORDER_HASH_CIPHER;
    out.enc_keys = out.dec_keys = key_of<ChaChaKey>(job).cipher.data();
    out.key_len_in_bytes = sizeof(ChaChaKey::cipher);
    out.src = job.esp;
    out.dst = job.esp + head;
    out.cipher_start_src_offset_in_bytes = out.hash_start_src_offset_in_bytes = head;
    out.msg_len_to_cipher_in_bytes = out.msg_len_to_hash_in_bytes = job.length - head - aead_icv;
    out.iv = input.nonce.data();
    out.iv_len_in_bytes = input.nonce.size();
    out.u.CHACHA20_POLY1305.aad = input.aad_of(job);
    out.u.CHACHA20_POLY1305.aad_len_in_bytes = input.aad_length(job);
    out.auth_tag_output = icv;
    out.auth_tag_output_len_in_bytes = aead_icv;
    const IMB_JOB* done = IMB_SUBMIT_JOB_NOCHECK(manager_);
    return done == &out && done->status == IMB_STATUS_COMPLETED;
  }

  void seal_cbc(EspSuite suite, std::span<EspJob* const> members) {
    const EspSuiteInfo& suite_info = info(suite);
    const auto count = static_cast<uint32_t>(members.size());
    set_suite(suite);
    for (size_t i = 0; i < count; ++i) {
      const EspJob& job = *members[i];
      uint8_t* icv = job.esp + job.length - suite_info.icv;
      ivs_.next(job.esp + esp_header_size);
      // What ESN adds to the ICV's input follows the ciphertext (RFC 4303 section 2.2.1): it is laid where the ICV will
      // come, which is written only after all input was read.
      if (job.key->esn) store_be32(icv, job.sequence_high);
      set_packet(scratch_->jobs[i], suite, job, icv);
    }
    const bool done = run_cipher(suite, IMB_DIR_ENCRYPT, count) && run_hash(suite, count);
    for (EspJob* job : members) job->ok = done;
  }

  // Verifies all, then decrypts what is authentic.
  void open_cbc(EspSuite suite, std::span<EspJob* const> members) {
    const EspSuiteInfo& suite_info = info(suite);
    const auto count = static_cast<uint32_t>(members.size());
    set_suite(suite);
    for (size_t i = 0; i < count; ++i) {
      const EspJob& job = *members[i];
      set_packet(scratch_->jobs[i], suite, job, scratch_->tags[i].data());
      if (!job.key->esn) continue;
      uint8_t* icv = job.esp + job.length - suite_info.icv;
      std::memcpy(scratch_->received[i].data(), icv, 4);
      store_be32(icv, job.sequence_high);
    }
    const bool hashed = run_hash(suite, count);
    uint32_t authentic = 0;
    for (size_t i = 0; i < count; ++i) {
      EspJob& job = *members[i];
      uint8_t* icv = job.esp + job.length - suite_info.icv;
      if (job.key->esn) std::memcpy(icv, scratch_->received[i].data(), 4);
      job.ok = hashed && equal_icv(scratch_->tags[i].data(), icv, suite_info.icv);
      if (!job.ok) continue;
      if (authentic != i) set_packet(scratch_->jobs[authentic], suite, job, scratch_->tags[authentic].data());
      ++authentic;
    }
    if (authentic > 0 && !run_cipher(suite, IMB_DIR_DECRYPT, authentic))
      for (EspJob* job : members) job->ok = false;
  }

  bool run_cipher(EspSuite suite, IMB_CIPHER_DIRECTION direction, uint32_t count) {
    return manager_->submit_cipher_burst_nocheck(manager_, scratch_->jobs.data(), count, IMB_CIPHER_CBC, direction,
                                                 key_size(suite)) == count;
  }

  bool run_hash(EspSuite suite, uint32_t count) {
    return manager_->submit_hash_burst_nocheck(manager_, scratch_->jobs.data(), count, hash_algorithm(suite)) == count;
  }

  static constexpr uint32_t cbc_head = esp_header_size + 16;

  // What all jobs of a suite have in common, which the library leaves as it is.
  void set_suite(EspSuite suite) {
    if (jobs_suite_ == suite) return;
    jobs_suite_ = suite;
    for (IMB_JOB& job : scratch_->jobs) {
      job.key_len_in_bytes = info(suite).cipher_key;
      job.cipher_start_src_offset_in_bytes = cbc_head;
      job.iv_len_in_bytes = 16;
      job.hash_start_src_offset_in_bytes = 0;
      job.auth_tag_output_len_in_bytes = info(suite).icv;
    }
  }

  // The hash takes everything before the ICV and, with ESN, the four bytes laid at the ICV's place.
  static void set_packet(IMB_JOB& out, EspSuite suite, const EspJob& job, uint8_t* icv) {
    const auto& key = key_of<CbcKey>(job);
    const uint32_t before_icv = job.length - info(suite).icv;
    out.enc_keys = key.encrypt.data();
    out.dec_keys = key.decrypt.data();
    out.src = job.esp;
    out.dst = job.esp + cbc_head;
    out.msg_len_to_cipher_in_bytes = before_icv - cbc_head;
    out.iv = job.esp + esp_header_size;
    out.msg_len_to_hash_in_bytes = before_icv + (key.esn ? 4 : 0);
    out.u.HMAC._hashed_auth_key_xor_ipad = key.states.data();
    out.u.HMAC._hashed_auth_key_xor_opad = key.states.data() + outer_state_at(suite);
    out.auth_tag_output = icv;
  }

  const EspBackend backend_;
  const bool own_gcm_;
  HiddenPages pages_;  // the manager, which holds key schedules of packets in its lanes, and the scratch memory
  IMB_MGR* manager_ = nullptr;
  Scratch* scratch_ = nullptr;
  IvGenerator ivs_;
  std::optional<EspSuite> jobs_suite_;  // what scratch_->jobs are set up for
};

}  // namespace

bool have_ipsec_mb() {
  static const bool initialised = [] {
    const std::unique_ptr<IMB_MGR, void (*)(IMB_MGR*)> manager(alloc_mb_mgr(0), free_mb_mgr);
    if (!manager) return false;
    init_mb_mgr_auto(manager.get(), nullptr);
    return imb_get_errno(manager.get()) == 0;
  }();
  return initialised;
}

std::unique_ptr<EspCrypto> make_ipsec_mb_backend(EspBackend backend) { return std::make_unique<IpsecMb>(backend); }

}  // namespace sekisho::crypto
