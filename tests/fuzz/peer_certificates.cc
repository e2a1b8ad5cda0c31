#include <algorithm>
#include <array>

#include "control/ike/suite/peer_certificate.h"
#include "tests/fuzz/certified.h"
#include "tests/fuzz/require.h"
#include "tests/fuzz/script.h"
#include "tests/fuzz/targets.h"

namespace sekisho::fuzz {
namespace {

const crypto::TrustAnchors& anchors(crypto::RequireCrl require_crl) {
  const Certified& lab = Certified::get();
  static const crypto::TrustAnchors lenient({lab.authority}, {lab.list}, crypto::RequireCrl::no);
  static const crypto::TrustAnchors strict({lab.authority}, {lab.list}, crypto::RequireCrl::yes);
  return require_crl == crypto::RequireCrl::yes ? strict : lenient;
}

const std::vector<crypto::PublicKey>& good_keys() {
  static const std::vector<crypto::PublicKey> keys = [] {
    std::vector<crypto::PublicKey> all;
    for (const crypto::Certificate& each : Certified::get().valid) all.push_back(each.public_key().value());
    return all;
  }();
  return keys;
}

// Nobody but the authority makes a certificate that is accepted, and no revoked one is.
bool judge(const ike::Identity& id, std::span<const ByteView> certificates, crypto::RequireCrl require_crl) {
  bool certified = false;
  const auto signed_by = [&](const crypto::PublicKey& key) -> Result<void> {
    certified = std::ranges::find(good_keys(), key) != good_keys().end();
    return {};
  };
  const auto good = ike::suite::authenticate(anchors(require_crl), id, certificates, now, signed_by);
  if (good) {
    require(certified, "an accepted key is one that was certified");
  } else {
    require(!good.error().detail.empty() && printable(good.error().detail), "a refusal has a printable reason");
  }
  return good.has_value();
}

}  // namespace

bool peer_certificates(ByteView input) {
  static const std::array ids = {*ike::Identity::parse("peer.lab"), *ike::Identity::parse("10.9.2.2"),
                                 *ike::Identity::parse("peer@lab"), *ike::Identity::parse("C=JP, O=Lab, CN=peer.lab"),
                                 *ike::Identity::parse("keyid:peer")};
  Script script(input);
  const ike::Identity& id = script.one_of(ids);
  std::vector<ByteView> certificates;
  while (!script.done()) {
    const uint16_t length = script.u16();
    certificates.push_back(script.bytes(length));
  }
  const bool strictly = judge(id, certificates, crypto::RequireCrl::yes);
  const bool leniently = judge(id, certificates, crypto::RequireCrl::no);
  require(leniently || !strictly, "who demands more accepts no more");
  return leniently;
}

}  // namespace sekisho::fuzz
