// The expected values were computed with Python's hashlib and hmac straight from the formulas of RFC 7296:
//
//   prf  = lambda h, k, d: hmac.new(k, d, h).digest()
//   plus = T1 | T2 ..., T1 = prf(h, k, seed + b'\x01'), T2 = prf(h, k, T1 + seed + b'\x02') ...
//   c    = lambda n, f=0: bytes((f + i) & 255 for i in range(n))                      (counting() here)
//   ni, nr, g = c(32, 1), c(20, 100), c(32, 200);  si, sr = 0102030405060708, 1112131415161718
#include "control/ike/suite/keys.h"

#include <catch2/catch.hpp>

#include "tests/unit/control/ike/samples.h"

namespace sekisho::ike::suite {
namespace {

const Bytes ni = counting(32, 1), nr = counting(20, 100);
constexpr uint64_t si = 0x0102030405060708, sr = 0x1112131415161718;

SecretBytes secret(const Bytes& bytes) { return SecretBytes::copy_of(bytes); }
SecretBytes shared() { return secret(counting(32, 200)); }
std::string hex(const SecretBytes& bytes) { return to_hex(bytes.view()); }

}  // namespace

TEST_CASE("IKE keys with an AEAD: SK_e ends with the salt, no SK_a") {
  // seed = prf('sha256', ni+nr, g); plus('sha256', seed, ni+nr+si+sr, 32+20+20+32+32)
  const auto proposal = IkeProposal::parse("aes128gcm16-prfsha256-x25519").value();
  const SecretBytes seed = skeyseed(proposal.prf, ni, nr, shared());
  CHECK(hex(seed) == "72070e7754b544ee24a1e3762808fa33103669c3efb882e43447db42cd13be2f");
  const IkeKeys keys = derive_ike_keys(proposal, seed, ni, nr, si, sr);
  CHECK(hex(keys.d) == "6e3da6da9d20b380883ddf91e6976567e02dd138d6d564b466451769e815bee2");
  CHECK(keys.ai.empty());
  CHECK(keys.ar.empty());
  CHECK(hex(keys.ei) == "54580a4aae90c9dd4f9ab5d3a46950bf07584d96");
  CHECK(hex(keys.er) == "2356017cdfe5c0eee7923d226effead570d30325");
  CHECK(hex(keys.pi) == "f84ec81cf06bb1a66fadba88c3f486587ac2de12200f4c8f473c5c40896e94c2");
  CHECK(hex(keys.pr) == "a29bc6effd71d2c7393286281788656b5c0e237082a82bf2e8e446ce1b618884");
}

TEST_CASE("IKE keys with CBC and HMAC") {
  // plus('sha1', seed, ni+nr+si+sr, 20+20+20+32+32+20+20)
  const auto proposal = IkeProposal::parse("aes256-sha1-modp1024").value();
  const SecretBytes seed = skeyseed(proposal.prf, ni, nr, shared());
  CHECK(hex(seed) == "ee0e51a7a3f2c66f375e5c0be47c4c33bd337ceb");
  const IkeKeys keys = derive_ike_keys(proposal, seed, ni, nr, si, sr);
  CHECK(hex(keys.d) == "36e3252456287d92438f5e556ea52259b0483c6b");
  CHECK(hex(keys.ai) == "a3ef6c3ee8fb0a3a9020b4f3fa4ca1ad96a62a46");
  CHECK(hex(keys.ar) == "43b2564969c16ef2d243b980c4dbed4e049f14b9");
  CHECK(hex(keys.ei) == "2516bad881594936aef7a2f30307245ef940673bb8cde6a9c7fbce337a8a7880");
  CHECK(hex(keys.er) == "8b32c25b8023bd81d77f17c1a068b0b16dc355cd4bed58bee8e02a4f201cd6c6");
  CHECK(hex(keys.pi) == "d7cf9c6993c4e7f0a950db595378cb2f2aa97883");
  CHECK(hex(keys.pr) == "d86f06c427a60256e350c1ca59ac48575692f7e8");
}

TEST_CASE("SKEYSEED of a rekey") {
  // prf('sha384', c(48, 5), g+ni+nr)
  CHECK(hex(rekey_skeyseed(crypto::PrfId::hmac_sha2_384, secret(counting(48, 5)), shared(), ni, nr)) ==
        "dbd9c667f49a46caf4012c08c2dd619944be9f890206b5583fe8366d444d2621308a6a40139109900c0eb6bad1d0aa0e");
}

TEST_CASE("child keys: the initiator's direction comes first") {
  // plus('sha256', c(32, 7), ni+nr, 2*20)
  const ChildKeys gcm =
      derive_child_keys(crypto::PrfId::hmac_sha2_256, secret(counting(32, 7)), {}, ni, nr, EspSuite::aes128gcm16);
  CHECK(hex(gcm.initiator_to_responder) == "4b90ff091c004b305c3d6fe71c15d708592b098e");
  CHECK(hex(gcm.responder_to_initiator) == "0a7c5f60b4dd1f21ec421802a48640cc58a1ae23");
  // plus('sha512', c(64, 7), g+ni+nr, 2*64)
  const ChildKeys cbc = derive_child_keys(crypto::PrfId::hmac_sha2_512, secret(counting(64, 7)), shared(), ni, nr,
                                          EspSuite::aes256_sha256);
  CHECK(hex(cbc.initiator_to_responder) ==
        "f3cfe80c1f9f537eb87349556d577e2d85a4a8b999428905148895f2050d6238"
        "5325cd04b8c4b3ca705c6300868162a01b7a3a6dd002ab5bf1b576e060c64607");
  CHECK(hex(cbc.responder_to_initiator) ==
        "3677b5d53685e3b7cdcf7504edaefcf2264d88c5da61e44af7d49f97c681c3cc"
        "e76692439d0186a63ad26b09054c605266477a6891c570b2a0ffa41f72268be0");
}

TEST_CASE("AUTH with a pre-shared key") {
  // prf(h, prf(h, b'P@ssw0rd1234', b'Key Pad for IKEv2'), c(100) + nr + prf(h, c(20, 9), b'\x02\0\0\0a.lab'))
  const SecretBytes psk = SecretBytes::copy_of(as_bytes("P@ssw0rd1234"));
  const Bytes id = wire::IdInitiator{Identity::parse("a.lab").value()}.body();
  const auto auth = [&](crypto::PrfId prf) {
    return to_hex(shared_key_auth(prf, psk, signed_octets(prf, counting(100), nr, secret(counting(20, 9)), id)));
  };
  CHECK(auth(crypto::PrfId::hmac_sha1) == "4e05abe8c388a7bf66a25e4c3772ec8b0a0d273d");
  CHECK(auth(crypto::PrfId::hmac_sha2_256) == "33e4a5b0dd38a0b826124d7f337719ed34bd2131d77c4dd5d347bb12c6bd15ff");
}

TEST_CASE("NAT detection hashes") {
  // sha1(si + bytes(8) + 0a090101 + 01f4), sha1(si + sr + 20010db8...01 + 1194)
  CHECK(to_hex(nat_detection_hash(si, 0, {IpAddress::parse("10.9.1.1").value(), 500})) ==
        "b7c9f46a4d66e231804c4b045f457a00519001de");
  const auto notify =
      nat_detection(wire::NotifyType::nat_detection_source_ip, si, sr, {IpAddress::parse("2001:db8::1").value(), 4500});
  CHECK(to_hex(notify.data) == "1ee24423bf8f59515e0265c6d0f08be3d038f7e5");
  CHECK(notify.protocol == wire::Protocol::none);
}

}  // namespace sekisho::ike::suite
