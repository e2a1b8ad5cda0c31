// A packet is cut into rows of four blocks, one row a 512-bit register. The 16 bytes before its text are SPI, sequence
// number and IV, just a block, so the first row starts there:
//
//   | header | text | text | text |   | text | text | lengths | - |
//       1       2      3      4           5      6                     block counter
//     H^7      H^6    H^5    H^4         H^3    H^2     H^1            power of H that GHASH multiplies it by
//
// The header's lane is encrypted along with the others: its counter is 1, so what comes out is E(K, J0), which the tag
// needs. What GHASH takes from that lane is the additional data, from the last row the block of lengths as well.
//
// Packets of one or two rows are worked on four at a time, whatever their keys, so that their latencies overlap and one
// reduction serves four. Longer ones go through a pipeline, in chunks of up to eight rows, AES a chunk ahead of GHASH.
#include "crypto/esp/gcm_kernel.h"

#include <immintrin.h>

#include <algorithm>
#include <utility>

namespace sekisho::crypto {

bool gcm_kernel_supported() {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("vaes") &&
         __builtin_cpu_supports("vpclmulqdq") && __builtin_cpu_supports("aes") && __builtin_cpu_supports("pclmul") &&
         __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
}

}  // namespace sekisho::crypto

// GCC 12 takes the operand that its own intrinsics leave undefined on purpose for an oversight.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
// What follows is compiled for processors that gcm_kernel_supported() has asked about; what the headers above define is
// not, so that no function that others call as well needs more than they have.
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,vaes,vpclmulqdq,aes,pclmul,bmi,bmi2")

