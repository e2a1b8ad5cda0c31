#include "crypto/ike/signature.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/x509.h>

#include <algorithm>
#include <catch2/catch.hpp>

#include "crypto/openssl.h"
#include "tests/unit/crypto/authority.h"
#include "tests/unit/crypto/fixed_random.h"
#include "tests/unit/crypto/rsa_forgery.h"

namespace sekisho::crypto {
namespace {

using enum SignatureHash;
using enum SignatureKind;
using testing::forged;
using testing::make_key;
using testing::make_rsa_key;
using testing::to_pem;

constexpr SignatureScheme all_schemes[] = {
    {rsa_pkcs1, sha1},   {rsa_pkcs1, sha2_256},   {rsa_pkcs1, sha2_384},   {rsa_pkcs1, sha2_512},   {rsa_pss, sha2_256},
    {rsa_pss, sha2_384}, {rsa_pss, sha2_512},     {rsa_raw, identity},     {ecdsa, sha2_256},       {ecdsa, sha2_384},
    {ecdsa, sha2_512},   {ecdsa_fixed, sha2_256}, {ecdsa_fixed, sha2_384}, {ecdsa_fixed, sha2_512}, {eddsa, identity},
    {rsa_pss, sha1},     {ecdsa, sha1},           {eddsa, sha2_256},       {rsa_pkcs1, identity}};

PrivateKey private_key(EVP_PKEY* key) { return PrivateKey::from_pem(as_bytes(to_pem(key))).value(); }
PrivateKey private_key(const std::string& type) { return private_key(make_key(type).get()); }

PublicKey public_key(const Bytes& subject_public_key_info) {
  return PublicKey::from_der(subject_public_key_info).value();
}

const Bytes text = {'s', 'a', 'm', 'p', 'l', 'e'};

BignumPtr parameter(EVP_PKEY* key, const char* name) {
  BIGNUM* number = nullptr;
  REQUIRE(EVP_PKEY_get_bn_param(key, name, &number) == 1);
  return BignumPtr(number);
}

const Bytes sha256_digest_info = from_hex("3031300d060960864801650304020105000420");
const Bytes sha256_of_sample = from_hex("af2bdbe1aa9b6ec1e2ade1d694f41fc71a831d0268e9891562113d8a62add1bf");

Bytes joined(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

}  // namespace

// RFC 6979 appendix A.2.5 and A.2.6, message "sample".
TEST_CASE("ECDSA accepts the RFC's signatures") {
  const PublicKey p256 =
      public_key(from_hex("3059301306072a8648ce3d020106082a8648ce3d03010703420004"
                          "60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6"
                          "7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299"));
  Bytes signature = from_hex(
      "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716"
      "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8");
  CHECK(p256.verify({ecdsa_fixed, sha2_256}, text, signature));
  signature.back() ^= 1;
  CHECK_FALSE(p256.verify({ecdsa_fixed, sha2_256}, text, signature));
  const PublicKey p384 = public_key(
      from_hex("3076301006072a8648ce3d020106052b8104002203620004"
               "EC3A4E415B4E19A4568618029F427FA5DA9A8BC4AE92E02E06AAE5286B300C64DEF8F0EA9055866064A254515480BC13"
               "8015D9B72D7D57244EA8EF9AC0C621896708A59367F9DFB9F54CA84B3F1C9DB1288B231C3AE0D4FE7344FD2533264720"));
  CHECK(p384.verify(
      {ecdsa_fixed, sha2_384}, text,
      from_hex("94EDBB92A5ECB8AAD4736E56C691916B3F88140666CE9FA73D64C4EA95AD133C81A648152E44ACF96E36DD1E80FABE46"
               "99EF4AEB15F178CEA1FE40DB2603138F130E740A19624526203B6351D0A3A94FA329C145786E679E7B82C71A38628AC8")));
}

// RFC 8032 section 7.1, test 2.
TEST_CASE("Ed25519 accepts the RFC's signature") {
  const PublicKey key =
      public_key(from_hex("302a300506032b6570032100"
                          "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"));
  const Bytes signature = from_hex(
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
      "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
  CHECK(key.verify({eddsa, identity}, Bytes{0x72}, signature));
  CHECK_FALSE(key.verify({eddsa, identity}, Bytes{0x73}, signature));
}

// RFC 7427 appendix A.1, A.3 and A.4.3, RFC 8420 appendix A.
TEST_CASE("AlgorithmIdentifiers are those of the RFCs") {
  CHECK(algorithm_identifier({rsa_pkcs1, sha2_256}) == from_hex("300d06092a864886f70d01010b0500"));
  CHECK(algorithm_identifier({rsa_pkcs1, sha2_512}) == from_hex("300d06092a864886f70d01010d0500"));
  CHECK(algorithm_identifier({ecdsa, sha2_384}) == from_hex("300a06082a8648ce3d040303"));
  CHECK(algorithm_identifier({eddsa, identity}) == from_hex("300506032b6570"));
  const Bytes with_trailer = from_hex(
      "304606092a864886f70d01010a3039a00f300d06096086480165030402010500"
      "a11c301a06092a864886f70d010108300d06096086480165030402010500a203020120a303020101");
  CHECK(parse_algorithm_identifier(with_trailer) == SignatureScheme{rsa_pss, sha2_256});
  // RFC 4055 sections 2.1 and 5: NULL may be absent.
  CHECK(parse_algorithm_identifier(from_hex("300b06092a864886f70d01010c")) == SignatureScheme{rsa_pkcs1, sha2_384});
  CHECK(parse_algorithm_identifier(from_hex("303d06092a864886f70d01010a3030a00d300b0609608648016503040202"
                                            "a11a301806092a864886f70d010108300b0609608648016503040202a203020130")) ==
        SignatureScheme{rsa_pss, sha2_384});
  for (const SignatureScheme& scheme : all_schemes) {
    const Bytes der = algorithm_identifier(scheme);
    INFO(name(scheme.kind) << " " << name(scheme.hash));
    if (!der.empty()) CHECK(parse_algorithm_identifier(der) == scheme);
  }
}

TEST_CASE("an AlgorithmIdentifier that is malformed or weak is refused") {
  for (const char* hex : {
           "", "30", "0500", "300506032b6571",    // Ed448
           "300d06092a864886f70d01010b050000",    // an octet behind
           "300f06092a864886f70d01010b04020000",  // parameters of another type
           "300906072a8648ce3d0401",              // ecdsa-with-SHA1
           "300d06092a864886f70d0101040500",      // md5WithRSAEncryption
           "300d06092a864886f70d01010a3000",      // PSS by its defaults: SHA-1
           "300b06092a864886f70d01010a",          // PSS without parameters
           "304106092a864886f70d01010a3034a00f300d06096086480165030402010500"
           "a11c301a06092a864886f70d010108300d06096086480165030402010500a203020100",  // no salt
           "304106092a864886f70d01010a3034a00f300d06096086480165030402010500"
           "a11c301a06092a864886f70d010108300d06096086480165030402020500a203020120",  // two hashes
       }) {
    INFO(hex);
    CHECK_FALSE(parse_algorithm_identifier(from_hex(hex)));
  }
  // Any octet of PSS, changed at will, is never mistaken for another type of signature.
  Bytes der = algorithm_identifier({rsa_pss, sha2_256});
  for (size_t at = 0; at < der.size(); ++at)
    for (unsigned bit = 0; bit < 8; ++bit) {
      Bytes changed = der;
      changed[at] = static_cast<uint8_t>(changed[at] ^ 1U << bit);
      const auto scheme = parse_algorithm_identifier(changed);
      CHECK((!scheme || scheme->kind == rsa_pss));
    }
}

TEST_CASE("every key signs and verifies by the schemes that fit it, and by no other") {
  for (const std::string type : {"RSA", "P-256", "P-384", "P-521", "ED25519"}) {
    const PrivateKey key = private_key(type), other = private_key(type);
    for (const SignatureScheme& scheme : all_schemes) {
      INFO(type << " with " << name(scheme.kind) << " " << name(scheme.hash));
      // rsa_raw signs a hash, of the length that IKEv1's PRF gives.
      if (!fits(key.type(), scheme)) {
        CHECK_FALSE(key.public_key().verify(scheme, text, Bytes(256, 1)));
        CHECK_THROWS(key.sign(scheme, text));
        continue;
      }
      const Bytes signature = key.sign(scheme, text);
      CHECK(key.public_key().verify(scheme, text, signature));
      CHECK_FALSE(other.public_key().verify(scheme, text, signature));
      CHECK_FALSE(key.public_key().verify(scheme, Bytes{'s'}, signature));
      CHECK_FALSE(key.public_key().verify(scheme, text, {}));
      CHECK_FALSE(key.public_key().verify(scheme, text, joined(signature, {0})));
      CHECK_FALSE(key.public_key().verify(scheme, text, ByteView(signature).first(signature.size() - 1)));
      for (const SignatureScheme& wrong : all_schemes)
        if (wrong != scheme) CHECK_FALSE(key.public_key().verify(wrong, text, signature));
    }
  }
}

TEST_CASE("RSASSA-PKCS1-v1_5 and IKEv1's RSA pad as their RFCs say") {
  const PkeyPtr key = make_rsa_key(2048, 65537);
  const BignumPtr modulus = parameter(key.get(), OSSL_PKEY_PARAM_RSA_N),
                  exponent = parameter(key.get(), OSSL_PKEY_PARAM_RSA_E);
  const auto opened = [&](const Bytes& signature) {
    const BignumContextPtr context(BN_CTX_new());
    const BignumPtr number(BN_bin2bn(signature.data(), static_cast<int>(signature.size()), nullptr));
    BN_mod_exp(number.get(), number.get(), exponent.get(), modulus.get(), context.get());
    Bytes block(256);
    REQUIRE(BN_bn2binpad(number.get(), block.data(), 256) > 0);
    return block;
  };
  const auto padded = [](const Bytes& payload) {
    Bytes block(256 - payload.size(), 0xff);
    block.front() = 0x00;
    block[1] = 0x01;
    block.back() = 0x00;
    return joined(block, payload);
  };
  const PrivateKey signer = private_key(key.get());
  CHECK(opened(signer.sign({rsa_pkcs1, sha2_256}, text)) == padded(joined(sha256_digest_info, sha256_of_sample)));
  CHECK(opened(signer.sign({rsa_raw, identity}, sha256_of_sample)) == padded(sha256_of_sample));
}

// The blocks were padded by hand and put through the private key alone: openssl pkeyutl -decrypt -pkeyopt
// rsa_padding_mode:none. What is signed is SHA-1 and SHA2-256 of "sekisho"; then SHA2-256 with its DigestInfo, by
// openssl dgst -sign.
TEST_CASE("IKEv1's RSA accepts signatures that were made elsewhere, and none with the name of a hash") {
  const PublicKey key = public_key(
      from_hex("30820122300d06092a864886f70d01010105000382010f003082010a0282010100"
               "99a80470eac784c16a5ba8d5ce9ebaa3f2b497d7253e1ee4c7465e371593d495256f790805ba470daba6e9b8c08be402"
               "1f49d4d280fc5098d2bd7f38631e6009f63febfdb9a16f73c59f32361429ade7209be133830f64e74dfc885ed81d4275"
               "8922e9aea79f220072672ac90ff6240fc8e016cf54a986b9a159360e8f6aba0ea7cdcda0ff426428d41c31c28eddb729"
               "728d1e61847edb7527b1d519468fc98d922ec69877de4cebe2984ca410655743458db6bd30e5010979e5127390febdac"
               "41ca003347140584b92891688c666707dc9945844d45328e677ccf78c450282d2e87ef397897cdae45a8464699a15f3d"
               "8d2782b071f566eb92ca3060ac18fd5d0203010001"));
  const Bytes sha1_hash = from_hex("cccebe4eb12621272bb5cf156640afcbc8ec69e9"),
              sha256_hash = from_hex("0b8c522294106d866765bde4d84798c2c4f9559250108c5f455d8fe77d8f6d86");
  const Bytes of_sha1 = from_hex(
                  "2a88df5b463ba92811b4a10e89b26a535750de376ae6a4c98589c6d70b85475b52c23baa4b7ba4b973815cea7a591f65"
                  "913e00e6ae2edfe40b5479e4fd1d358f2177d9fa974cb64298b75bb41261bd6d188314d82481587cb7ee514995d6ee0a"
                  "73c71d0ce2d9219b84d95cfc7d79aff5c53e6e4ece5a6e2bd68ad88ecf36a46796915a458ca509faecc16c247cd92ed6"
                  "673da7a85faf0ef7cc03a2415819f3c5b0273aaea9a5ac2456bc9a0d81f8092f48cc894506917222ee9e9e2d38fc65ee"
                  "27aae51ee18dcfc236256ca9ece17220a9436a8714c0c3a337f45cbcab125d37f314ed46490be601a8b398661a9b1ea3"
                  "6a71629325fee3adf3e4db7f20b9c929"),
              of_sha256 = from_hex(
                  "51b823e530762bc4b10e88c5c8253d52fa6df638aaf8812c9c072d9a000597c77f84775888a9ae8c07849d61e6f92d79"
                  "d3f2013007db7f8d31b778028cfbcda5bbf15bf8320e50b3dc40a1056eda23fec889f35985bc4ce1b2fbff86d64738df"
                  "2c02db7c84da1b8ad4e99b148a97c84a3ceb47b31e67b3267e133c17fb18d724da10a41735e8ca29cc929dc4aa7cb9c0"
                  "bccb7c07e183b3b97725bfb5732cdfa461aee088f0295eafdd5affeaa713d4a452bba17034b106125ed03118db107255"
                  "8e38384e3f9dce683a8336ec5797094350c3ad549f0d60091bc39282ea58dca9ac7525fca186cc3c2431ccac9617d44f"
                  "22259d803077a31af82ef890f6a372cf"),
              with_digest_info = from_hex(
                  "374e1505bd52fa153c8da3ba3aee6c053fb5d8602a11dba9ec9f0e71d4549dbc2d398bbd833daaa0b713c2bf22a00911"
                  "cbc1498db036d501960409767d7a8e98e196df28b78b0d84a53367671f5bba0538c5178cebba6faaea0349a98939b1cf"
                  "df55a91090152fefc7bfe8cfd95d55a17826ad7558c1004c9eb9e5c106d9c7488f6734ab5df153cffa80d96f81f88b15"
                  "a723d8c2a960194a07976885245de6f2a503d04d6212b3884ebdc69c78232cef8fa66b1a9818ea4f51c969d16a89301e"
                  "32f92091d225149226c5b0c1d9529458eee319917a45f9a0ca8b04b6a9b93dd1fc392cf9dc510658d443786aedc1f72b"
                  "d4cb55546a16191e8fef1d390f0e11d9");
  CHECK(key.verify({rsa_raw, identity}, sha1_hash, of_sha1));
  CHECK(key.verify({rsa_raw, identity}, sha256_hash, of_sha256));
  CHECK_FALSE(key.verify({rsa_raw, identity}, sha256_hash, of_sha1));
  CHECK_FALSE(key.verify({rsa_raw, identity}, ByteView(sha256_hash).first(20), of_sha256));
  CHECK_FALSE(key.verify({rsa_raw, identity}, sha256_hash, with_digest_info));
  CHECK(key.verify({rsa_pkcs1, sha2_256}, as_bytes("sekisho"), with_digest_info));
}

TEST_CASE("a signature forged for the exponent 3 by octets behind the hash is refused") {
  const PkeyPtr key = make_rsa_key(2048, 3);
  const PrivateKey signer = private_key(key.get());
  CHECK(signer.public_key().verify({rsa_pkcs1, sha2_256}, text, signer.sign({rsa_pkcs1, sha2_256}, text)));
  CHECK_FALSE(signer.public_key().verify({rsa_pkcs1, sha2_256}, text,
                                         forged(256, joined(sha256_digest_info, sha256_of_sample))));
  CHECK_FALSE(signer.public_key().verify({rsa_raw, identity}, sha256_of_sample, forged(256, sha256_of_sample)));
}

TEST_CASE("keys that are weak, unknown, encrypted or no keys are refused with the reason") {
  const auto fault = [](const std::string& pem) {
    const auto key = PrivateKey::from_pem(as_bytes(pem));
    REQUIRE_FALSE(key);
    return key.error();
  };
  CHECK(fault(to_pem(make_rsa_key(1024, 65537).get())).find("1024 bits") != std::string::npos);
  CHECK(fault(to_pem(make_key("P-224").get())).find("curve other than") != std::string::npos);
  CHECK(fault(to_pem(make_key("X25519").get())).find("neither RSA") != std::string::npos);
  CHECK(fault("").find("no private key") != std::string::npos);
  CHECK(fault("swordfish").find("no private key") != std::string::npos);
  CHECK(fault("swordfish").find("swordfish") == std::string::npos);
  // openssl genpkey -algorithm ED25519 -aes128 -pass pass:x
  CHECK(fault("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
              "MIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAjADVI8ShuLFgICCAAw\n"
              "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEAQIEEKZO+Xxg7FUCPAb7WQIzJcoEQHWt\n"
              "JYBy5gVbSlXXIx7ujGZMcJlqf+al/G4RqwxnFFccAXNS2O+ROwZyEl63yLCYaiNh\n"
              "c5lTfFfMcTfJTZ++TXE=\n"
              "-----END ENCRYPTED PRIVATE KEY-----\n")
            .find("encrypted") != std::string::npos);
  CHECK_FALSE(PublicKey::from_der({}));
  CHECK_FALSE(PublicKey::from_der(Bytes{0x30, 0x80}));
}

TEST_CASE("an RSA key whose exponent is 1 is refused") {
  const PkeyPtr key = make_rsa_key(2048, 65537);
  Bytes der(static_cast<size_t>(i2d_PUBKEY(key.get(), nullptr)));
  uint8_t* at = der.data();
  i2d_PUBKEY(key.get(), &at);
  const Bytes usual = from_hex("0203010001");
  REQUIRE(std::equal(usual.begin(), usual.end(), der.end() - 5));
  REQUIRE(PublicKey::from_der(der));
  std::ranges::copy(from_hex("0203000001"), der.end() - 5);
  const auto one = PublicKey::from_der(der);
  REQUIRE_FALSE(one);
  CHECK(one.error().find("exponent") != std::string::npos);
  std::ranges::copy(from_hex("0203010000"), der.end() - 5);
  CHECK_FALSE(PublicKey::from_der(der));
}

TEST_CASE("the scheme follows the key and what the peer knows") {
  const std::vector<SignatureHash> all = {sha2_256, sha2_384, sha2_512, identity};
  CHECK(choose_scheme(KeyType::rsa, all, RsaPadding::pss) == SignatureScheme{rsa_pss, sha2_256});
  CHECK(choose_scheme(KeyType::rsa, all, RsaPadding::pkcs1) == SignatureScheme{rsa_pkcs1, sha2_256});
  CHECK(choose_scheme(KeyType::ecdsa_p384, all, RsaPadding::pss) == SignatureScheme{ecdsa, sha2_384});
  CHECK(choose_scheme(KeyType::ed25519, all, RsaPadding::pss) == SignatureScheme{eddsa, identity});
  const std::vector<SignatureHash> one = {sha1, sha2_512};
  CHECK(choose_scheme(KeyType::ecdsa_p256, one, RsaPadding::pss) == SignatureScheme{ecdsa, sha2_512});
  CHECK_FALSE(choose_scheme(KeyType::ed25519, one, RsaPadding::pss));
  CHECK_FALSE(choose_scheme(KeyType::rsa, std::vector{sha1}, RsaPadding::pkcs1));
  CHECK(fixed_ecdsa_scheme(KeyType::ecdsa_p521) == SignatureScheme{ecdsa_fixed, sha2_512});
  CHECK_FALSE(fixed_ecdsa_scheme(KeyType::rsa));
}

}  // namespace sekisho::crypto
