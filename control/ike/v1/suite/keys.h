// Key derivation and hashes of IKEv1 as pure functions (RFC 2409 sections 5 and 5.5, appendix B; RFC 3947 section 3.2).
// The PRF is the HMAC of the negotiated hash. Initiator and responder are those of the exchange: of phase 1 for the
// SKEYIDs, of the quick mode for its hashes.
#pragma once

#include "base/address.h"
#include "base/secret_bytes.h"
#include "control/ike/connection.h"

namespace sekisho::ike::v1::suite {

// The two cookies, which name an ISAKMP SA.
struct Cookies {
  uint64_t initiator = 0, responder = 0;

  friend auto operator<=>(const Cookies&, const Cookies&) = default;
  Bytes bytes() const;  // 16, as they travel
};

// SKEYID with a pre-shared key: prf(psk, Ni_b | Nr_b).
SecretBytes skeyid_of_key(crypto::PrfId prf, const SecretBytes& psk, ByteView nonce_i, ByteView nonce_r);
// SKEYID with signatures: prf(Ni_b | Nr_b, g^xy).
SecretBytes skeyid_of_signatures(crypto::PrfId prf, ByteView nonce_i, ByteView nonce_r,
                                 const SecretBytes& shared_secret);

struct Phase1Keys {
  SecretBytes skeyid;      // for HASH_I and HASH_R
  SecretBytes d;           // SKEYID_d
  SecretBytes a;           // SKEYID_a
  SecretBytes encryption;  // SKEYID_e, expanded as appendix B says where the cipher wants more
};
Phase1Keys derive_phase1_keys(const IkeProposal& proposal, SecretBytes skeyid, const SecretBytes& shared_secret,
                              const Cookies& cookies);

// HASH_I, and HASH_R with what is own and what is the peer's exchanged: prf(SKEYID, g^x of the sender | g^x of the
// other | CKY of the sender | CKY of the other | SAi_b | ID_b of the sender).
Bytes phase1_hash(crypto::PrfId prf, const SecretBytes& skeyid, ByteView own_public, ByteView other_public,
                  uint64_t own_cookie, uint64_t other_cookie, ByteView sa_body, ByteView id_body);

// Of the first encrypted message of phase 1, from the public values.
Bytes phase1_iv(const IkeProposal& proposal, ByteView public_i, ByteView public_r);
// Of the first message under a message id, from the last ciphertext block of phase 1.
Bytes phase2_iv(const IkeProposal& proposal, ByteView last_block, uint32_t message_id);

// HASH(1) of a quick mode and of informational messages: prf(SKEYID_a, M-ID | all that follows the HASH payload).
Bytes hash_1(crypto::PrfId prf, const SecretBytes& skeyid_a, uint32_t message_id, ByteView rest);
// prf(SKEYID_a, M-ID | Ni_b | rest).
Bytes hash_2(crypto::PrfId prf, const SecretBytes& skeyid_a, uint32_t message_id, ByteView nonce_i, ByteView rest);
// prf(SKEYID_a, 0 | M-ID | Ni_b | Nr_b).
Bytes hash_3(crypto::PrfId prf, const SecretBytes& skeyid_a, uint32_t message_id, ByteView nonce_i, ByteView nonce_r);

// KEYMAT of section 5.5 for the ESP SA of that SPI, as much as the suite draws. `shared_secret`: empty without PFS.
SecretBytes keymat(crypto::PrfId prf, const SecretBytes& skeyid_d, const SecretBytes& shared_secret, uint32_t spi,
                   ByteView nonce_i, ByteView nonce_r, EspSuite suite);

// HASH(CKY-I | CKY-R | address | port).
Bytes nat_detection_hash(crypto::PrfId prf, const Cookies& cookies, const Endpoint& endpoint);

}  // namespace sekisho::ike::v1::suite
