#include "control/ike/v2/ppk.h"

#include "base/messages/ike.h"

namespace sekisho::ike::v2 {
namespace {

constexpr uint8_t ppk_id_fixed = 2;  // RFC 8784 section 5.1.1

Bytes encoded(const PostQuantumKey& ppk) {
  ByteWriter data;
  data.u8(ppk_id_fixed);
  data.bytes(as_bytes(ppk.id));
  return std::move(data).take();
}

}  // namespace

MixedKeys mix_keys(const IkeSa& sa, const PostQuantumKey& ppk) {
  const auto mix = [&](const SecretBytes& key) { return suite::mix_ppk(sa.proposal.prf, *ppk.key, key); };
  return {mix(sa.sk_d), mix(sa.sk_pi), mix(sa.sk_pr)};
}

void adopt(IkeSa& sa, MixedKeys keys) {
  sa.sk_d = std::move(keys.d);
  sa.sk_pi = std::move(keys.pi);
  sa.sk_pr = std::move(keys.pr);
}

void add_ppk_offer(const PostQuantumKey& ppk, const std::optional<wire::Authentication>& without,
                   wire::Payloads& payloads) {
  payloads.push_back(notify(wire::NotifyType::ppk_identity, encoded(ppk)));
  if (without) payloads.push_back(notify(wire::NotifyType::no_ppk_auth, without->data));
}

// RFC 8784 section 3, the table of what a responder does.
Result<PpkChoice> choose_ppk(const IkeSa& sa, const Connection& connection, const wire::Payloads& request,
                             const wire::Authentication& auth) {
  const bool possible = sa.handshake->ppk;
  const auto* identity = wire::find_notify(request, wire::NotifyType::ppk_identity);
  const auto* without = wire::find_notify(request, wire::NotifyType::no_ppk_auth);
  if (possible && identity && connection.ppk && identity->data == encoded(*connection.ppk))
    return PpkChoice{mix_keys(sa, *connection.ppk), auth};
  if (connection.ppk && connection.ppk->required)
    return fail(messages::ike_no_ppk,
                possible && identity ? "the peer names another key than " + connection.ppk->id : "the peer uses none");
  if (possible && identity && !without)
    return fail(messages::ike_no_ppk, "the peer demands a key that this end does not have");
  if (possible && identity) return PpkChoice{{}, {auth.method, without->data}};
  return PpkChoice{{}, auth};
}

}  // namespace sekisho::ike::v2