namespace sekisho::crypto {
namespace {

#define SEKISHO_INLINE inline __attribute__((always_inline))

enum class Way : uint8_t { seal, open };

using Block = __m128i;
using Blocks = __m512i;  // four, the first in the lowest lane

template <unsigned count>
struct Rows {
  SEKISHO_INLINE Blocks& operator[](unsigned i) { return rows[i]; }
  SEKISHO_INLINE const Blocks& operator[](unsigned i) const { return rows[i]; }
  Blocks rows[count];
};

constexpr uint32_t block_size = 16;
constexpr uint32_t row_size = 64;
constexpr uint32_t longest_chunk = 8;  // rows
constexpr uint32_t icv_size = 16;

// Calls `body` with the constants 0, 1, ... count - 1.
template <unsigned count, typename Body>
SEKISHO_INLINE void unroll(Body body) {
  [&]<unsigned... i>(std::integer_sequence<unsigned, i...>) __attribute__((always_inline)) {
    (body(std::integral_constant<unsigned, i>()), ...);
  }
  (std::make_integer_sequence<unsigned, count>());
}
#define SEKISHO_UNROLL [&](auto i) __attribute__((always_inline))

SEKISHO_INLINE Blocks xor3(Blocks a, Blocks b, Blocks c) { return _mm512_ternarylogic_epi64(a, b, c, 0x96); }
SEKISHO_INLINE Blocks swap_halves(Blocks x) { return _mm512_shuffle_epi32(x, _MM_PERM_BADC); }
SEKISHO_INLINE Blocks broadcast(const GcmBlock& block) {
  return _mm512_broadcast_i32x4(_mm_load_si128(reinterpret_cast<const __m128i*>(block.bytes.data())));
}

template <size_t size>
struct alignas(64) Bytes64 {
  std::array<uint8_t, size> bytes;
  operator Blocks() const { return _mm512_load_si512(bytes.data()); }
};

// GHASH counts bits from the other end than CLMUL, so it takes all blocks with their bytes reversed.
constexpr uint8_t zero = 0x80;                                                            // for the byte shuffle
constexpr Bytes64<64> reversed = {{15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0,  //
                                   15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0,  //
                                   15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0,  //
                                   15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0}};
// The same, with the additional data made of the first block: SPI and sequence number without ESN, and with it
// SPI | high half | low half, out of a block that holds SPI | low half | high half.
constexpr std::array<Bytes64<64>, 2> reversed_head = {{
    {{zero, zero, zero, zero, zero, zero, zero, zero, 7, 6, 5, 4, 3, 2, 1, 0,  //
      15,   14,   13,   12,   11,   10,   9,    8,    7, 6, 5, 4, 3, 2, 1, 0,  //
      15,   14,   13,   12,   11,   10,   9,    8,    7, 6, 5, 4, 3, 2, 1, 0,  //
      15,   14,   13,   12,   11,   10,   9,    8,    7, 6, 5, 4, 3, 2, 1, 0}},
    {{zero, zero, zero, zero, 7,  6,  5, 4, 11, 10, 9, 8, 3, 2, 1, 0,  //
      15,   14,   13,   12,   11, 10, 9, 8, 7,  6,  5, 4, 3, 2, 1, 0,  //
      15,   14,   13,   12,   11, 10, 9, 8, 7,  6,  5, 4, 3, 2, 1, 0,  //
      15,   14,   13,   12,   11, 10, 9, 8, 7,  6,  5, 4, 3, 2, 1, 0}},
}};

// Block counters stand in the last four bytes of the counter block, in network order; J0's is 1 (NIST SP 800-38D
// section 7.1). Those of the first rows fit a byte.
template <unsigned row>
SEKISHO_INLINE Blocks first_counters() {
  constexpr int n = 4 * row + 1;
  return _mm512_set_epi32((n + 3) << 24, 0, 0, 0, (n + 2) << 24, 0, 0, 0, (n + 1) << 24, 0, 0, 0, n << 24, 0, 0, 0);
}

// GHASH products not yet reduced: low + middle * x^64 + high * x^128, where middle still holds low and high as well
// (Karatsuba). Each lane has its own.
struct Product {
  Blocks low, middle, high;
};

SEKISHO_INLINE Blocks halves_added(Blocks x) { return _mm512_xor_si512(x, swap_halves(x)); }

SEKISHO_INLINE Product multiply(Blocks x, Blocks power) {
  return {_mm512_clmulepi64_epi128(x, power, 0x00),
          _mm512_clmulepi64_epi128(halves_added(x), halves_added(power), 0x00),
          _mm512_clmulepi64_epi128(x, power, 0x11)};
}

SEKISHO_INLINE Product add(const Product& a, const Product& b) {
  return {_mm512_xor_si512(a.low, b.low), _mm512_xor_si512(a.middle, b.middle), _mm512_xor_si512(a.high, b.high)};
}

// Modulo x^128 + x^7 + x^2 + x + 1, in reversed bits, the lower 64 bits folded upwards twice.
SEKISHO_INLINE Blocks reduce(const Product& p) {
  const Blocks polynomial = _mm512_set1_epi64(static_cast<long long>(0xc200000000000000));
  const Blocks full_middle = xor3(p.middle, p.low, p.high);
  const Blocks middle = xor3(full_middle, swap_halves(p.low), _mm512_clmulepi64_epi128(p.low, polynomial, 0x00));
  return xor3(p.high, swap_halves(middle), _mm512_clmulepi64_epi128(middle, polynomial, 0x00));
}

// Lane i of the result is the sum of all lanes of x[i].
SEKISHO_INLINE Blocks sum_lanes(Blocks a, Blocks b, Blocks c, Blocks d) {
  const Blocks ab = _mm512_xor_si512(_mm512_shuffle_i64x2(a, b, 0x44), _mm512_shuffle_i64x2(a, b, 0xee));
  const Blocks cd = _mm512_xor_si512(_mm512_shuffle_i64x2(c, d, 0x44), _mm512_shuffle_i64x2(c, d, 0xee));
  return _mm512_xor_si512(_mm512_shuffle_i64x2(ab, cd, 0x88), _mm512_shuffle_i64x2(ab, cd, 0xdd));
}

template <unsigned rounds>
SEKISHO_INLINE const GcmKernelKey<rounds>& kernel_key(const EspJob& job) {
  return static_cast<const GcmKernelKey<rounds>&>(*job.key);
}

// The powers for a row whose first block is followed by `blocks` - 1 more. Beyond the last block they do not matter,
// since what they are for is zero, but must be there.
SEKISHO_INLINE Blocks powers_from(const GcmPowers& powers, int blocks) {
  return _mm512_loadu_si512(powers.powers.data() + most_powers - std::max(blocks, -8));
}

// A packet's lengths: `end` is where text ends and ICV starts, counted from the SPI; `hashed` the number of blocks that
// GHASH takes, which are the additional data, the ciphertext and the lengths.
struct Lengths {
  SEKISHO_INLINE explicit Lengths(const EspJob& job)
      : end(job.length - icv_size), hashed((end + block_size - 1) / block_size + 1) {}
  uint32_t end;
  uint32_t hashed;
};

// The first row with the IV in it: 64-bit sequence number.
SEKISHO_INLINE Blocks insert_iv(Blocks row, const EspJob& job) {
  const int high = job.key->esn ? static_cast<int>(__builtin_bswap32(job.sequence_high)) : 0;
  return _mm512_mask_set1_epi32(_mm512_mask_shuffle_epi32(row, 0x8, row, _MM_PERM_BBBA), 0x4, high);
}

// The IV of the header in the first row, at its place in four counter blocks.
SEKISHO_INLINE Blocks nonces(Blocks first_row) {
  return _mm512_maskz_permutexvar_epi32(0x6666, _mm512_set_epi32(0, 3, 2, 0, 0, 3, 2, 0, 0, 3, 2, 0, 0, 3, 2, 0),
                                        first_row);
}

// GHASH's view of the first row of ciphertext.
template <Way way>
SEKISHO_INLINE Blocks hash_head(Blocks row, const EspJob& job) {
  const EspKey& key = *job.key;
  if constexpr (way == Way::open)
    row = _mm512_mask_set1_epi32(row, 0x4, static_cast<int>(__builtin_bswap32(job.sequence_high)));
  return _mm512_shuffle_epi8(row, reversed_head[key.esn]);
}

// Adds the block of lengths in lane `lane`, which is zero so far.
SEKISHO_INLINE Blocks insert_lengths(Blocks row, unsigned lane, const EspJob& job, const Lengths& lengths) {
  const auto low = static_cast<__mmask8>(1u << 2 * lane);
  const auto high = static_cast<__mmask8>(2u << 2 * lane);
  row = _mm512_mask_set1_epi64(row, low, static_cast<long long>(8 * (lengths.end - block_size)));
  return _mm512_mask_set1_epi64(row, high, job.key->esn ? 96 : 64);
}

// What GHASH's result is to be added to: E(K, J0), and for open the ICV as well, which gives zero if it is right.
template <Way way>
SEKISHO_INLINE Block tag_mask(Blocks first_keystream, const uint8_t* icv) {
  const Block mask = _mm512_castsi512_si128(first_keystream);
  if constexpr (way == Way::seal) return mask;
  return _mm_xor_si128(mask, _mm_loadu_si128(reinterpret_cast<const __m128i*>(icv)));
}

// Which bytes of the last rows are text, or header; `length` is what is left of them. The last row may have none, where
// the lengths' block comes first in it.
template <unsigned rows>
SEKISHO_INLINE std::array<__mmask64, rows> inside_text(uint32_t length) {
  std::array<__mmask64, rows> inside;
  inside[0] = _bzhi_u64(~uint64_t{0}, length);
  if constexpr (rows == 2) inside[1] = _bzhi_u64(~uint64_t{0}, length > row_size ? length - row_size : 0);
  return inside;
}

// Four packets of one shape side by side, each of `rows` rows, 1 or 2, the last of which also has room for the lengths.
template <Way way, unsigned rounds, unsigned rows>
SEKISHO_INLINE void run_group(const std::array<EspJob*, 4>& jobs) {
  constexpr unsigned last = rows - 1;
  Rows<rows> text[4], state[4];
  std::array<Product, 4> products;
  std::array<std::array<__mmask64, rows>, 4> inside;
  Blocks masks;
  unroll<4>(SEKISHO_UNROLL {
    const EspJob& job = *jobs[i];
    inside[i] = inside_text<rows>(Lengths(job).end);
    unroll<rows>([&](auto row) __attribute__((always_inline)) {
      const uint8_t* from = job.esp + row * row_size;
      text[i][row] = _mm512_maskz_loadu_epi8(inside[i][row], from);
    });
    if constexpr (way == Way::seal) text[i][0] = insert_iv(text[i][0], job);
    const Blocks nonce = nonces(text[i][0]);
    const Blocks round_key = broadcast(kernel_key<rounds>(job).round_keys[0]);
    unroll<rows>([&](auto row)
                     __attribute__((always_inline)) { state[i][row] = xor3(nonce, first_counters<row>(), round_key); });
  });
  unroll<rounds - 1>([&](auto round) __attribute__((always_inline)) {
    unroll<4>(SEKISHO_UNROLL {
      const Blocks round_key = broadcast(kernel_key<rounds>(*jobs[i]).round_keys[round + 1]);
      unroll<rows>([&](auto row) __attribute__((always_inline)) {
        state[i][row] = _mm512_aesenc_epi128(state[i][row], round_key);
      });
    });
  });
  unroll<4>(SEKISHO_UNROLL {
    const EspJob& job = *jobs[i];
    const GcmKernelKey<rounds>& key = kernel_key<rounds>(job);
    const Lengths lengths(job);
    const Blocks round_key = broadcast(key.round_keys[rounds]);
    unroll<rows>([&](auto row) __attribute__((always_inline)) {
      state[i][row] = _mm512_aesenclast_epi128(state[i][row], round_key);
      const Blocks in = text[i][row];
      // The header stays as it is.
      const Blocks out = _mm512_mask_xor_epi64(in, row == 0 ? 0xfc : 0xff, in, state[i][row]);
      uint8_t* to = job.esp + row * row_size;
      _mm512_mask_storeu_epi8(to, inside[i][row], out);
      const Blocks ciphertext = way == Way::seal ? _mm512_maskz_mov_epi8(inside[i][row], out) : in;
      Blocks hashed = row == 0 ? hash_head<way>(ciphertext, job) : _mm512_shuffle_epi8(ciphertext, reversed);
      if constexpr (row == last) hashed = insert_lengths(hashed, lengths.hashed - 1 - 4 * last, job, lengths);
      const Product product = multiply(hashed, powers_from(key, static_cast<int>(lengths.hashed) - 4 * int{row}));
      products[i] = row == 0 ? product : add(products[i], product);
    });
    const Block mask = tag_mask<way>(state[i][0], job.esp + lengths.end);
    masks = i == 0 ? _mm512_castsi128_si512(mask) : _mm512_inserti32x4(masks, mask, i);
  });
  const auto sum = [&](Blocks Product::*part) __attribute__((always_inline)) {
    return sum_lanes(products[0].*part, products[1].*part, products[2].*part, products[3].*part);
  };
  const Blocks hashes = reduce({sum(&Product::low), sum(&Product::middle), sum(&Product::high)});
  const Blocks tags = _mm512_xor_si512(_mm512_shuffle_epi8(hashes, reversed), masks);
  const unsigned zero_halves = _mm512_testn_epi64_mask(tags, tags);
  unroll<4>(SEKISHO_UNROLL {
    EspJob& job = *jobs[i];
    if constexpr (way == Way::seal)
      _mm_storeu_si128(reinterpret_cast<__m128i*>(job.esp + job.length - icv_size), _mm512_extracti32x4_epi32(tags, i));
    job.ok = way == Way::seal || (zero_halves >> 2 * i & 3) == 3;
  });
}

// Longer packets, one after the other, in chunks of `rows` rows. The AES of a chunk and the GHASH of the chunk before
// it keep different units of the processor busy, so they are interleaved, across the packets' borders too: the
// processor does not look far enough ahead to do so by itself. Each lane of GHASH sums up its own blocks, by powers of
// H as far apart as rows are long, until the packet's last chunk, which takes the powers that its length asks for.
template <Way way, unsigned rounds, unsigned rows>
class Pipeline {
 public:
  // Before the first chunk there is nothing to hash, behind the last nothing to encrypt: `idle` stands in, a packet of
  // no more than a chunk that nobody gets to see.
  SEKISHO_INLINE explicit Pipeline(EspJob& idle) : idle_(idle), hashed_(&idle), encrypted_(&idle) {
    unroll<rows>(SEKISHO_UNROLL { pending_[i] = _mm512_setzero_si512(); });
  }

