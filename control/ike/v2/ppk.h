// Post-quantum pre-shared keys (RFC 8784): a secret that both ends have is mixed into SK_d, SK_pi and SK_pr, so that
// whoever breaks the key exchange later still lacks it.
//
//   IKE_SA_INIT   N(USE_PPK)                                  -->
//                                                             <-- N(USE_PPK)
//   IKE_AUTH      AUTH, N(PPK_IDENTITY), [N(NO_PPK_AUTH)]     -->     NO_PPK_AUTH: where we could do without
//                                                             <-- AUTH, [N(PPK_IDENTITY)]    absent: done without
#pragma once

#include "base/message.h"
#include "control/ike/v2/ike_sa.h"

namespace sekisho::ike::v2 {

struct MixedKeys {
  SecretBytes d, pi, pr;
};
MixedKeys mix_keys(const IkeSa& sa, const PostQuantumKey& ppk);
// The SA goes on with these keys.
void adopt(IkeSa& sa, MixedKeys keys);

// The initiator's notifies in IKE_AUTH. `without` is its AUTH under the keys that nothing was mixed into, where that
// may be used.
void add_ppk_offer(const PostQuantumKey& ppk, const std::optional<wire::Authentication>& without,
                   wire::Payloads& payloads);

// What the responder goes by: the mixed keys and AUTH as it is, or no mixed keys and the AUTH that is without.
struct PpkChoice {
  std::optional<MixedKeys> mixed;
  wire::Authentication auth;
};
Result<PpkChoice> choose_ppk(const IkeSa& sa, const Connection& connection, const wire::Payloads& request,
                             const wire::Authentication& auth);

}  // namespace sekisho::ike::v2
