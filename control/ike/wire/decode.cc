#include <algorithm>

#include "control/ike/wire/message.h"
#include "control/ike/wire/sa_payload.h"
#include "control/ike/wire/traffic_selectors.h"

namespace sekisho::ike::wire {
namespace {

constexpr uint8_t flag_initiator = 0x08, flag_response = 0x20;  // section 3.1
constexpr uint8_t flag_critical = 0x80;                         // section 3.2
constexpr size_t generic_header_length = 4;
constexpr size_t fragment_counts_length = 4;

std::unexpected<DecodeError> malformed(std::string_view reason) {
  return std::unexpected(DecodeError{NotifyType::invalid_syntax, reason});
}

Bytes to_bytes(ByteView view) { return {view.begin(), view.end()}; }

// Each of these takes the body of one payload, behind the generic header.

Decoded<Payload> decode_key_exchange(ByteView body) {
  ByteReader reader(body);
  KeyExchange payload;
  payload.group = static_cast<crypto::KeyExchangeId>(reader.u16());
  reader.skip(2);
  payload.value = to_bytes(reader.rest());
  if (!reader.ok() || payload.value.empty()) return malformed("KE payload without a value");
  return payload;
}

template <typename Id>
Decoded<Payload> decode_identification(ByteView body) {
  ByteReader reader(body);
  Id payload;
  payload.identity.type = static_cast<Identity::Type>(reader.u8());
  for (uint8_t& byte : payload.reserved) byte = reader.u8();
  const ByteView value = reader.rest();
  if (!reader.ok()) return malformed("identification payload truncated");
  const bool v4 = payload.identity.type == Identity::Type::ipv4_address;
  const bool v6 = payload.identity.type == Identity::Type::ipv6_address;
  if ((v4 && value.size() != 4) || (v6 && value.size() != 16)) return malformed("identity is no address");
  payload.identity.value = as_text(value);
  return payload;
}

Decoded<Payload> decode_authentication(ByteView body) {
  ByteReader reader(body);
  Authentication payload;
  payload.method = static_cast<AuthMethod>(reader.u8());
  reader.skip(3);
  payload.data = to_bytes(reader.rest());
  if (!reader.ok() || payload.data.empty()) return malformed("AUTH payload without data");
  return payload;
}

Decoded<Payload> decode_nonce(ByteView body) {
  if (body.size() < min_nonce_length || body.size() > max_nonce_length) return malformed("nonce of a wrong length");
  return Nonce{to_bytes(body)};
}

Decoded<Payload> decode_notify(ByteView body) {
  ByteReader reader(body);
  Notify payload;
  payload.protocol = static_cast<Protocol>(reader.u8());
  const uint8_t spi_size = reader.u8();
  payload.notify = static_cast<NotifyType>(reader.u16());
  payload.spi = to_bytes(reader.bytes(spi_size));
  payload.data = to_bytes(reader.rest());
  if (!reader.ok()) return malformed("notify payload truncated");
  // Without an SPI the protocol must be ignored (section 3.10).
  if (spi_size == 0) payload.protocol = Protocol::none;
  if (spi_size != 0 && !valid_spi_size(payload.protocol, spi_size))
    return malformed("notify payload's SPI size does not fit the protocol");
  return payload;
}

Decoded<Payload> decode_delete(ByteView body) {
  ByteReader reader(body);
  Delete payload;
  payload.protocol = static_cast<Protocol>(reader.u8());
  const uint8_t spi_size = reader.u8();
  const uint16_t count = reader.u16();
  if (!reader.ok()) return malformed("delete payload truncated");
  const bool child = payload.protocol == Protocol::esp || payload.protocol == Protocol::ah;
  if (!child && payload.protocol != Protocol::ike) return malformed("delete payload for an unknown protocol");
  if (child ? spi_size != 4 : spi_size != 0 || count != 0) return malformed("delete payload with wrong SPIs");
  if (reader.remaining() != size_t{count} * spi_size) return malformed("delete payload with a wrong SPI count");
  for (unsigned i = 0; i < count; ++i) payload.spis.push_back(reader.u32());
  return payload;
}

template <typename Selectors>
Decoded<Payload> decode_selectors(ByteView body) {
  Decoded<std::vector<TrafficSelector>> selectors = decode_traffic_selectors(body);
  if (!selectors) return std::unexpected(selectors.error());
  return Selectors{std::move(*selectors)};
}

Decoded<Payload> decode_sa(ByteView body) {
  Decoded<SecurityAssociation> payload = decode_security_association(body);
  if (!payload) return std::unexpected(payload.error());
  return std::move(*payload);
}

Decoded<Payload> decode_body(PayloadType type, bool critical, ByteView body) {
  switch (type) {
    case PayloadType::security_association:
      return decode_sa(body);
    case PayloadType::key_exchange:
      return decode_key_exchange(body);
    case PayloadType::id_initiator:
      return decode_identification<IdInitiator>(body);
    case PayloadType::id_responder:
      return decode_identification<IdResponder>(body);
    case PayloadType::authentication:
      return decode_authentication(body);
    case PayloadType::nonce:
      return decode_nonce(body);
    case PayloadType::notify:
      return decode_notify(body);
    case PayloadType::delete_:
      return decode_delete(body);
    case PayloadType::vendor_id:
      return VendorId{to_bytes(body)};
    case PayloadType::traffic_selectors_initiator:
      return decode_selectors<TrafficSelectorsInitiator>(body);
    case PayloadType::traffic_selectors_responder:
      return decode_selectors<TrafficSelectorsResponder>(body);
    case PayloadType::certificate:
    case PayloadType::certificate_request:
    case PayloadType::configuration:
    case PayloadType::extensible_authentication:
      return Opaque{type, to_bytes(body)};
    case PayloadType::encrypted:
    case PayloadType::encrypted_fragment:
      return malformed("encrypted payload where none may be");
    case PayloadType::none:
      break;
  }
  return Unknown{type, critical, to_bytes(body)};
}

bool repeatable(PayloadType type) {
  switch (type) {
    case PayloadType::security_association:
    case PayloadType::key_exchange:
    case PayloadType::id_initiator:
    case PayloadType::id_responder:
    case PayloadType::authentication:
    case PayloadType::nonce:
    case PayloadType::traffic_selectors_initiator:
    case PayloadType::traffic_selectors_responder:
      return false;
    default:
      return true;
  }
}

// RFC 7383 section 2.5: number and total stand before the sealed bytes. `at` is where the body starts in the datagram.
Decoded<Payload> decode_fragment(PayloadType first, ByteView body, size_t at) {
  ByteReader reader(body);
  EncryptedFragment fragment;
  fragment.number = reader.u16();
  fragment.total = reader.u16();
  fragment.sealed = {first, at + fragment_counts_length, to_bytes(reader.rest())};
  if (!reader.ok()) return malformed("fragment truncated");
  if (fragment.number == 0 || fragment.number > fragment.total) return malformed("fragment number out of range");
  if (fragment.number > 1 && first != PayloadType::none) return malformed("a later fragment with a payload type");
  return fragment;
}

// A chain of payloads. Where `allow_encrypted`, it may end with an Encrypted payload, whose body must reach the end of
// the datagram; `chain_offset` is where the chain starts within the datagram.
Decoded<Payloads> decode_chain(PayloadType first, ByteView bytes, bool allow_encrypted, size_t chain_offset) {
  ByteReader reader(bytes);
  Payloads payloads;
  for (PayloadType type = first; type != PayloadType::none;) {
    if (payloads.size() == max_payloads) return malformed("too many payloads");
    const auto next = static_cast<PayloadType>(reader.u8());
    const bool critical = (reader.u8() & flag_critical) != 0;
    const uint16_t length = reader.u16();
    if (!reader.ok() || length < generic_header_length) return malformed("payload shorter than its header");
    const ByteView body = reader.bytes(length - generic_header_length);
    if (!reader.ok()) return malformed("payload longer than the message");

    if ((type == PayloadType::encrypted || type == PayloadType::encrypted_fragment) && allow_encrypted) {
      if (!reader.finished()) return malformed("bytes behind the encrypted payload");
      const size_t at = chain_offset + bytes.size() - body.size();
      Decoded<Payload> sealed =
          type == PayloadType::encrypted ? Encrypted{next, at, to_bytes(body)} : decode_fragment(next, body, at);
      if (!sealed) return std::unexpected(sealed.error());
      payloads.push_back(std::move(*sealed));
      return payloads;
    }
    const auto same = [type](const Payload& payload) { return type_of(payload) == type; };
    if (!repeatable(type) && std::ranges::any_of(payloads, same)) return malformed("payload occurs twice");
    Decoded<Payload> payload = decode_body(type, critical, body);
    if (!payload) return std::unexpected(payload.error());
    payloads.push_back(std::move(*payload));
    type = next;
  }
  if (!reader.finished()) return malformed("bytes behind the last payload");
  return payloads;
}

struct RawHeader {
  Header header;
  PayloadType first{};
};

Decoded<RawHeader> decode_raw_header(ByteView datagram) {
  ByteReader reader(datagram);
  RawHeader raw;
  raw.header.initiator_spi = reader.u64();
  raw.header.responder_spi = reader.u64();
  raw.first = static_cast<PayloadType>(reader.u8());
  const uint8_t version = reader.u8();
  raw.header.exchange = static_cast<ExchangeType>(reader.u8());
  const uint8_t flags = reader.u8();
  raw.header.message_id = reader.u32();
  const uint32_t length = reader.u32();
  if (!reader.ok()) return malformed("shorter than an IKE header");
  if (datagram.size() > max_message_length) return malformed("message too long");
  if (length != datagram.size()) return malformed("length does not agree with the datagram");
  if (version >> 4 != 2) return std::unexpected(DecodeError{NotifyType::invalid_major_version, "not version 2"});
  if (raw.header.initiator_spi == 0) return malformed("initiator's SPI is zero");
  raw.header.from_initiator = (flags & flag_initiator) != 0;
  raw.header.response = (flags & flag_response) != 0;
  return raw;
}

}  // namespace

Decoded<Header> decode_header(ByteView datagram) {
  const Decoded<RawHeader> raw = decode_raw_header(datagram);
  if (!raw) return std::unexpected(raw.error());
  return raw->header;
}

Decoded<Message> decode(ByteView datagram) {
  const Decoded<RawHeader> raw = decode_raw_header(datagram);
  if (!raw) return std::unexpected(raw.error());
  Decoded<Payloads> payloads = decode_chain(raw->first, datagram.subspan(header_length), true, header_length);
  if (!payloads) return std::unexpected(payloads.error());
  return Message{raw->header, std::move(*payloads)};
}

Decoded<Payloads> decode_payloads(PayloadType first, ByteView bytes) { return decode_chain(first, bytes, false, 0); }

std::optional<Bytes> open(const Encrypted& encrypted, ByteView datagram, const crypto::SkCipher& cipher) {
  if (encrypted.header_length > datagram.size()) return {};
  return cipher.open(datagram.first(encrypted.header_length), encrypted.body);
}

std::expected<Payloads, UnprotectFailure> unprotect(const Message& message, ByteView datagram,
                                                    const crypto::SkCipher& cipher) {
  const Encrypted* encrypted = find<Encrypted>(message.payloads);
  if (encrypted == nullptr) return std::unexpected(UnprotectFailure::not_encrypted);
  const std::optional<Bytes> plaintext = open(*encrypted, datagram, cipher);
  if (!plaintext) return std::unexpected(UnprotectFailure::not_authentic);
  Decoded<Payloads> payloads = decode_payloads(encrypted->first, *plaintext);
  if (!payloads) return std::unexpected(UnprotectFailure::malformed);
  return std::move(*payloads);
}

}  // namespace sekisho::ike::wire
