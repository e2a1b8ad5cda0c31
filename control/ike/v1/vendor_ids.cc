#include "control/ike/v1/vendor_ids.h"

#include <algorithm>
#include <array>

namespace sekisho::ike::v1 {
namespace {

using Id = std::array<uint8_t, 16>;

// MD5 of the documents' names: "RFC 3947", "draft-ietf-ipsec-nat-t-ike-03", "draft-ietf-ipsec-nat-t-ike-02\n" (which is
// what everybody sends for it) and "draft-ietf-ipsec-nat-t-ike-02".
constexpr Id rfc3947 = {0x4a, 0x13, 0x1c, 0x81, 0x07, 0x03, 0x58, 0x45, 0x5c, 0x57, 0x28, 0xf2, 0x0e, 0x95, 0x45, 0x2f};
constexpr Id draft_03 = {0x7d, 0x94, 0x19, 0xa6, 0x53, 0x10, 0xca, 0x6f,
                         0x2c, 0x17, 0x9d, 0x92, 0x15, 0x52, 0x9d, 0x56};
constexpr Id draft_02_newline = {0x90, 0xcb, 0x80, 0x91, 0x3e, 0xbb, 0x69, 0x6e,
                                 0x08, 0x63, 0x81, 0xb5, 0xec, 0x42, 0x7b, 0x1f};
constexpr Id draft_02 = {0xcd, 0x60, 0x46, 0x43, 0x35, 0xdf, 0x21, 0xf8,
                         0x7c, 0xfd, 0xb2, 0xfc, 0x68, 0xb6, 0xa4, 0x48};
// RFC 3706 section 5.1; the last two bytes are a version.
constexpr Id dead_peer_detection = {0xaf, 0xca, 0xd7, 0x13, 0x68, 0xa1, 0xf1, 0xc9,
                                    0x6b, 0x86, 0x96, 0xfc, 0x77, 0x57, 0x01, 0x00};

bool has(const wire::Payloads& payloads, const Id& id) {
  return std::ranges::any_of(wire::all<wire::VendorId>(payloads),
                             [&](const auto* vendor) { return std::ranges::equal(vendor->data, id); });
}

void add(const Id& id, wire::Payloads& payloads) { payloads.push_back(wire::VendorId{{id.begin(), id.end()}}); }

}  // namespace

Capabilities read_vendor_ids(const wire::Payloads& payloads) {
  Capabilities capabilities;
  if (has(payloads, rfc3947))
    capabilities.nat_traversal = NatTraversal::rfc3947;
  else if (has(payloads, draft_03) || has(payloads, draft_02) || has(payloads, draft_02_newline))
    capabilities.nat_traversal = NatTraversal::draft;
  capabilities.dead_peer_detection = has(payloads, dead_peer_detection);
  return capabilities;
}

void add_vendor_ids(const Capabilities& offered, bool initiator, wire::Payloads& payloads) {
  if (offered.nat_traversal == NatTraversal::rfc3947) add(rfc3947, payloads);
  if (offered.nat_traversal == NatTraversal::draft || (initiator && offered.nat_traversal != NatTraversal::none))
    for (const Id* id : {&draft_03, &draft_02_newline, &draft_02}) add(*id, payloads);
  if (offered.dead_peer_detection) add(dead_peer_detection, payloads);
}

}  // namespace sekisho::ike::v1
