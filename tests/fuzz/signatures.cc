#include <array>

#include "crypto/ike/distinguished_name.h"
#include "crypto/ike/signature.h"
#include "tests/fuzz/certified.h"
#include "tests/fuzz/require.h"
#include "tests/fuzz/script.h"
#include "tests/fuzz/targets.h"

namespace sekisho::fuzz {
namespace {

using crypto::SignatureHash, crypto::SignatureKind, crypto::SignatureScheme;

void algorithm(ByteView identifier) {
  const auto scheme = crypto::parse_algorithm_identifier(identifier);
  if (!scheme) return;
  require(!crypto::name(scheme->kind).empty() && !crypto::name(scheme->hash).empty(), "a scheme has a name");
  const auto again = crypto::parse_algorithm_identifier(crypto::algorithm_identifier(*scheme));
  require(again == scheme, "a scheme has one identifier");
}

void name_in_der(ByteView der) {
  constexpr size_t longest = 256 + 3;
  const auto text = crypto::distinguished_name_text(der);
  if (!text) return;
  require(printable(*text) && text->size() <= longest, "a name is a printable line");
  require(crypto::same_distinguished_name(der, der), "a name is its own");
}

void name_in_text(ByteView text) {
  const auto der = crypto::encode_distinguished_name(as_text(text));
  if (der) require(crypto::distinguished_name_text(*der).has_value(), "what is encoded is a name");
}

SignatureScheme scheme(Script& script) {
  constexpr std::array kinds = {SignatureKind::rsa_pkcs1, SignatureKind::rsa_pss,     SignatureKind::rsa_raw,
                                SignatureKind::ecdsa,     SignatureKind::ecdsa_fixed, SignatureKind::eddsa};
  constexpr std::array hashes = {SignatureHash::sha1, SignatureHash::sha2_256, SignatureHash::sha2_384,
                                 SignatureHash::sha2_512, SignatureHash::identity};
  const SignatureKind kind = script.one_of(kinds);
  return {kind, script.one_of(hashes)};
}

// Nobody signs without the private key.
void signature(Script& script) {
  const auto& certificates = Certified::get().valid;
  const auto key = certificates[script.below(certificates.size())].public_key().value();
  const SignatureScheme chosen = scheme(script);
  const ByteView data = script.bytes(script.u8());
  const ByteView signature = script.bytes(script.u16());
  require(!key.verify(chosen, data, signature), "a forged signature verifies nothing");
}

// What is signed by a key of the sender's choice may verify; it only must be taken.
void foreign_key(Script& script) {
  const SignatureScheme chosen = scheme(script);
  const ByteView signature = script.bytes(script.u8());
  const ByteView der = script.bytes(script.u16());
  const auto key = crypto::PublicKey::from_der(der);
  if (key)
    (void)key->verify(chosen, as_bytes("data"), signature);
  else
    require(printable(key.error()), "a refusal is printable");
}

}  // namespace

void signatures(ByteView input) {
  constexpr size_t longest = 4096;
  Script script(input);
  switch (script.below(5)) {
    case 0:
      return algorithm(script.bytes(longest));
    case 1:
      return name_in_der(script.bytes(longest));
    case 2:
      return name_in_text(script.bytes(longest));
    case 3:
      return signature(script);
    case 4:
      return foreign_key(script);
  }
}

}  // namespace sekisho::fuzz
