#include "control/ike/v1/wire/sa_payload.h"

#include <algorithm>

namespace sekisho::ike::v1::wire {
namespace {

constexpr uint16_t format_in_place = 0x8000;  // the AF bit of section 3.3

std::unexpected<DecodeError> malformed(std::string_view reason) { return std::unexpected(DecodeError{reason}); }

// Proposals and transforms alike begin with what is next, a reserved byte and their length.
//  | next payload         | reserved | length                |
struct Substructure {
  bool more = false;
  ByteView body;
};
Decoded<Substructure> decode_substructure(ByteReader& reader, PayloadType kind) {
  const auto next = static_cast<PayloadType>(reader.u8());
  reader.skip(1);
  const uint16_t length = reader.u16();
  if (!reader.ok() || length < 8) return malformed("proposal or transform shorter than its header");
  if (next != PayloadType::none && next != kind) return malformed("something foreign among proposals or transforms");
  const ByteView body = reader.bytes(length - 4u);
  if (!reader.ok()) return malformed("proposal or transform truncated");
  return Substructure{next == kind, body};
}

//  | number    | id       | reserved                         |
//  | attributes ...                                          |
Decoded<Transform> decode_transform(ByteView body) {
  ByteReader reader(body);
  Transform transform;
  transform.number = reader.u8();
  transform.id = reader.u8();
  reader.skip(2);
  Decoded<std::vector<Attribute>> attributes = decode_attributes(reader.rest());
  if (!attributes) return std::unexpected(attributes.error());
  transform.attributes = std::move(*attributes);
  return transform;
}

//  | number    | protocol | SPI size | number of transforms  |
//  | SPI, transforms ...                                     |
Decoded<Proposal> decode_proposal(ByteView body) {
  ByteReader reader(body);
  Proposal proposal;
  proposal.number = reader.u8();
  proposal.protocol = static_cast<Protocol>(reader.u8());
  const uint8_t spi_size = reader.u8();
  const uint8_t count = reader.u8();
  const ByteView spi = reader.bytes(spi_size);
  if (!reader.ok()) return malformed("proposal truncated");
  if (spi_size > 16) return malformed("SPI too long");  // both cookies, at most
  if (count == 0 || count > max_transforms) return malformed("no transform, or too many");
  proposal.spi.assign(spi.begin(), spi.end());
  for (unsigned i = 0; i < count; ++i) {
    const auto part = decode_substructure(reader, PayloadType::transform);
    if (!part) return std::unexpected(part.error());
    if (part->more != (i + 1u < count)) return malformed("wrong number of transforms");
    Decoded<Transform> transform = decode_transform(part->body);
    if (!transform) return std::unexpected(transform.error());
    proposal.transforms.push_back(std::move(*transform));
  }
  if (!reader.finished()) return malformed("bytes behind the last transform");
  return proposal;
}

// The head of a substructure; its length is patched in by end_substructure().
size_t begin_substructure(ByteWriter& writer, PayloadType next) {
  const size_t start = writer.size();
  writer.u8(static_cast<uint8_t>(next));
  writer.zeros(3);
  return start;
}
void end_substructure(ByteWriter& writer, size_t start) {
  writer.patch_u16(start + 2, static_cast<uint16_t>(writer.size() - start));
}

void encode_transform(ByteWriter& writer, const Transform& transform, bool last) {
  const size_t start = begin_substructure(writer, last ? PayloadType::none : PayloadType::transform);
  writer.u8(transform.number);
  writer.u8(transform.id);
  writer.zeros(2);
  writer.bytes(encode_attributes(transform.attributes));
  end_substructure(writer, start);
}

void encode_proposal(ByteWriter& writer, const Proposal& proposal, bool last) {
  const size_t start = begin_substructure(writer, last ? PayloadType::none : PayloadType::proposal);
  writer.u8(proposal.number);
  writer.u8(static_cast<uint8_t>(proposal.protocol));
  writer.u8(static_cast<uint8_t>(proposal.spi.size()));
  writer.u8(static_cast<uint8_t>(proposal.transforms.size()));
  writer.bytes(proposal.spi);
  for (const Transform& transform : proposal.transforms)
    encode_transform(writer, transform, &transform == &proposal.transforms.back());
  end_substructure(writer, start);
}

}  // namespace

std::optional<uint64_t> Attribute::number() const {
  if (value.size() > 8) return {};
  uint64_t result = 0;
  for (const uint8_t byte : value) result = result << 8 | byte;
  return result;
}

Attribute Attribute::make(uint16_t type, uint64_t value) {
  ByteWriter writer;
  if (value <= 0xffff)
    writer.u16(static_cast<uint16_t>(value));
  else if (value <= 0xffffffff)
    writer.u32(static_cast<uint32_t>(value));
  else
    writer.u64(value);
  return {type, std::move(writer).take(), value <= 0xffff};
}

Decoded<std::vector<Attribute>> decode_attributes(ByteView bytes) {
  ByteReader reader(bytes);
  std::vector<Attribute> attributes;
  while (reader.remaining() > 0) {
    if (attributes.size() == max_attributes) return malformed("too many attributes");
    const uint16_t type = reader.u16();
    const bool in_place = (type & format_in_place) != 0;
    const size_t length = in_place ? 2 : reader.u16();
    const ByteView value = reader.bytes(length);
    if (!reader.ok() || value.empty() || value.size() > max_attribute)
      return malformed("attribute truncated or too long");
    attributes.push_back({static_cast<uint16_t>(type & ~format_in_place), {value.begin(), value.end()}, in_place});
  }
  return attributes;
}

Bytes encode_attributes(const std::vector<Attribute>& attributes) {
  ByteWriter writer;
  for (const Attribute& attribute : attributes) {
    writer.u16(static_cast<uint16_t>(attribute.type | (attribute.in_place ? format_in_place : 0)));
    if (!attribute.in_place) writer.u16(static_cast<uint16_t>(attribute.value.size()));
    writer.bytes(attribute.value);
  }
  return std::move(writer).take();
}

Decoded<SecurityAssociation> decode_security_association(ByteView body) {
  ByteReader reader(body);
  SecurityAssociation payload;
  payload.body.assign(body.begin(), body.end());
  const uint32_t doi = reader.u32();
  const uint32_t situation = reader.u32();
  if (!reader.ok() || doi != doi_ipsec || situation != situation_identity_only)
    return malformed("SA payload of another DOI or situation");
  for (bool more = true; more;) {
    if (payload.proposals.size() == max_proposals) return malformed("too many proposals");
    const auto part = decode_substructure(reader, PayloadType::proposal);
    if (!part) return std::unexpected(part.error());
    Decoded<Proposal> proposal = decode_proposal(part->body);
    if (!proposal) return std::unexpected(proposal.error());
    payload.proposals.push_back(std::move(*proposal));
    more = part->more;
  }
  if (!reader.finished()) return malformed("bytes behind the last proposal");
  return payload;
}

void encode_security_association(ByteWriter& writer, const SecurityAssociation& payload) {
  writer.u32(doi_ipsec);
  writer.u32(situation_identity_only);
  for (const Proposal& proposal : payload.proposals)
    encode_proposal(writer, proposal, &proposal == &payload.proposals.back());
}

}  // namespace sekisho::ike::v1::wire