  SEKISHO_INLINE void run(std::span<EspJob> jobs, uint64_t members) {
    for (bool more = true; more; members &= members - 1) {
      more = members != 0;
      start(more ? jobs[_tzcnt_u64(members)] : idle_);
      if (left_ <= chunk_size) {
        chunk<true, true>();
        continue;
      }
      if ((left_ - 1) % chunk_size < 2 * block_size)
        shortened_chunk();
      else
        chunk<true, false>();
      for (advance(chunk_size - skipped_ * row_size); left_ > chunk_size; advance(chunk_size)) {
        chunk<false, false>();
        skipped_ = 0;
      }
      chunk<false, true>();
      skipped_ = 0;
    }
  }

 private:
  static constexpr unsigned hash_pieces = rows + 1;
  static constexpr uint32_t chunk_size = rows * row_size;

  SEKISHO_INLINE void start(EspJob& job) {
    encrypted_ = &job;
    at_ = job.esp;
    left_ = job.length - icv_size;
  }

  SEKISHO_INLINE void advance(uint32_t size) {
    at_ += size;
    left_ -= size;
  }

  // A first chunk without its last row. The last chunk must hold three blocks at least: each lane of what was summed up
  // until there goes into its first row, where a block after the lengths has no power of H left to be multiplied by.
  SEKISHO_INLINE void shortened_chunk() {
    const uint32_t left = left_;
    left_ = chunk_size - row_size;
    chunk<true, true>();
    left_ = left;
    skipped_ = 1;
    counter_ = _mm512_sub_epi32(counter_, _mm512_maskz_set1_epi32(0x8888, 4));
  }

