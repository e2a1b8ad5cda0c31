// Known answers of the IKE primitives. Where a vector is no RFC's, it was computed by Python 3: hmac, pow() with the
// primes built from the formulas of RFC 2409 section 6.2 and RFC 3526, and the package `cryptography`.
#include <openssl/evp.h>

#include <catch2/catch.hpp>
#include <set>

#include "crypto/ike/algorithms.h"
#include "crypto/ike/cbc.h"
#include "crypto/ike/key_exchange.h"
#include "crypto/ike/prf.h"
#include "crypto/ike/sk_cipher.h"
#include "fixed_random.h"

namespace sekisho::crypto {
namespace {

Bytes copy(ByteView view) { return {view.begin(), view.end()}; }

Bytes digest(const EVP_MD* hash, ByteView bytes) {
  Bytes out(static_cast<size_t>(EVP_MD_get_size(hash)));
  REQUIRE(EVP_Digest(bytes.data(), bytes.size(), out.data(), nullptr, hash, nullptr) == 1);
  return out;
}

std::unique_ptr<KeyExchange> with_private_key(KeyExchangeId id, Bytes key) {
  FixedRandom random(std::move(key));
  return KeyExchange::generate(id, random);
}

constexpr KeyExchangeId all_groups[] = {KeyExchangeId::modp1024, KeyExchangeId::modp1536, KeyExchangeId::modp2048,
                                        KeyExchangeId::modp3072, KeyExchangeId::modp4096, KeyExchangeId::ecp256,
                                        KeyExchangeId::ecp384,   KeyExchangeId::ecp521,   KeyExchangeId::x25519};

}  // namespace

TEST_CASE("transforms have names both ways") {
  CHECK(name(PrfId::hmac_sha2_384) == "prfsha384");
  CHECK(name(IntegrityId::none).empty());
  CHECK(name(KeyExchangeId{9}).empty());
  CHECK(find_prf("prfsha1") == PrfId::hmac_sha1);
  CHECK(find_integrity("sha512") == IntegrityId::hmac_sha2_512_256);
  CHECK_FALSE(find_integrity("md5"));
  for (const KeyExchangeId id : all_groups) CHECK(find_key_exchange(name(id)) == id);
}

// RFC 2202 section 3 and RFC 4231 section 4.3, test case 2.
TEST_CASE("prf gives the RFCs' answers") {
  struct Vector {
    PrfId id;
    const char* answer;
  };
  const Vector vectors[] = {
      {PrfId::hmac_sha1, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"},
      {PrfId::hmac_sha2_256, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
      {PrfId::hmac_sha2_384,
       "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649"},
      {PrfId::hmac_sha2_512,
       "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4"
       "b636e070a38bce737"},
  };
  for (const Vector& vector : vectors) {
    const auto whole = prf(vector.id, as_bytes("Jefe"), {as_bytes("what do ya want for nothing?")});
    const auto parts = prf(vector.id, as_bytes("Jefe"), {as_bytes("what do ya "), {}, as_bytes("want for nothing?")});
    CHECK(copy(whole.view()) == from_hex(vector.answer));
    CHECK(copy(parts.view()) == from_hex(vector.answer));
    CHECK(whole.size() == prf_length(vector.id));
  }
  // RFC 4231 section 4.7, test case 6: a key longer than the hash's block.
  CHECK(copy(prf(PrfId::hmac_sha2_256, Bytes(131, 0xaa),
                 {as_bytes("Test Using Larger Than Block-Size Key - Hash Key First")})
                 .view()) == from_hex("60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"));
  // hmac.new(b'', b'', 'sha256')
  CHECK(copy(prf(PrfId::hmac_sha2_256, {}, {}).view()) ==
        from_hex("b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"));
  // FIPS 180-2 appendix B.1.
  CHECK(hash(PrfId::hmac_sha2_256, {as_bytes("a"), as_bytes("bc")}) ==
        from_hex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
  CHECK(sha1({as_bytes("a"), as_bytes("bc")}) == from_hex("a9993e364706816aba3e25717850c26c9cd0d89d"));  // FIPS 180
}

TEST_CASE("CBC gives the published answers, both ways") {
  struct Vector {
    EncryptionId id;
    const char *key, *iv, *plain, *sealed;
  };
  const Vector vectors[] = {
      // NIST SP 800-38A sections F.2.1, F.2.3, F.2.5, the first two blocks.
      {EncryptionId::aes_cbc, "2b7e151628aed2a6abf7158809cf4f3c", "000102030405060708090a0b0c0d0e0f",
       "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51",
       "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2"},
      {EncryptionId::aes_cbc, "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b", "000102030405060708090a0b0c0d0e0f",
       "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51",
       "4f021db243bc633d7178183a9fa071e8b4d9ada9ad7dedf4e5e738763f69145a"},
      {EncryptionId::aes_cbc, "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
       "000102030405060708090a0b0c0d0e0f", "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51",
       "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d"},
      // Python's `cryptography`.
      {EncryptionId::des3, "000102030405060708090a0b0c0d0e0f1011121314151617", "6465666768696a6b",
       "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
       "6610dc2734a91e258461308183965be604926c08e262ebca9683e45dd633336f"},
  };
  for (const Vector& vector : vectors) {
    const SecretBytes key = SecretBytes::copy_of(from_hex(vector.key));
    const Bytes iv = from_hex(vector.iv), plain = from_hex(vector.plain), sealed = from_hex(vector.sealed);
    CHECK(cbc_encrypt(vector.id, key, iv, plain) == sealed);
    CHECK(cbc_decrypt(vector.id, key, iv, sealed) == plain);
    CHECK(cbc_decrypt(vector.id, key, iv, {}).empty());
    CHECK_THROWS(cbc_encrypt(vector.id, key, iv, ByteView(plain).first(15)));
    CHECK_THROWS(cbc_encrypt(vector.id, key, ByteView(iv).first(7), plain));
    CHECK_THROWS(cbc_encrypt(vector.id, SecretBytes(15), iv, plain));
  }
  CHECK_THROWS(cbc_block_length(EncryptionId::aes_gcm_16));
}

TEST_CASE("prf+ chains its blocks") {
  const auto key = counting(20), seed = counting(48, 100);
  for (const PrfId id : {PrfId::hmac_sha1, PrfId::hmac_sha2_256, PrfId::hmac_sha2_384, PrfId::hmac_sha2_512}) {
    Bytes expected, block;
    for (uint8_t number = 1; number <= 8; ++number) {
      Bytes input = block;
      input.insert(input.end(), seed.begin(), seed.end());
      input.push_back(number);
      block = copy(prf(id, key, {input}).view());
      expected.insert(expected.end(), block.begin(), block.end());
    }
    for (const size_t length : {size_t{0}, size_t{1}, prf_length(id), prf_length(id) + 1, 8 * prf_length(id)})
      CHECK(copy(prf_plus(id, key, seed, length).view()) == Bytes(expected.begin(), expected.begin() + length));
    CHECK(prf_plus(id, key, seed, 255 * prf_length(id)).size() == 255 * prf_length(id));
    CHECK_THROWS(prf_plus(id, key, seed, 255 * prf_length(id) + 1));
  }
}

TEST_CASE("ECP groups and x25519 give the RFCs' answers") {
  struct Vector {
    KeyExchangeId id;
    const char *private_key, *public_value, *peer_value, *shared;
  };
  const Vector vectors[] = {
      // RFC 5903 section 8.1, both sides.
      {KeyExchangeId::ecp256, "c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433",
       "dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c3772581180"
       "5271a0461cdb8252d61f1c456fa3e59ab1f45b33accf5f58389e0577b8990bb3",
       "d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf63"
       "56fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e74f33039872ab",
       "d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de"},
      {KeyExchangeId::ecp256, "c6ef9c5d78ae012a011164acb397ce2088685d8f06bf9be0b283ab46476bee53",
       "d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf63"
       "56fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e74f33039872ab",
       "dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c3772581180"
       "5271a0461cdb8252d61f1c456fa3e59ab1f45b33accf5f58389e0577b8990bb3",
       "d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de"},
      // RFC 5903 section 8.2.
      {KeyExchangeId::ecp384,
       "099f3c7034d4a2c699884d73a375a67f7624ef7c6b3c0f160647b67414dce655e35b538041e649ee3faef896783ab194",
       "667842d7d180ac2cde6f74f37551f55755c7645c20ef73e31634fe72b4c55ee6de3ac808acb4bdb4c88732aee95f41aa"
       "9482ed1fc0eeb9cafc4984625ccfc23f65032149e0e144ada024181535a0f38eeb9fcff3c2c947dae69b4c634573a81c",
       "e558dbef53eecde3d3fccfc1aea08a89a987475d12fd950d83cfa41732bc509d0d1ac43a0336def96fda41d0774a3571"
       "dcfbec7aacf3196472169e838430367f66eebe3c6e70c416dd5f0c68759dd1fff83fa40142209dff5eaad96db9e6386c",
       "11187331c279962d93d604243fd592cb9d0a926f422e47187521287e7156c5c4d603135569b9e9d09cf5d4a270f59746"},
      // RFC 5903 section 8.3.
      {KeyExchangeId::ecp521,
       "0037ade9319a89f4dabdb3ef411aaccca5123c61acab57b5393dce47608172a0"
       "95aa85a30fe1c2952c6771d937ba9777f5957b2639bab072462f68c27a57382d4a52",
       "0015417e84dbf28c0ad3c278713349dc7df153c897a1891bd98bab4357c9ecbee1e3bf42e00b8e380aeae57c2d107564941885942af5a7f"
       "4"
       "601723c4195d176ced3e"
       "017cae20b6641d2eeb695786d8c946146239d099e18e1d5a514c739d7cb4a10ad8a788015ac405d7799dc75e7b7d5b6cf2261a6a7f15074"
       "3"
       "8bf01beb6ca3926f9582",
       "00d0b3975ac4b799f5bea16d5e13e9af971d5e9b984c9f39728b5e5739735a219b97c356436adc6e95bb0352f6be64a6c2912d4ef2d0433"
       "c"
       "ed2b6171640012d9460f"
       "015c68226383956e3bd066e797b623c27ce0eac2f551a10c2c724d9852077b87220b6536c5c408a1d2aebb8e86d678ae49cb57091f47322"
       "9"
       "6579ab44fcd17f0fc56a",
       "01144c7d79ae6956bc8edb8e7c787c4521cb086fa64407f97894e5e6b2d79b04d1427e73ca4baa240a34786859810c06b3c715a3a8cc315"
       "1"
       "f2bee417996d19f3ddea"},
      // RFC 7748 section 6.1, Bob's side.
      {KeyExchangeId::x25519, "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
       "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
       "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
       "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"},
  };
  for (const Vector& vector : vectors) {
    const auto exchange = with_private_key(vector.id, from_hex(vector.private_key));
    CHECK(copy(exchange->public_value()) == from_hex(vector.public_value));
    const auto shared = exchange->derive(from_hex(vector.peer_value));
    REQUIRE(shared);
    CHECK(copy(shared->view()) == from_hex(vector.shared));
  }
}

TEST_CASE("an ECP private key is drawn again where it is not below the order") {
  Bytes draws(32, 0xff);
  draws.resize(64, 0);  // then zero, then the vector's
  const Bytes key = from_hex("c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433");
  draws.insert(draws.end(), key.begin(), key.end());
  CHECK(copy(with_private_key(KeyExchangeId::ecp256, draws)->public_value()) ==
        copy(with_private_key(KeyExchangeId::ecp256, key)->public_value()));
}

// Private keys of bytes 7i+1 and 11i+2 mod 256; SHA-256 of the public value and of the shared secret.
TEST_CASE("modp groups give Python's answers") {
  struct Vector {
    KeyExchangeId id;
    size_t private_length;
    const char *public_digest, *shared_digest;
  };
  const Vector vectors[] = {
      {KeyExchangeId::modp1024, 32, "9e32ccbc23f45c52dff77810c4bd9e2a9b90eceb7ad59edbe54aa2c6485aaae3",
       "fd6993e9b20ef3a01316a5102e81a933af3834964fb4692644bd97f35e1c6199"},
      {KeyExchangeId::modp1536, 32, "e704583413eb1db0d556b38a6de94cb0742e451b339a4d44cb45c9fe985070b9",
       "06c93512004dcd57cd2b5999dc5372b93a46587ebb4785af61d80933c4d7f6d7"},
      {KeyExchangeId::modp2048, 40, "71fe64a03ed65476629d5edfb0adc65ca2a545b5d8981c732c8e278289f5da38",
       "0b3f8f179f03cdd34dd6fb749bfe0432baf64aaba60fb1bc1ff0e7788797c22d"},
      {KeyExchangeId::modp3072, 56, "cc9ba9be9d716c7c7164f3ead4f712962eb846f7e0896283344d1225a9d0da7e",
       "17eed19b2c9c58592e83de5afd5284c30f3996bca6617d86252958c3022f8f0e"},
      {KeyExchangeId::modp4096, 60, "056e130045dcc4e19242160019fc2498b5b449117ea071c4da5f5762c446f4e6",
       "112e2dfddb0967af1da139f70623b8f78a9cf273d306450746b4ffaadd997885"},
  };
  for (const Vector& vector : vectors) {
    Bytes x, y;
    for (size_t i = 0; i < vector.private_length; ++i) {
      x.push_back(static_cast<uint8_t>(7 * i + 1));
      y.push_back(static_cast<uint8_t>(11 * i + 2));
    }
    const auto a = with_private_key(vector.id, x), b = with_private_key(vector.id, y);
    CHECK(digest(EVP_sha256(), a->public_value()) == from_hex(vector.public_digest));
    CHECK(digest(EVP_sha256(), a->derive(b->public_value())->view()) == from_hex(vector.shared_digest));
    CHECK(digest(EVP_sha256(), b->derive(a->public_value())->view()) == from_hex(vector.shared_digest));
  }
}

// The second private key begins with the bytes 0 225: the first such for which the secret begins with a zero byte.
TEST_CASE("a shared secret keeps its leading zeros") {
  Bytes x, y;
  for (size_t i = 0; i < 32; ++i) {
    x.push_back(static_cast<uint8_t>(7 * i + 1));
    y.push_back(static_cast<uint8_t>(11 * i + 2));
  }
  y[0] = 0;
  y[1] = 225;
  const auto shared = with_private_key(KeyExchangeId::modp1024, x)
                          ->derive(with_private_key(KeyExchangeId::modp1024, y)->public_value());
  REQUIRE(shared);
  REQUIRE(shared->size() == 128);
  CHECK(shared->view()[0] == 0);
  CHECK(digest(EVP_sha256(), shared->view()) ==
        from_hex("74822d3ab1f8e229d03daa7c8af42745068b4fd2e80c534fda0f4dcf40baba63"));
}

TEST_CASE("two fresh ends agree, and malformed public values are refused") {
  for (const KeyExchangeId id : all_groups) {
    const auto a = KeyExchange::generate(id), b = KeyExchange::generate(id);
    CAPTURE(name(id));
    CHECK(a->id() == id);
    REQUIRE(a->public_value().size() == public_value_length(id));
    CHECK(copy(a->public_value()) != copy(b->public_value()));
    CHECK(constant_time_equal(a->derive(b->public_value())->view(), b->derive(a->public_value())->view()));

    Bytes value = copy(b->public_value());
    value.push_back(0);
    CHECK_FALSE(a->derive(value));
    value.resize(value.size() - 2);
    CHECK_FALSE(a->derive(value));
    CHECK_FALSE(a->derive({}));
    CHECK_FALSE(a->derive(Bytes(public_value_length(id), 0)));
  }
  CHECK(public_value_length(KeyExchangeId::none) == 0);
  CHECK_THROWS(KeyExchange::generate(KeyExchangeId::none));
}

TEST_CASE("modp refuses 1, p - 1, p and beyond") {
  const auto exchange = KeyExchange::generate(KeyExchangeId::modp2048);
  Bytes value(256, 0);
  value.back() = 1;
  CHECK_FALSE(exchange->derive(value));
  value.back() = 2;
  CHECK(exchange->derive(value));
  CHECK_FALSE(exchange->derive(Bytes(256, 0xff)));
  // p ends in ...ffffffffffffffff (RFC 3526 section 3).
  Bytes prime = from_hex(
      "FFFFFFFF FFFFFFFF C90FDAA2 2168C234 C4C6628B 80DC1CD1 29024E08 8A67CC74 020BBEA6 3B139B22 514A0879 8E3404DD "
      "EF9519B3 CD3A431B 302B0A6D F25F1437 4FE1356D 6D51C245 E485B576 625E7EC6 F44C42E9 A637ED6B 0BFF5CB6 F406B7ED "
      "EE386BFB 5A899FA5 AE9F2411 7C4B1FE6 49286651 ECE45B3D C2007CB8 A163BF05 98DA4836 1C55D39A 69163FA8 FD24CF5F "
      "83655D23 DCA3AD96 1C62F356 208552BB 9ED52907 7096966D 670C354E 4ABC9804 F1746C08 CA18217C 32905E46 2E36CE3B "
      "E39E772C 180E8603 9B2783A2 EC07A28F B5C55DF0 6F4C52C9 DE2BCBF6 95581718 3995497C EA956AE5 15D22618 98FA0510 "
      "15728E5A 8AACAA68 FFFFFFFF FFFFFFFF");
  CHECK_FALSE(exchange->derive(prime));
  prime.back() = 0xfe;
  CHECK_FALSE(exchange->derive(prime));
  prime.back() = 0xfd;
  CHECK(exchange->derive(prime));
}

TEST_CASE("ECP refuses points off the curve, x25519 refuses points of small order") {
  for (const KeyExchangeId id : {KeyExchangeId::ecp256, KeyExchangeId::ecp384}) {
    const auto a = KeyExchange::generate(id), b = KeyExchange::generate(id);
    for (size_t at = 0; at < b->public_value().size(); ++at) {
      Bytes value = copy(b->public_value());
      value[at] ^= 0x10;
      CHECK_FALSE(a->derive(value));
    }
    CHECK_FALSE(a->derive(Bytes(public_value_length(id), 0xff)));
  }
  const auto exchange = KeyExchange::generate(KeyExchangeId::x25519);
  Bytes one(32, 0);
  one[0] = 1;
  CHECK_FALSE(exchange->derive(one));
  // A point of order 8 (RFC 7748 section 6.1 speaks of them; value from curve arithmetic: its multiple by 8 is 0).
  CHECK_FALSE(exchange->derive(from_hex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800")));
}

namespace {

const SkAlgorithm sk_algorithms[] = {
    {EncryptionId::aes_gcm_16, 128},
    {EncryptionId::aes_gcm_16, 256},
    {EncryptionId::chacha20_poly1305, 256},
    {EncryptionId::aes_cbc, 128, IntegrityId::hmac_sha1_96},
    {EncryptionId::aes_cbc, 128, IntegrityId::hmac_sha2_256_128},
    {EncryptionId::aes_cbc, 128, IntegrityId::hmac_sha2_384_192},
    {EncryptionId::aes_cbc, 128, IntegrityId::hmac_sha2_512_256},
    {EncryptionId::aes_cbc, 256, IntegrityId::hmac_sha1_96},
    {EncryptionId::aes_cbc, 256, IntegrityId::hmac_sha2_256_128},
    {EncryptionId::aes_cbc, 256, IntegrityId::hmac_sha2_384_192},
    {EncryptionId::aes_cbc, 256, IntegrityId::hmac_sha2_512_256},
    {EncryptionId::des3, 192, IntegrityId::hmac_sha1_96},
};

SkCipher sk_cipher(const SkAlgorithm& algorithm) {
  return {algorithm, SecretBytes::copy_of(counting(algorithm.encryption_key_length())),
          SecretBytes::copy_of(counting(algorithm.integrity_key_length()))};
}

}  // namespace

// Keys of bytes 0, 1, 2 ... (salt included), header 0..31, IV 0 or a0, a1 ...
TEST_CASE("SK bodies are Python's") {
  const Bytes header = counting(32);
  const ByteView plaintext = as_bytes("the quick brown fox");
  const char* const aead_bodies[] = {
      "000000000000000015ee1d123a151bcbada2bf468a5986e8ca1851882647f8b6d75919ce66c92e051068fb55",
      "0000000000000000ec76486fcf53f54281207201b43c952134f3c02b1fbd54ba4614cf7705b840e40c1c0298",
      "00000000000000007d477f3fcedfa44a7b68b18e9b24dcfdb084ac0c25da74b7e580a317276e72d561c06755",
  };
  const char* const cbc_body_sha1[] = {
      "65d0333594eff5e1c3a91b021089f0840f61fc42", "580cf07d5f9245b03dd81308fe94bc6cda9a5b03",
      "f4ef8eb0377a2c884e36b2d2af00b456cce60c07", "78e657361c2b7c6344c3cddffe7a2c242fe0fca4",
      "c26aba3dafc5d4a85f055b2c7bac4f69cc7bc7da", "e192c59c5c4cc9f7a5f4ea9a8c97f75e2e45b630",
      "7c3b7e605b426cc317067f2c00cdf9d4ec41a347", "09c3f7c4b43f3c3a8476d58e15b50c5ca12f9d76",
      "792d05478e61def1228ee9c4c728abc9275c9a9b",
  };
  size_t i = 0;
  for (const SkAlgorithm& algorithm : sk_algorithms) {
    CAPTURE(i);
    FixedRandom random(counting(16, 0xa0));
    SkCipher cipher = sk_cipher(algorithm);
    const Bytes body = cipher.seal(header, plaintext, random);
    CHECK(body.size() == cipher.sealed_length(plaintext.size()));
    if (algorithm.aead())
      CHECK(body == from_hex(aead_bodies[i]));
    else
      CHECK(sha1({body}) == from_hex(cbc_body_sha1[i - 3]));
    ++i;
  }
}

// RFC 7634 appendix B: an INFORMATIONAL request that holds one notification.
TEST_CASE("SK opens the published ChaCha20-Poly1305 message") {
  Bytes key = counting(32, 0x80);
  const Bytes salt = from_hex("a0a1a2a3");
  key.insert(key.end(), salt.begin(), salt.end());
  const SkCipher cipher({EncryptionId::chacha20_poly1305, 256}, SecretBytes::copy_of(key), {});
  const Bytes header = from_hex("c0c1c2c3c4c5c6c7d0d1d2d3d4d5d6d72e202500000000090000004529000029");
  const Bytes body = from_hex("1011121314151617 610394701f8d017f7c12924889 6b71bfe25236efd7cdc67066906315b2");
  CHECK(cipher.open(header, body) == from_hex("0000000c000040010000000a"));
}

TEST_CASE("SK opens what it sealed, at any length, and no IV comes twice") {
  const Bytes header = counting(32);
  for (const SkAlgorithm& algorithm : sk_algorithms) {
    SystemRandom random;
    SkCipher cipher = sk_cipher(algorithm);
    std::set<Bytes> ivs;
    for (size_t length = 0; length < 70; ++length) {
      const Bytes plaintext = counting(length, 9);
      const Bytes body = cipher.seal(header, plaintext, random);
      ivs.emplace(body.begin(), body.begin() + static_cast<ptrdiff_t>(algorithm.iv_length()));
      CHECK(cipher.open(header, body) == plaintext);
    }
    CHECK(ivs.size() == 70);
  }
}

TEST_CASE("SK refuses every tampered byte and every truncation") {
  for (const SkAlgorithm& algorithm : sk_algorithms) {
    SystemRandom random;
    SkCipher sealer = sk_cipher(algorithm);
    const SkCipher opener = sk_cipher(algorithm);
    Bytes header = counting(32);
    Bytes body = sealer.seal(header, counting(21), random);
    REQUIRE(opener.open(header, body));
    for (Bytes* part : {&header, &body})
      for (uint8_t& byte : *part) {
        byte ^= 0x40;
        CHECK_FALSE(opener.open(header, body));
        byte ^= 0x40;
      }
    for (size_t length = 0; length < body.size(); ++length)
      CHECK_FALSE(opener.open(header, ByteView(body).first(length)));
    CHECK_FALSE(opener.open(ByteView(header).first(31), body));
    CHECK(opener.open(header, body));
  }
}

// An authentic peer may still send nonsense: a pad length beyond the plaintext, or more padding than needed.
TEST_CASE("SK judges padding only after the ICV") {
  const SkAlgorithm algorithm{EncryptionId::aes_gcm_16, 128};
  const Bytes header = counting(32), key = counting(20);
  const auto seal_raw = [&](Bytes padded) {
    Bytes body(8 + padded.size() + 16);
    Bytes nonce(key.end() - 4, key.end());
    nonce.resize(12);
    EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
    int length = 0;
    EVP_EncryptInit_ex2(context, EVP_aes_128_gcm(), key.data(), nonce.data(), nullptr);
    EVP_EncryptUpdate(context, nullptr, &length, header.data(), static_cast<int>(header.size()));
    EVP_EncryptUpdate(context, body.data() + 8, &length, padded.data(), static_cast<int>(padded.size()));
    EVP_EncryptFinal_ex(context, body.data() + 8 + padded.size(), &length);
    EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, 16, body.data() + 8 + padded.size());
    EVP_CIPHER_CTX_free(context);
    return body;
  };
  const SkCipher cipher = sk_cipher(algorithm);
  CHECK(cipher.open(header, seal_raw({1, 2, 3, 0, 0, 2})) == Bytes{1, 2, 3});
  CHECK(cipher.open(header, seal_raw({7, 7, 7, 3})) == Bytes{});
  CHECK_FALSE(cipher.open(header, seal_raw({7, 7, 7, 4})));
  CHECK_FALSE(cipher.open(header, seal_raw({255})));
}

TEST_CASE("SK takes only keys that fit, and moves without leaving a key behind") {
  const SkAlgorithm gcm{EncryptionId::aes_gcm_16, 128};
  CHECK_THROWS(SkCipher(gcm, SecretBytes(16), {}));
  CHECK_THROWS(SkCipher(gcm, SecretBytes(20), SecretBytes(32)));
  CHECK_THROWS(SkCipher({EncryptionId::aes_cbc, 128}, SecretBytes(16), {}));
  static_assert(!std::is_copy_constructible_v<SkCipher> && !std::is_copy_assignable_v<SkCipher>);
  static_assert(std::is_nothrow_move_constructible_v<SkCipher> && std::is_nothrow_move_assignable_v<SkCipher>);
  SystemRandom random;
  SkCipher first = sk_cipher(gcm);
  const Bytes header = counting(32), plaintext = counting(5);
  const Bytes before = first.seal(header, plaintext, random);
  SkCipher second = std::move(first);
  CHECK(second.seal(header, plaintext, random) != before);
  CHECK_THROWS(first.seal(header, plaintext, random));
}

}  // namespace sekisho::crypto
