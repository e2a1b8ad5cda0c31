// The expected values were computed with Python's hashlib and hmac straight from the formulas of RFC 2409:
//
//   prf = lambda h, k, *d: hmac.new(k, b''.join(d), h).digest()
//   skeyid = prf(h, psk, ni, nr); d = prf(h, skeyid, g, ci, cr, b'\0'); a = prf(h, skeyid, d, g, ci, cr, b'\1') ...
//   c   = lambda n, step, first: bytes((step * i + first) & 255 for i in range(n))    (filled() here)
#include "control/ike/v1/suite/keys.h"

#include <catch2/catch.hpp>

#include "tests/unit/control/ike/samples.h"

namespace sekisho::ike::v1::suite {
namespace {

Bytes filled(size_t size, unsigned step, unsigned first) {
  Bytes bytes(size);
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<uint8_t>(step * i + first);
  return bytes;
}

const Bytes ni = filled(16, 1, 0), nr = filled(20, 1, 50), gxi = filled(128, 5, 1), gxr = filled(128, 7, 2);
constexpr Cookies cookies{0x0102030405060708, 0x1112131415161718};
constexpr uint32_t message_id = 0xdeadbeef;

SecretBytes shared() { return SecretBytes::copy_of(filled(128, 3, 0)); }
SecretBytes psk() { return SecretBytes::copy_of(as_bytes("swordfish")); }
std::string hex(const SecretBytes& bytes) { return to_hex(bytes.view()); }
std::string hex(const Bytes& bytes) { return to_hex(bytes); }

IkeProposal proposal(const char* text) { return IkeProposal::parse(text).value(); }
Phase1Keys keys_of(const IkeProposal& proposal) {
  return derive_phase1_keys(proposal, skeyid_of_key(proposal.prf, psk(), ni, nr), shared(), cookies);
}

}  // namespace

TEST_CASE("phase 1 keys from a pre-shared key, the cipher's cut to size or expanded") {
  struct Vector {
    const char *proposal, *skeyid, *d, *a, *encryption, *iv, *iv2;
    size_t block;
  };
  const Vector vectors[] = {
      {"aes128-sha1-modp1024", "3cff783c3323f50a4b0b46bf39b8083f4656bd73", "b7e86440fe515341cb7a317244bed508b3eed83f",
       "34468ec34a5dc141a8fe80c0df5b5f323d623ddf", "1a4317e38b95a8e77ad179911c81da9e",
       "f7b477a26073d551107a08752b807156", "5150c34c2b5a1ae1bb3c9c081686d834", 16},
      {"3des-sha1-modp1024", "3cff783c3323f50a4b0b46bf39b8083f4656bd73", "b7e86440fe515341cb7a317244bed508b3eed83f",
       "34468ec34a5dc141a8fe80c0df5b5f323d623ddf", "cb9711b3e6e241584e23b805547f649a08663c7c73eb0f9c",
       "f7b477a26073d551", "852c5c0bcd8d1fd4", 8},
      {"aes256-sha1-modp1024", "3cff783c3323f50a4b0b46bf39b8083f4656bd73", "b7e86440fe515341cb7a317244bed508b3eed83f",
       "34468ec34a5dc141a8fe80c0df5b5f323d623ddf", "cb9711b3e6e241584e23b805547f649a08663c7c73eb0f9c1670d01673144cbd",
       "f7b477a26073d551107a08752b807156", "5150c34c2b5a1ae1bb3c9c081686d834", 16},
      {"aes256-sha256-modp1024", "6cb91f0d5dbe85c2e8e5fc78ba42979171ad0dd9d86c44212c7709bb3a82fc93",
       "076bf67ca29b10484dbedda427b237566809edd8448f7e4e9e27221fa38e0ab1",
       "771c7f315ee50bae9c8f976601c0ca5008842888140277e105e9287945d268d7",
       "8d6e4dd9a19075b13187f4d50d6d309d3f0cd08564810c41fb92f423c397f64f", "e455e16541e0758186404866cb16251a",
       "78fb91de2799b675b0af01cf5d454dcc", 16},
  };
  for (const Vector& vector : vectors) {
    const IkeProposal chosen = proposal(vector.proposal);
    const Phase1Keys keys = keys_of(chosen);
    CHECK(hex(keys.skeyid) == vector.skeyid);
    CHECK(hex(keys.d) == vector.d);
    CHECK(hex(keys.a) == vector.a);
    CHECK(hex(keys.encryption) == vector.encryption);
    CHECK(hex(phase1_iv(chosen, gxi, gxr)) == vector.iv);
    CHECK(hex(phase2_iv(chosen, filled(vector.block, 1, 200), message_id)) == vector.iv2);
  }
}

TEST_CASE("SKEYID with signatures") {
  CHECK(hex(skeyid_of_signatures(crypto::PrfId::hmac_sha1, ni, nr, shared())) ==
        "8ca42f9bb5d013092acd46bf412f428ebef1a7c0");
}

TEST_CASE("the hashes of both phases") {
  const auto prf = crypto::PrfId::hmac_sha1;
  const Phase1Keys keys = keys_of(proposal("aes128-sha1-modp1024"));
  const ByteView sa = as_bytes("SA body"), id = as_bytes("ID body"), rest = as_bytes("rest");
  CHECK(hex(phase1_hash(prf, keys.skeyid, gxi, gxr, cookies.initiator, cookies.responder, sa, id)) ==
        "0e6efd49929536bca8ae08da2d6c93318de6d4f8");
  CHECK(hex(phase1_hash(prf, keys.skeyid, gxr, gxi, cookies.responder, cookies.initiator, sa, id)) ==
        "83a5b73011ffb6b204191caef6dbec29b3cccd1c");
  CHECK(hex(hash_1(prf, keys.a, message_id, rest)) == "38310edce1dbf88337cb0cfe0246e52e20b94527");
  CHECK(hex(hash_2(prf, keys.a, message_id, ni, rest)) == "8ebb37182091a558c5f23959327ef3ab4cd64491");
  CHECK(hex(hash_3(prf, keys.a, message_id, ni, nr)) == "f60b6a768c759deeb4386e5927f72aa92f1c683c");
}

TEST_CASE("KEYMAT, without PFS and with it") {
  const auto prf = crypto::PrfId::hmac_sha1;
  const Phase1Keys keys = keys_of(proposal("aes128-sha1-modp1024"));
  CHECK(hex(keymat(prf, keys.d, {}, 0xc0ffee01, ni, nr, EspSuite::aes128_sha1)) ==
        "79b7d418acc6a0099eafb173272bb5dc68dd5f955362d9ef673656758994c47d068afdc0");
  CHECK(
      hex(keymat(prf, keys.d, shared(), 0xc0ffee01, ni, nr, EspSuite::aes256_sha256)) ==
      "f6460d3cdf40b2b94feec2ec4da10dff3d2f065b8d4653e5b41f8f6d3e5ee78fe1e9eaaba8a6b90fca2466bd1c7d8b158d5ffbf7436769d6"
      "43274595102ed228");
}

TEST_CASE("NAT-D hashes") {
  CHECK(hex(nat_detection_hash(crypto::PrfId::hmac_sha1, cookies, {*IpAddress::parse("10.9.1.1"), 4500})) ==
        "1d52011312f81ae96a3d9313aec40d906486876c");
}

}  // namespace sekisho::ike::v1::suite