  // Encrypts or decrypts a chunk, which is its packet's first, last, both or neither, and hashes the one before it: if
  // this is a first one, that is the last of the packet before.
  template <bool first, bool last>
  SEKISHO_INLINE void chunk() {
    const GcmKernelKey<rounds>& key = kernel_key<rounds>(*encrypted_);
    Rows<rows> state;
    Blocks head;
    if constexpr (first) {
      head = _mm512_maskz_loadu_epi8(inside<last>(0), at_);
      if constexpr (way == Way::seal) head = insert_iv(head, *encrypted_);
      nonce_ = _mm512_xor_si512(nonces(head), broadcast(key.round_keys[0]));
      counter_ = _mm512_set_epi32(4, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0);
    }
    unroll<rows>(SEKISHO_UNROLL { state[i] = next_counters(); });
    Product product;
    unroll<rounds - 1>([&](auto round) __attribute__((always_inline)) {
      const Blocks round_key = broadcast(key.round_keys[round + 1]);
      unroll<rows>(SEKISHO_UNROLL { state[i] = _mm512_aesenc_epi128(state[i], round_key); });
      unroll<hash_pieces>(SEKISHO_UNROLL {
        if constexpr (i * (rounds - 2) / hash_pieces == round) hash_piece<first, i>(product);
      });
    });
    const Blocks hash = reduce(product);
    if constexpr (first) {
      finish_hash(hash);
      hashed_ = encrypted_;
    }
    sum_ = first ? _mm512_setzero_si512() : hash;
    const Blocks round_key = broadcast(key.round_keys[rounds]);
    unroll<rows>(SEKISHO_UNROLL { state[i] = _mm512_aesenclast_epi128(state[i], round_key); });
    if constexpr (first) mask_ = tag_mask<way>(state[0], at_ + encrypted_->length - icv_size);
    unroll<rows>(SEKISHO_UNROLL {
      constexpr bool is_head = first && i == 0;
      uint8_t* row = at_ + i * row_size;
      const __mmask64 text = inside<last>(i);
      const Blocks in = is_head ? head : _mm512_maskz_loadu_epi8(text, row);
      const Blocks out = _mm512_mask_xor_epi64(in, is_head ? 0xfc : 0xff, in, state[i]);
      _mm512_mask_storeu_epi8(row, text, out);
      const Blocks ciphertext = way == Way::seal ? _mm512_maskz_mov_epi8(text, out) : in;
      pending_[i] = is_head ? hash_head<way>(ciphertext, *encrypted_) : _mm512_shuffle_epi8(ciphertext, reversed);
    });
    pending_left_ = left_;
  }

