#include <algorithm>

#include "control/ike/v1/wire/message.h"
#include "control/ike/v1/wire/sa_payload.h"

namespace sekisho::ike::v1::wire {
namespace {

constexpr uint8_t flag_encryption = 0x01, flag_commit = 0x02;  // RFC 2408 section 3.1
constexpr size_t generic_header_length = 4;
constexpr size_t isakmp_spi_length = 16, ipsec_spi_length = 4;

std::unexpected<DecodeError> malformed(std::string_view reason) { return std::unexpected(DecodeError{reason}); }

Bytes to_bytes(ByteView view) { return {view.begin(), view.end()}; }

// Each of these takes the body of one payload, behind the generic header.

template <typename T>
Decoded<Payload> decode_blob(ByteView body) {
  if (body.empty()) return malformed("payload without a value");
  return T{to_bytes(body)};
}

Decoded<Payload> decode_nonce(ByteView body) {
  if (body.size() < min_nonce_length || body.size() > max_nonce_length) return malformed("nonce of a wrong length");
  return Nonce{to_bytes(body)};
}

// How long the data of an address identity is; 0: as long as it likes.
size_t id_length(IdType type) {
  switch (type) {
    case IdType::ipv4_address:
      return 4;
    case IdType::ipv4_subnet:
    case IdType::ipv4_range:
      return 8;
    case IdType::ipv6_address:
      return 16;
    case IdType::ipv6_subnet:
    case IdType::ipv6_range:
      return 32;
    default:
      return 0;
  }
}

Decoded<Payload> decode_identification(ByteView body) {
  ByteReader reader(body);
  Identification payload;
  payload.id_type = static_cast<IdType>(reader.u8());
  payload.protocol = reader.u8();
  payload.port = reader.u16();
  payload.data = to_bytes(reader.rest());
  if (!reader.ok()) return malformed("identification payload truncated");
  const size_t length = id_length(payload.id_type);
  if (length != 0 && payload.data.size() != length) return malformed("identity is no address");
  return payload;
}

template <typename T>
Decoded<Payload> decode_certificate(ByteView body) {
  ByteReader reader(body);
  const uint8_t encoding = reader.u8();
  const ByteView data = reader.rest();
  if (!reader.ok()) return malformed("certificate payload truncated");
  return T{encoding, to_bytes(data)};
}

Decoded<Payload> decode_notification(ByteView body) {
  ByteReader reader(body);
  Notification payload;
  const uint32_t doi = reader.u32();
  payload.protocol = static_cast<Protocol>(reader.u8());
  const uint8_t spi_size = reader.u8();
  payload.notify = static_cast<NotifyType>(reader.u16());
  payload.spi = to_bytes(reader.bytes(spi_size));
  payload.data = to_bytes(reader.rest());
  // Errors of phase 1 may stand under the generic ISAKMP DOI, 0.
  if (!reader.ok() || doi > doi_ipsec) return malformed("notification truncated or of another DOI");
  return payload;
}

Decoded<Payload> decode_delete(ByteView body) {
  ByteReader reader(body);
  Delete payload;
  const uint32_t doi = reader.u32();
  payload.protocol = static_cast<Protocol>(reader.u8());
  const uint8_t spi_size = reader.u8();
  const uint16_t count = reader.u16();
  if (!reader.ok() || doi > doi_ipsec) return malformed("delete payload truncated or of another DOI");
  const size_t wanted = payload.protocol == Protocol::isakmp ? isakmp_spi_length : ipsec_spi_length;
  if (spi_size != wanted || count == 0 || count > max_deleted_spis) return malformed("delete payload with wrong SPIs");
  if (reader.remaining() != size_t{count} * spi_size) return malformed("delete payload with a wrong SPI count");
  for (unsigned i = 0; i < count; ++i) payload.spis.push_back(to_bytes(reader.bytes(spi_size)));
  return payload;
}

Decoded<Payload> decode_sa(ByteView body) {
  Decoded<SecurityAssociation> payload = decode_security_association(body);
  if (!payload) return std::unexpected(payload.error());
  return std::move(*payload);
}

Decoded<Payload> decode_body(PayloadType type, ByteView body) {
  switch (type) {
    case PayloadType::security_association:
      return decode_sa(body);
    case PayloadType::key_exchange:
      return decode_blob<KeyExchange>(body);
    case PayloadType::identification:
      return decode_identification(body);
    case PayloadType::certificate:
      return decode_certificate<Certificate>(body);
    case PayloadType::certificate_request:
      return decode_certificate<CertificateRequest>(body);
    case PayloadType::hash:
      return decode_blob<Hash>(body);
    case PayloadType::signature:
      return decode_blob<Signature>(body);
    case PayloadType::nonce:
      return decode_nonce(body);
    case PayloadType::notification:
      return decode_notification(body);
    case PayloadType::delete_:
      return decode_delete(body);
    case PayloadType::vendor_id:
      return VendorId{to_bytes(body)};
    case PayloadType::nat_detection:
    case PayloadType::draft_nat_detection:
      return NatDetection{type, to_bytes(body)};
    case PayloadType::proposal:
    case PayloadType::transform:
      return malformed("a proposal or transform outside of an SA payload");
    default:
      return Opaque{type, to_bytes(body)};
  }
}

// Of which payloads a message may have several: two identities in quick mode (and no more are of any use), the others
// as many as the cap allows.
size_t most_of(PayloadType type) {
  switch (type) {
    case PayloadType::security_association:
    case PayloadType::key_exchange:
    case PayloadType::hash:
    case PayloadType::signature:
    case PayloadType::nonce:
      return 1;
    case PayloadType::identification:
      return 2;
    default:
      return max_payloads;
  }
}

size_t count_of(const Payloads& payloads, PayloadType type) {
  return static_cast<size_t>(
      std::ranges::count_if(payloads, [type](const Payload& payload) { return type_of(payload) == type; }));
}

}  // namespace

Decoded<Header> decode_header(ByteView datagram) {
  ByteReader reader(datagram);
  Header header;
  header.initiator_cookie = reader.u64();
  header.responder_cookie = reader.u64();
  header.first = static_cast<PayloadType>(reader.u8());
  const uint8_t version = reader.u8();
  header.exchange = static_cast<ExchangeType>(reader.u8());
  const uint8_t flags = reader.u8();
  header.message_id = reader.u32();
  const uint32_t length = reader.u32();
  if (!reader.ok()) return malformed("shorter than an ISAKMP header");
  if (datagram.size() > max_message_length) return malformed("message too long");
  if (length != datagram.size()) return malformed("length does not agree with the datagram");
  if (version >> 4 != 1) return malformed("not version 1");
  if (header.initiator_cookie == 0) return malformed("initiator's cookie is zero");
  header.encrypted = (flags & flag_encryption) != 0;
  header.commit = (flags & flag_commit) != 0;
  return header;
}

Decoded<Chain> decode_payloads(PayloadType first, ByteView plaintext) {
  ByteReader reader(plaintext);
  Chain chain;
  for (PayloadType type = first; type != PayloadType::none;) {
    if (chain.payloads.size() == max_payloads) return malformed("too many payloads");
    const auto next = static_cast<PayloadType>(reader.u8());
    reader.skip(1);
    const uint16_t length = reader.u16();
    if (!reader.ok() || length < generic_header_length) return malformed("payload shorter than its header");
    const ByteView body = reader.bytes(length - generic_header_length);
    if (!reader.ok()) return malformed("payload longer than the message");
    if (count_of(chain.payloads, type) == most_of(type)) return malformed("payload occurs too often");
    Decoded<Payload> payload = decode_body(type, body);
    if (!payload) return std::unexpected(payload.error());
    chain.payloads.push_back(std::move(*payload));
    chain.length = plaintext.size() - reader.remaining();
    if (chain.payloads.size() == 1) chain.behind_first = chain.length;
    type = next;
  }
  return chain;
}

Decoded<Message> decode(ByteView datagram) {
  const Decoded<Header> header = decode_header(datagram);
  if (!header) return std::unexpected(header.error());
  if (header->encrypted) return malformed("encrypted");
  const ByteView bytes = datagram.subspan(header_length);
  Decoded<Chain> chain = decode_payloads(header->first, bytes);
  if (!chain) return std::unexpected(chain.error());
  if (chain->length != bytes.size()) return malformed("bytes behind the last payload");
  return Message{*header, std::move(chain->payloads)};
}

}  // namespace sekisho::ike::v1::wire
