#include "control/ike/v2/certificate_payloads.h"

#include "control/ike/suite/peer_certificate.h"

namespace sekisho::ike::v2 {
namespace {

using wire::CertificateEncoding;
using wire::PayloadType;

wire::Opaque payload(PayloadType type, ByteView data) {
  ByteWriter body;
  body.u8(static_cast<uint8_t>(CertificateEncoding::x509_signature));
  body.bytes(data);
  return {type, std::move(body).take()};
}

}  // namespace

void add_certificates(const LocalAuth& auth, wire::Payloads& payloads) {
  for (const crypto::Certificate& certificate : auth.certificates)
    payloads.push_back(payload(PayloadType::certificate, certificate.der()));
}

std::vector<ByteView> find_certificates(const wire::Payloads& payloads) {
  std::vector<ByteView> found;
  for (const wire::Payload& each : payloads) {
    const auto* opaque = std::get_if<wire::Opaque>(&each);
    if (!opaque || opaque->type != PayloadType::certificate || opaque->body.empty()) continue;
    if (opaque->body[0] == static_cast<uint8_t>(CertificateEncoding::x509_signature))
      found.push_back(ByteView(opaque->body).subspan(1));
  }
  return found;
}

void add_certificate_request(const std::vector<std::shared_ptr<const Connection>>& connections,
                             wire::Payloads& payloads) {
  constexpr size_t most = 64;
  const auto hashes = suite::requested_authorities(
      connections, most, [](const crypto::TrustAnchors& anchors, size_t index) { return anchors.key_hashes()[index]; });
  if (hashes.empty()) return;
  ByteWriter joined;
  for (const Bytes& hash : hashes) joined.bytes(hash);
  payloads.push_back(payload(PayloadType::certificate_request, joined.view()));
}

}  // namespace sekisho::ike::v2