  // Which bytes of a row of the chunk are header or text: all, but in the last one.
  template <bool last>
  SEKISHO_INLINE __mmask64 inside(unsigned row) const {
    if constexpr (!last) return ~uint64_t{0};
    const int64_t bytes = int64_t{left_} - row * row_size;
    return _bzhi_u64(~uint64_t{0}, static_cast<unsigned>(std::clamp<int64_t>(bytes, 0, row_size)));
  }

  // Counters are numbers in host order here, since they may outgrow a byte.
  SEKISHO_INLINE Blocks next_counters() {
    const Blocks to_network =
        _mm512_broadcast_i32x4(_mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 15, 14, 13, 12));
    const Blocks counters = _mm512_shuffle_epi8(counter_, to_network);
    counter_ = _mm512_add_epi32(counter_, _mm512_maskz_set1_epi32(0x8888, 4));
    return _mm512_xor_si512(nonce_, counters);
  }

  // A row of the chunk to be hashed, the first one last, since what it is added to is ready last; then the lengths.
  template <bool last_chunk, unsigned piece>
  SEKISHO_INLINE void hash_piece(Product& product) {
    const GcmPowers& powers = kernel_key<rounds>(*hashed_);
    const uint32_t blocks = (pending_left_ + block_size - 1) / block_size + 1;
    constexpr unsigned row = (piece + 1) % rows;
    if constexpr (piece == rows) {
      if constexpr (last_chunk)
        product = add(product, multiply(insert_lengths(_mm512_setzero_si512(), 0, *hashed_, Lengths(*hashed_)),
                                        powers_from(powers, 1)));
      return;
    } else {
      Blocks x = pending_[row];
      if constexpr (row == 0) x = _mm512_xor_si512(x, sum_);
      // The last row, if it was skipped, is zero: any power will do, and none is left.
      const uint32_t skipped = row + 1 == rows ? 0 : skipped_;
      const Product more = multiply(x, last_chunk ? powers_from(powers, static_cast<int>(blocks) - 4 * int{row})
                                                  : broadcast(powers.powers[most_powers - 4 * (rows - row - skipped)]));
      product = piece == 0 ? more : add(product, more);
    }
  }

