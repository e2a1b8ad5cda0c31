#include "control/ike/suite/keys.h"

#include <algorithm>
#include <array>

#include "crypto/ike/prf.h"

namespace sekisho::ike::suite {
namespace {

std::array<uint8_t, 8> on_wire(uint64_t spi) {
  std::array<uint8_t, 8> bytes;
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(spi >> (56 - 8 * i));
  return bytes;
}

Bytes concatenated(std::initializer_list<ByteView> parts) {
  ByteWriter writer;
  for (const ByteView part : parts) writer.bytes(part);
  return std::move(writer).take();
}

SecretBytes concatenated(const SecretBytes& secret, ByteView a, ByteView b) {
  SecretBytes joined(secret.size() + a.size() + b.size());
  auto to = std::ranges::copy(secret.view(), joined.writable().begin()).out;
  to = std::ranges::copy(a, to).out;
  std::ranges::copy(b, to);
  return joined;
}

// Cuts keys off the front of key material.
class KeyCutter {
 public:
  explicit KeyCutter(const SecretBytes& material) : reader_(material.view()) {}
  SecretBytes next(size_t length) { return SecretBytes::copy_of(reader_.bytes(length)); }

 private:
  ByteReader reader_;
};

}  // namespace

SecretBytes skeyseed(crypto::PrfId prf, ByteView nonce_i, ByteView nonce_r, const SecretBytes& shared_secret) {
  return crypto::prf(prf, concatenated({nonce_i, nonce_r}), {shared_secret.view()});
}

SecretBytes rekey_skeyseed(crypto::PrfId old_prf, const SecretBytes& old_sk_d, const SecretBytes& shared_secret,
                           ByteView nonce_i, ByteView nonce_r) {
  return crypto::prf(old_prf, old_sk_d.view(), {shared_secret.view(), nonce_i, nonce_r});
}

IkeKeys derive_ike_keys(const IkeProposal& proposal, const SecretBytes& skeyseed, ByteView nonce_i, ByteView nonce_r,
                        uint64_t spi_i, uint64_t spi_r) {
  const size_t prf_length = crypto::prf_length(proposal.prf);
  const size_t integrity_length = proposal.sk.integrity_key_length();
  const size_t encryption_length = proposal.sk.encryption_key_length();
  const Bytes seed = concatenated({nonce_i, nonce_r, on_wire(spi_i), on_wire(spi_r)});
  const SecretBytes material = crypto::prf_plus(proposal.prf, skeyseed.view(), seed,
                                                3 * prf_length + 2 * integrity_length + 2 * encryption_length);
  KeyCutter cut(material);
  IkeKeys keys;
  keys.d = cut.next(prf_length);
  keys.ai = cut.next(integrity_length);
  keys.ar = cut.next(integrity_length);
  keys.ei = cut.next(encryption_length);
  keys.er = cut.next(encryption_length);
  keys.pi = cut.next(prf_length);
  keys.pr = cut.next(prf_length);
  return keys;
}

ChildKeys derive_child_keys(crypto::PrfId prf, const SecretBytes& sk_d, const SecretBytes& shared_secret,
                            ByteView nonce_i, ByteView nonce_r, EspSuite suite) {
  const size_t length = info(suite).key_material();
  const SecretBytes seed = concatenated(shared_secret, nonce_i, nonce_r);
  const SecretBytes material = crypto::prf_plus(prf, sk_d.view(), seed.view(), 2 * length);
  KeyCutter cut(material);
  ChildKeys keys;
  keys.initiator_to_responder = cut.next(length);
  keys.responder_to_initiator = cut.next(length);
  return keys;
}

SecretBytes mix_ppk(crypto::PrfId prf, const SecretBytes& ppk, const SecretBytes& key) {
  return crypto::prf_plus(prf, ppk.view(), key.view(), crypto::prf_length(prf));
}

Bytes signed_octets(crypto::PrfId prf, ByteView message, ByteView other_nonce, const SecretBytes& sk_p,
                    ByteView id_body) {
  return concatenated({message, other_nonce, crypto::prf(prf, sk_p.view(), {id_body}).view()});
}

Bytes shared_key_auth(crypto::PrfId prf, const SecretBytes& psk, ByteView octets) {
  const SecretBytes key = crypto::prf(prf, psk.view(), {as_bytes("Key Pad for IKEv2")});
  const SecretBytes auth = crypto::prf(prf, key.view(), {octets});
  return {auth.view().begin(), auth.view().end()};
}

Bytes nat_detection_hash(uint64_t spi_i, uint64_t spi_r, const Endpoint& endpoint) {
  const std::array<uint8_t, 2> port = {static_cast<uint8_t>(endpoint.port >> 8), static_cast<uint8_t>(endpoint.port)};
  return crypto::sha1({on_wire(spi_i), on_wire(spi_r), endpoint.address.bytes(), port});
}

wire::Notify nat_detection(wire::NotifyType which, uint64_t spi_i, uint64_t spi_r, const Endpoint& endpoint) {
  return {which, wire::Protocol::none, {}, nat_detection_hash(spi_i, spi_r, endpoint)};
}

}  // namespace sekisho::ike::suite
