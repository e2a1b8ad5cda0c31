#include "control/ike/v1/suite/keys.h"

#include <algorithm>
#include <array>

#include "crypto/ike/cbc.h"
#include "crypto/ike/prf.h"

namespace sekisho::ike::v1::suite {
namespace {

template <typename Integer>
std::array<uint8_t, sizeof(Integer)> on_wire(Integer value) {
  std::array<uint8_t, sizeof(Integer)> bytes;
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(value >> (8 * (bytes.size() - 1 - i)));
  return bytes;
}

Bytes to_bytes(const SecretBytes& secret) { return {secret.view().begin(), secret.view().end()}; }

Bytes joined(ByteView a, ByteView b) {
  Bytes result(a.begin(), a.end());
  result.insert(result.end(), b.begin(), b.end());
  return result;
}

// Blocks of `next(previous block)`, as many as `length` bytes take.
SecretBytes chained(size_t length, const auto& next) {
  SecretBytes out(length);
  SecretBytes block;
  for (size_t done = 0; done < length;) {
    block = next(block.view());
    const size_t take = std::min(block.size(), length - done);
    std::copy_n(block.view().begin(), take, out.writable().begin() + static_cast<ptrdiff_t>(done));
    done += take;
  }
  return out;
}

// Appendix B: K1 = prf(SKEYID_e, 0), K2 = prf(SKEYID_e, K1), ... where SKEYID_e is too short, else its first bytes.
SecretBytes encryption_key(const IkeProposal& proposal, const SecretBytes& skeyid_e) {
  const size_t length = proposal.sk.encryption_key_length();
  if (skeyid_e.size() >= length) return SecretBytes::copy_of(skeyid_e.view().first(length));
  const uint8_t zero = 0;
  return chained(length, [&](ByteView previous) {
    return crypto::prf(proposal.prf, skeyid_e.view(), {previous.empty() ? ByteView(&zero, 1) : previous});
  });
}

Bytes block_of(const IkeProposal& proposal, Bytes hash) {
  hash.resize(crypto::cbc_block_length(proposal.sk.encryption));
  return hash;
}

}  // namespace

Bytes Cookies::bytes() const { return joined(on_wire(initiator), on_wire(responder)); }

SecretBytes skeyid_of_key(crypto::PrfId prf, const SecretBytes& psk, ByteView nonce_i, ByteView nonce_r) {
  return crypto::prf(prf, psk.view(), {nonce_i, nonce_r});
}

SecretBytes skeyid_of_signatures(crypto::PrfId prf, ByteView nonce_i, ByteView nonce_r,
                                 const SecretBytes& shared_secret) {
  return crypto::prf(prf, joined(nonce_i, nonce_r), {shared_secret.view()});
}

Phase1Keys derive_phase1_keys(const IkeProposal& proposal, SecretBytes skeyid, const SecretBytes& shared_secret,
                              const Cookies& cookies) {
  const Bytes both = cookies.bytes();
  const auto derive = [&](const SecretBytes& before, uint8_t number) {
    return crypto::prf(proposal.prf, skeyid.view(), {before.view(), shared_secret.view(), both, {&number, 1}});
  };
  Phase1Keys keys;
  keys.d = derive({}, 0);
  keys.a = derive(keys.d, 1);
  keys.encryption = encryption_key(proposal, derive(keys.a, 2));
  keys.skeyid = std::move(skeyid);
  return keys;
}

Bytes phase1_hash(crypto::PrfId prf, const SecretBytes& skeyid, ByteView own_public, ByteView other_public,
                  uint64_t own_cookie, uint64_t other_cookie, ByteView sa_body, ByteView id_body) {
  return to_bytes(crypto::prf(
      prf, skeyid.view(), {own_public, other_public, on_wire(own_cookie), on_wire(other_cookie), sa_body, id_body}));
}

Bytes phase1_iv(const IkeProposal& proposal, ByteView public_i, ByteView public_r) {
  return block_of(proposal, crypto::hash(proposal.prf, {public_i, public_r}));
}

Bytes phase2_iv(const IkeProposal& proposal, ByteView last_block, uint32_t message_id) {
  return block_of(proposal, crypto::hash(proposal.prf, {last_block, on_wire(message_id)}));
}

Bytes hash_1(crypto::PrfId prf, const SecretBytes& skeyid_a, uint32_t message_id, ByteView rest) {
  return to_bytes(crypto::prf(prf, skeyid_a.view(), {on_wire(message_id), rest}));
}

Bytes hash_2(crypto::PrfId prf, const SecretBytes& skeyid_a, uint32_t message_id, ByteView nonce_i, ByteView rest) {
  return to_bytes(crypto::prf(prf, skeyid_a.view(), {on_wire(message_id), nonce_i, rest}));
}

Bytes hash_3(crypto::PrfId prf, const SecretBytes& skeyid_a, uint32_t message_id, ByteView nonce_i, ByteView nonce_r) {
  const uint8_t zero = 0;
  return to_bytes(crypto::prf(prf, skeyid_a.view(), {{&zero, 1}, on_wire(message_id), nonce_i, nonce_r}));
}

SecretBytes keymat(crypto::PrfId prf, const SecretBytes& skeyid_d, const SecretBytes& shared_secret, uint32_t spi,
                   ByteView nonce_i, ByteView nonce_r, EspSuite suite) {
  constexpr uint8_t esp = 3;  // PROTO_IPSEC_ESP
  return chained(info(suite).key_material(), [&](ByteView previous) {
    return crypto::prf(prf, skeyid_d.view(),
                       {previous, shared_secret.view(), {&esp, 1}, on_wire(spi), nonce_i, nonce_r});
  });
}

Bytes nat_detection_hash(crypto::PrfId prf, const Cookies& cookies, const Endpoint& endpoint) {
  return crypto::hash(prf, {cookies.bytes(), endpoint.address.bytes(), on_wire(endpoint.port)});
}

}  // namespace sekisho::ike::v1::suite