  SEKISHO_INLINE void finish_hash(Blocks lanes) {
    const __m256i half = _mm256_xor_si256(_mm512_castsi512_si256(lanes), _mm512_extracti64x4_epi64(lanes, 1));
    const Block hash = _mm_xor_si128(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
    const Block tag = _mm_xor_si128(_mm_shuffle_epi8(hash, _mm512_castsi512_si128(reversed)), mask_);
    if constexpr (way == Way::seal)
      _mm_storeu_si128(reinterpret_cast<__m128i*>(hashed_->esp + hashed_->length - icv_size), tag);
    hashed_->ok = way == Way::seal || _mm_testz_si128(tag, tag);
  }

  EspJob& idle_;
  EspJob* hashed_;
  EspJob* encrypted_;
  uint8_t* at_ = nullptr;               // the chunk to be encrypted
  uint32_t left_ = 0;                   // from there on, of header and text
  uint32_t pending_left_ = block_size;  // from the chunk to be hashed on
  uint32_t skipped_ = 0;                // rows at the end of the chunk to be hashed
  Blocks nonce_;                        // with the first round key added
  Blocks counter_;
  Rows<rows> pending_;                   // a chunk's ciphertext, as GHASH takes it
  Blocks sum_ = _mm512_setzero_si512();  // of the chunks before it, a lane each
  Block mask_ = _mm_setzero_si128();
};

template <Way way, unsigned rounds, unsigned rows>
void run_pipeline(std::span<EspJob> jobs, uint64_t members) {
  std::array<uint8_t, row_size> packet = {};  // its IV is 0, which that of no packet sent is
  EspJob idle = {.key = jobs[_tzcnt_u64(members)].key, .esp = packet.data(), .length = 36};
  Pipeline<way, rounds, rows>(idle).run(jobs, members);
}

// A group that is not full is filled up with its last packet: all of a group is read before any of it is written.
template <Way way, unsigned rounds, unsigned rows>
void run_groups(std::span<EspJob> jobs, uint64_t members) {
  while (members) {
    std::array<EspJob*, 4> group;
    unroll<4>(SEKISHO_UNROLL {
      group[i] = members ? &jobs[_tzcnt_u64(members)] : group[i - (i > 0)];
      members &= members - 1;
    });
    run_group<way, rounds, rows>(group);
  }
}

// The shape is what packets worked on together have in common: below this a group's number of rows, from here on a
// chunk's; and the size of the key.
constexpr unsigned first_pipeline = 3;
constexpr uint8_t other_suite = 0;
constexpr uint8_t long_key = 0x80;

template <Way way, unsigned rounds>
void run_members(std::span<EspJob> jobs, uint64_t members, unsigned shape) {
  constexpr std::array by_shape = {
      run_groups<way, rounds, 1>,   run_groups<way, rounds, 2>,   run_pipeline<way, rounds, 3>,
      run_pipeline<way, rounds, 4>, run_pipeline<way, rounds, 5>, run_pipeline<way, rounds, 6>,
      run_pipeline<way, rounds, 7>, run_pipeline<way, rounds, 8>,
  };
  by_shape[shape - 1](jobs, members);
}

// Chunks of as equal a size as can be, so that the last one is nearly full.
constexpr std::array<uint8_t, 65> chunk_sizes = [] {
  std::array<uint8_t, 65> sizes{};
  for (unsigned rows = 0; rows < sizes.size(); ++rows) {
    const unsigned chunks = std::max(1u, (rows + longest_chunk - 1) / longest_chunk);
    sizes[rows] = static_cast<uint8_t>(std::max(first_pipeline, (rows + chunks - 1) / chunks));
  }
  return sizes;
}();

SEKISHO_INLINE uint8_t shape_of(const EspJob& job) {
  const EspSuite suite = job.key->suite;
  if (suite != EspSuite::aes128gcm16 && suite != EspSuite::aes256gcm16) return other_suite;
  const Lengths lengths(job);
  const uint32_t rows = (lengths.end + row_size - 1) / row_size;
  const uint8_t shape = lengths.hashed <= 8         ? static_cast<uint8_t>((lengths.hashed + 3) / 4)
                        : rows < chunk_sizes.size() ? chunk_sizes[rows]
                                                    : uint8_t{longest_chunk};
  return shape | (suite == EspSuite::aes256gcm16 ? long_key : uint8_t{0});
}

template <Way way>
uint64_t run(std::span<EspJob> jobs) {
  alignas(64) std::array<uint8_t, gcm_kernel_burst> shape;
  for (size_t i = 0; i < jobs.size(); ++i) shape[i] = shape_of(jobs[i]);
  const __m512i shapes = _mm512_load_si512(shape.data());
  uint64_t rest = _bzhi_u64(~uint64_t{0}, static_cast<unsigned>(jobs.size()));
  const uint64_t others = _mm512_mask_testn_epi8_mask(rest, shapes, shapes);
  for (rest &= ~others; rest;) {
    const uint8_t one = shape[_tzcnt_u64(rest)];
    const uint64_t members = _mm512_mask_cmpeq_epi8_mask(rest, shapes, _mm512_set1_epi8(static_cast<char>(one)));
    rest &= ~members;
    if (one & long_key)
      run_members<way, 14>(jobs, members, one & ~long_key);
    else
      run_members<way, 10>(jobs, members, one & ~long_key);
  }
  return others;
}

// AES key expansion (FIPS 197 section 5.2), by the S-box and rotation of `aeskeygenassist`.
template <int constant>
SEKISHO_INLINE Block next_round_key(Block before, Block last) {
  before = _mm_xor_si128(before, _mm_slli_si128(before, 4));
  before = _mm_xor_si128(before, _mm_slli_si128(before, 8));
  const Block word = _mm_aeskeygenassist_si128(last, constant);
  return _mm_xor_si128(before, _mm_shuffle_epi32(word, constant ? _MM_PERM_DDDD : _MM_PERM_CCCC));
}

void expand(const uint8_t* key, Block (&out)[11]) {
  out[0] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(key));
  unroll<10>(SEKISHO_UNROLL {
    constexpr std::array<int, 10> constants = {1, 2, 4, 8, 16, 32, 64, 128, 27, 54};
    out[i + 1] = next_round_key<constants[i]>(out[i], out[i]);
  });
}

void expand(const uint8_t* key, Block (&out)[15]) {
  out[0] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(key));
  out[1] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(key + block_size));
  unroll<13>(SEKISHO_UNROLL {
    constexpr int constant = i % 2 ? 0 : 1 << i / 2;
    out[i + 2] = next_round_key<constant>(out[i], out[i + 1]);
  });
}

