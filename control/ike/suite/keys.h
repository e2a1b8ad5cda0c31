// Key derivation, authentication and NAT detection as pure functions (RFC 7296 sections 2.13 to 2.18, 2.23).
#pragma once

#include "base/address.h"
#include "base/secret_bytes.h"
#include "control/ike/connection.h"
#include "control/ike/wire/payloads.h"

namespace sekisho::ike::suite {

// SK_d, SK_a, SK_e, SK_p of section 2.14; i protects what the IKE SA's initiator sends. SK_e ends with the salt where
// the cipher is an AEAD (RFC 5282 section 7.1); SK_a is empty then.
struct IkeKeys {
  SecretBytes d, ai, ar, ei, er, pi, pr;
};

// prf(Ni | Nr, g^ir), section 2.14.
SecretBytes skeyseed(crypto::PrfId prf, ByteView nonce_i, ByteView nonce_r, const SecretBytes& shared_secret);
// prf(SK_d (old), g^ir (new) | Ni | Nr), section 2.18, with the old SA's PRF.
SecretBytes rekey_skeyseed(crypto::PrfId old_prf, const SecretBytes& old_sk_d, const SecretBytes& shared_secret,
                           ByteView nonce_i, ByteView nonce_r);
// prf+(SKEYSEED, Ni | Nr | SPIi | SPIr), cut into keys. The nonces and SPIs are the new SA's in a rekey.
IkeKeys derive_ike_keys(const IkeProposal& proposal, const SecretBytes& skeyseed, ByteView nonce_i, ByteView nonce_r,
                        uint64_t spi_i, uint64_t spi_r);

// KEYMAT of section 2.17. Initiator and responder are those of the exchange that made the child, which need not be
// those of the IKE SA.
struct ChildKeys {
  SecretBytes initiator_to_responder, responder_to_initiator;
};
// `shared_secret`: empty without PFS.
ChildKeys derive_child_keys(crypto::PrfId prf, const SecretBytes& sk_d, const SecretBytes& shared_secret,
                            ByteView nonce_i, ByteView nonce_r, EspSuite suite);

// A key that the post-quantum pre-shared key was mixed into: prf+(PPK, key) (RFC 8784 section 3).
SecretBytes mix_ppk(crypto::PrfId prf, const SecretBytes& ppk, const SecretBytes& key);

// What one side signs (section 2.15): its own first message as it was sent, the other's nonce, and its own
// identity, keyed by its SK_p: message | nonce | prf(SK_p, id_body). `id_body` is Identification::body().
Bytes signed_octets(crypto::PrfId prf, ByteView message, ByteView other_nonce, const SecretBytes& sk_p,
                    ByteView id_body);
// The AUTH payload's data for a pre-shared key: prf(prf(psk, "Key Pad for IKEv2"), signed octets).
Bytes shared_key_auth(crypto::PrfId prf, const SecretBytes& psk, ByteView octets);

// SHA1(SPIi | SPIr | address | port), section 2.23. In the first message SPIr is 0.
Bytes nat_detection_hash(uint64_t spi_i, uint64_t spi_r, const Endpoint& endpoint);
wire::Notify nat_detection(wire::NotifyType which, uint64_t spi_i, uint64_t spi_r, const Endpoint& endpoint);

}  // namespace sekisho::ike::suite
