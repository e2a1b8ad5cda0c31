#include "control/ike/v1/wire/message.h"
#include "control/ike/v1/wire/sa_payload.h"

namespace sekisho::ike::v1::wire {
namespace {

constexpr uint8_t version_1_0 = 0x10;
constexpr uint8_t flag_encryption = 0x01;

void encode_header(ByteWriter& writer, const Header& header, size_t body_length) {
  writer.u64(header.initiator_cookie);
  writer.u64(header.responder_cookie);
  writer.u8(static_cast<uint8_t>(header.first));
  writer.u8(version_1_0);
  writer.u8(static_cast<uint8_t>(header.exchange));
  writer.u8(header.encrypted ? flag_encryption : 0);
  writer.u32(header.message_id);
  writer.u32(static_cast<uint32_t>(header_length + body_length));
}

void write_body(ByteWriter& writer, const SecurityAssociation& payload) {
  encode_security_association(writer, payload);
}
void write_body(ByteWriter& writer, const Identification& payload) { writer.bytes(payload.body()); }
void write_body(ByteWriter& writer, const Certificate& payload) {
  writer.u8(payload.encoding);
  writer.bytes(payload.data);
}
void write_body(ByteWriter& writer, const CertificateRequest& payload) {
  writer.u8(payload.encoding);
  writer.bytes(payload.authority);
}
void write_body(ByteWriter& writer, const Notification& payload) {
  writer.u32(doi_ipsec);
  writer.u8(static_cast<uint8_t>(payload.protocol));
  writer.u8(static_cast<uint8_t>(payload.spi.size()));
  writer.u16(static_cast<uint16_t>(payload.notify));
  writer.bytes(payload.spi);
  writer.bytes(payload.data);
}
void write_body(ByteWriter& writer, const Delete& payload) {
  writer.u32(doi_ipsec);
  writer.u8(static_cast<uint8_t>(payload.protocol));
  writer.u8(static_cast<uint8_t>(payload.spis.front().size()));
  writer.u16(static_cast<uint16_t>(payload.spis.size()));
  for (const Bytes& spi : payload.spis) writer.bytes(spi);
}
template <PayloadType Type>
void write_body(ByteWriter& writer, const Blob<Type>& payload) {
  writer.bytes(payload.data);
}
void write_body(ByteWriter& writer, const NatDetection& payload) { writer.bytes(payload.hash); }
void write_body(ByteWriter& writer, const Opaque& payload) { writer.bytes(payload.body); }

}  // namespace

Bytes Identification::body() const {
  ByteWriter body;
  body.u8(static_cast<uint8_t>(id_type));
  body.u8(protocol);
  body.u16(port);
  body.bytes(data);
  return std::move(body).take();
}

PayloadType first_type(const Payloads& payloads) {
  return payloads.empty() ? PayloadType::none : type_of(payloads.front());
}

Bytes encode_payloads(const Payloads& payloads) {
  ByteWriter writer;
  for (size_t i = 0; i < payloads.size(); ++i) {
    const size_t start = writer.size();
    writer.u8(static_cast<uint8_t>(i + 1 < payloads.size() ? type_of(payloads[i + 1]) : PayloadType::none));
    writer.zeros(3);
    std::visit([&writer](const auto& payload) { write_body(writer, payload); }, payloads[i]);
    writer.patch_u16(start + 2, static_cast<uint16_t>(writer.size() - start));
  }
  return std::move(writer).take();
}

Bytes encode(Header header, const Payloads& payloads) {
  header.first = first_type(payloads);
  header.encrypted = false;
  const Bytes chain = encode_payloads(payloads);
  ByteWriter writer;
  encode_header(writer, header, chain.size());
  writer.bytes(chain);
  return std::move(writer).take();
}

Bytes encode_encrypted(Header header, ByteView ciphertext) {
  header.encrypted = true;
  ByteWriter writer;
  encode_header(writer, header, ciphertext.size());
  writer.bytes(ciphertext);
  return std::move(writer).take();
}

Bytes encode_body(const SecurityAssociation& payload) {
  ByteWriter writer;
  encode_security_association(writer, payload);
  return std::move(writer).take();
}

}  // namespace sekisho::ike::v1::wire