// The product of two field elements, the bits of both reversed and one of them a power that times_x() has been at.
Block multiply_block(Block x, Block h) {
  return _mm512_castsi512_si128(reduce(multiply(_mm512_zextsi128_si512(x), _mm512_zextsi128_si512(h))));
}

// Times x in reversed bits, which makes up for the bit that CLMUL's products of reversed bits lack.
Block times_x(Block h) {
  const Block carries = _mm_srli_epi64(h, 63);  // of each half
  const Block shifted = _mm_or_si128(_mm_slli_epi64(h, 1), _mm_slli_si128(carries, 8));
  const Block polynomial = _mm_set_epi64x(static_cast<long long>(0xc200000000000000), 1);
  const Block overflow = _mm_sub_epi64(_mm_setzero_si128(), _mm_unpackhi_epi64(carries, carries));
  return _mm_xor_si128(shifted, _mm_and_si128(polynomial, overflow));
}

template <unsigned rounds>
void fill_key(GcmKernelKey<rounds>& key, ByteView material) {
  Block round_keys[rounds + 1];
  expand(material.data(), round_keys);
  Block state = round_keys[0];
  for (unsigned i = 1; i < rounds; ++i) state = _mm_aesenc_si128(state, round_keys[i]);
  state = _mm_aesenclast_si128(state, round_keys[rounds]);
  const Block h = times_x(_mm_shuffle_epi8(state, _mm512_castsi512_si128(reversed)));
  Block power = h;
  for (unsigned i = 1; i <= most_powers; ++i) {
    std::memcpy(&key.powers[most_powers - i], &power, block_size);
    power = multiply_block(power, h);
  }
  uint32_t salt;
  std::memcpy(&salt, key.salt.data(), sizeof salt);
  round_keys[0] = _mm_xor_si128(round_keys[0], _mm_cvtsi32_si128(static_cast<int>(salt)));
  std::memcpy(key.round_keys.data(), round_keys, sizeof round_keys);
  wipe({reinterpret_cast<uint8_t*>(round_keys), sizeof round_keys});
}

}  // namespace

EspKeyPtr make_gcm_kernel_key(EspBackend backend, EspSuite suite, bool esn, ByteView material) {
  if (suite == EspSuite::aes128gcm16) {
    EspKeyPtr key = new_esp_key<GcmKernelKey<10>>(backend, suite, esn, material);
    fill_key(static_cast<GcmKernelKey<10>&>(*key), material);
    return key;
  }
  EspKeyPtr key = new_esp_key<GcmKernelKey<14>>(backend, suite, esn, material);
  fill_key(static_cast<GcmKernelKey<14>&>(*key), material);
  return key;
}

uint64_t gcm_kernel_seal(std::span<EspJob> jobs) { return run<Way::seal>(jobs); }
uint64_t gcm_kernel_open(std::span<EspJob> jobs) { return run<Way::open>(jobs); }

}  // namespace sekisho::crypto
