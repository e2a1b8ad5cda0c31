#include <algorithm>
#include <cstdlib>

#include "control/ike/wire/message.h"
#include "control/ike/wire/sa_payload.h"
#include "control/ike/wire/traffic_selectors.h"

namespace sekisho::ike::wire {
namespace {

constexpr uint8_t version_2_0 = 0x20;
constexpr uint8_t flag_initiator = 0x08, flag_response = 0x20;
constexpr uint8_t flag_critical = 0x80;
constexpr size_t length_at = 24;  // in the header
constexpr size_t generic_header_length = 4;

void encode_header(ByteWriter& writer, const Header& header, PayloadType first) {
  writer.u64(header.initiator_spi);
  writer.u64(header.responder_spi);
  writer.u8(static_cast<uint8_t>(first));
  writer.u8(version_2_0);
  writer.u8(static_cast<uint8_t>(header.exchange));
  writer.u8(static_cast<uint8_t>((header.from_initiator ? flag_initiator : 0) | (header.response ? flag_response : 0)));
  writer.u32(header.message_id);
  writer.u32(0);
}

void encode_body(ByteWriter& writer, const SecurityAssociation& payload) {
  encode_security_association(writer, payload);
}

void encode_body(ByteWriter& writer, const KeyExchange& payload) {
  writer.u16(static_cast<uint16_t>(payload.group));
  writer.u16(0);
  writer.bytes(payload.value);
}

template <PayloadType Type>
void encode_body(ByteWriter& writer, const Identification<Type>& payload) {
  writer.bytes(payload.body());
}

void encode_body(ByteWriter& writer, const Authentication& payload) {
  writer.u8(static_cast<uint8_t>(payload.method));
  writer.zeros(3);
  writer.bytes(payload.data);
}

void encode_body(ByteWriter& writer, const Nonce& payload) { writer.bytes(payload.value); }

void encode_body(ByteWriter& writer, const Notify& payload) {
  writer.u8(static_cast<uint8_t>(payload.protocol));
  writer.u8(static_cast<uint8_t>(payload.spi.size()));
  writer.u16(static_cast<uint16_t>(payload.notify));
  writer.bytes(payload.spi);
  writer.bytes(payload.data);
}

void encode_body(ByteWriter& writer, const Delete& payload) {
  writer.u8(static_cast<uint8_t>(payload.protocol));
  writer.u8(payload.protocol == Protocol::ike ? 0 : 4);
  writer.u16(static_cast<uint16_t>(payload.spis.size()));
  for (const uint32_t spi : payload.spis) writer.u32(spi);
}

void encode_body(ByteWriter& writer, const VendorId& payload) { writer.bytes(payload.data); }

template <PayloadType Type>
void encode_body(ByteWriter& writer, const TrafficSelectors<Type>& payload) {
  encode_traffic_selectors(writer, payload.selectors);
}

// Sealed bytes cannot be put into another message: the ICV covers the header that they came with.
void encode_body(ByteWriter&, const Encrypted&) { std::abort(); }
void encode_body(ByteWriter&, const EncryptedFragment&) { std::abort(); }
void encode_body(ByteWriter& writer, const Opaque& payload) { writer.bytes(payload.body); }
void encode_body(ByteWriter& writer, const Unknown& payload) { writer.bytes(payload.body); }

bool critical(const Payload& payload) {
  const auto* unknown = std::get_if<Unknown>(&payload);
  return unknown != nullptr && unknown->critical;
}

PayloadType first_type(const Payloads& payloads) {
  return payloads.empty() ? PayloadType::none : type_of(payloads.front());
}

void encode_chain(ByteWriter& writer, const Payloads& payloads) {
  for (size_t i = 0; i < payloads.size(); ++i) {
    const size_t start = writer.size();
    writer.u8(static_cast<uint8_t>(i + 1 < payloads.size() ? type_of(payloads[i + 1]) : PayloadType::none));
    writer.u8(critical(payloads[i]) ? flag_critical : 0);
    writer.u16(0);
    std::visit([&writer](const auto& payload) { encode_body(writer, payload); }, payloads[i]);
    writer.patch_u16(start + 2, static_cast<uint16_t>(writer.size() - start));
  }
}

Bytes inner_chain(const Payloads& payloads) {
  ByteWriter inner;
  encode_chain(inner, payloads);
  return std::move(inner).take();
}

// Which of how many; a total of 0: not a fragment.
struct FragmentCounts {
  uint16_t number = 0, total = 0;
  size_t length() const { return total == 0 ? 0 : 4; }
};

Bytes seal(const Header& header, PayloadType first, FragmentCounts counts, ByteView plaintext, crypto::SkCipher& cipher,
           Random& random) {
  const size_t body_length = cipher.sealed_length(plaintext.size());
  ByteWriter writer;
  encode_header(writer, header, counts.total == 0 ? PayloadType::encrypted : PayloadType::encrypted_fragment);
  writer.u8(static_cast<uint8_t>(first));
  writer.u8(0);
  writer.u16(static_cast<uint16_t>(generic_header_length + counts.length() + body_length));
  if (counts.total != 0) {
    writer.u16(counts.number);
    writer.u16(counts.total);
  }
  writer.patch_u32(length_at, static_cast<uint32_t>(writer.size() + body_length));
  writer.bytes(cipher.seal(writer.view(), plaintext, random));
  return std::move(writer).take();
}

size_t sealed_message_length(FragmentCounts counts, size_t plaintext, const crypto::SkCipher& cipher) {
  return header_length + generic_header_length + counts.length() + cipher.sealed_length(plaintext);
}

// The most plaintext that fits; padding makes the sealed size grow in steps, so it is found by trying.
size_t most_plaintext(FragmentCounts counts, size_t longest, const crypto::SkCipher& cipher) {
  size_t plaintext = longest;
  while (plaintext > 0 && sealed_message_length(counts, plaintext, cipher) > longest) --plaintext;
  return plaintext;
}

}  // namespace

Bytes encode(const Header& header, const Payloads& payloads) {
  ByteWriter writer;
  encode_header(writer, header, first_type(payloads));
  encode_chain(writer, payloads);
  writer.patch_u32(length_at, static_cast<uint32_t>(writer.size()));
  return std::move(writer).take();
}

Bytes protect(const Header& header, const Payloads& payloads, crypto::SkCipher& cipher, Random& random) {
  return seal(header, first_type(payloads), {}, inner_chain(payloads), cipher, random);
}

std::vector<Bytes> protect(const Header& header, const Payloads& payloads, crypto::SkCipher& cipher, Random& random,
                           size_t longest) {
  const Bytes inner = inner_chain(payloads);
  const ByteView whole(inner);
  std::vector<Bytes> datagrams;
  if (sealed_message_length({}, whole.size(), cipher) <= longest) {
    datagrams.push_back(seal(header, first_type(payloads), {}, whole, cipher, random));
    return datagrams;
  }
  const size_t piece = most_plaintext({1, 1}, longest, cipher);
  const size_t total = (whole.size() + piece - 1) / piece;
  for (size_t number = 1; number <= total; ++number) {
    const ByteView part =
        whole.subspan((number - 1) * piece).first(std::min(piece, whole.size() - (number - 1) * piece));
    datagrams.push_back(seal(header, number == 1 ? first_type(payloads) : PayloadType::none,
                             {static_cast<uint16_t>(number), static_cast<uint16_t>(total)}, part, cipher, random));
  }
  return datagrams;
}

std::optional<Padded> longest_padded(const crypto::SkCipher& cipher, size_t longest) {
  constexpr size_t notify_header_length = generic_header_length + 4;
  const size_t plaintext = most_plaintext({}, longest, cipher);
  if (plaintext < notify_header_length) return {};
  return Padded{sealed_message_length({}, plaintext, cipher), plaintext - notify_header_length};
}

}  // namespace sekisho::ike::wire
