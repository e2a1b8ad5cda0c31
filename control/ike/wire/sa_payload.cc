#include "control/ike/wire/sa_payload.h"

namespace sekisho::ike::wire {
namespace {

// First octet of a proposal or transform: is another of its kind behind it? (Sections 3.3.1 and 3.3.2.)
constexpr uint8_t last_substructure = 0, more_proposals = 2, more_transforms = 3;

// Section 3.3.5: the top bit marks an attribute with a two-byte value in place of a length.
constexpr uint16_t attribute_fixed = 0x8000, attribute_key_length = 14;

std::unexpected<DecodeError> malformed(std::string_view reason) {
  return std::unexpected(DecodeError{NotifyType::invalid_syntax, reason});
}

void decode_attribute(ByteReader& reader, Transform& transform) {
  const uint16_t type = reader.u16();
  const uint16_t value_or_length = reader.u16();
  if ((type & attribute_fixed) == 0) {
    reader.skip(value_or_length);
    transform.unknown_attribute = true;
  } else if ((type & ~attribute_fixed) == attribute_key_length && !transform.key_bits) {
    transform.key_bits = value_or_length;
  } else {
    transform.unknown_attribute = true;
  }
}

//  | last (0) or more (3) | reserved | length                |
//  | type                 | reserved | id                    |
//  | attributes ...                                          |
Decoded<Transform> decode_transform(ByteReader& reader, bool last) {
  const uint8_t more = reader.u8();
  reader.skip(1);
  const uint16_t length = reader.u16();
  if (!reader.ok() || length < 8) return malformed("transform shorter than its header");
  if (more != (last ? last_substructure : more_transforms)) return malformed("wrong number of transforms");
  ByteReader body(reader.bytes(length - 4u));
  Transform transform;
  transform.type = static_cast<TransformType>(body.u8());
  body.skip(1);
  transform.id = body.u16();
  while (body.ok() && body.remaining() > 0) decode_attribute(body, transform);
  if (!reader.ok() || !body.finished()) return malformed("transform truncated");
  return transform;
}

//  | last (0) or more (2) | reserved | length                |
//  | number | protocol    | SPI size | number of transforms  |
//  | SPI, transforms ...                                     |
Decoded<Proposal> decode_proposal(ByteReader& reader) {
  const uint8_t more = reader.u8();
  reader.skip(1);
  const uint16_t length = reader.u16();
  if (!reader.ok() || length < 8) return malformed("proposal shorter than its header");
  ByteReader body(reader.bytes(length - 4u));
  if (!reader.ok()) return malformed("proposal truncated");
  const bool last = reader.remaining() == 0;
  if (more != (last ? last_substructure : more_proposals)) return malformed("wrong end of the proposals");

  Proposal proposal;
  proposal.number = body.u8();
  proposal.protocol = static_cast<Protocol>(body.u8());
  const uint8_t spi_size = body.u8();
  const uint8_t count = body.u8();
  const ByteView spi = body.bytes(spi_size);
  if (!body.ok()) return malformed("proposal truncated");
  if (!valid_spi_size(proposal.protocol, spi_size)) return malformed("SPI size does not fit the protocol");
  if (count > max_transforms) return malformed("too many transforms");
  proposal.spi.assign(spi.begin(), spi.end());
  for (unsigned i = 0; i < count; ++i) {
    Decoded<Transform> transform = decode_transform(body, i + 1u == count);
    if (!transform) return std::unexpected(transform.error());
    proposal.transforms.push_back(*transform);
  }
  if (!body.finished()) return malformed("bytes behind the last transform");
  return proposal;
}

void encode_transform(ByteWriter& writer, const Transform& transform, bool last) {
  writer.u8(last ? last_substructure : more_transforms);
  writer.u8(0);
  writer.u16(transform.key_bits ? 12 : 8);
  writer.u8(static_cast<uint8_t>(transform.type));
  writer.u8(0);
  writer.u16(transform.id);
  if (transform.key_bits) {
    writer.u16(attribute_fixed | attribute_key_length);
    writer.u16(*transform.key_bits);
  }
}

void encode_proposal(ByteWriter& writer, const Proposal& proposal, bool last) {
  const size_t start = writer.size();
  writer.u8(last ? last_substructure : more_proposals);
  writer.u8(0);
  writer.u16(0);
  writer.u8(proposal.number);
  writer.u8(static_cast<uint8_t>(proposal.protocol));
  writer.u8(static_cast<uint8_t>(proposal.spi.size()));
  writer.u8(static_cast<uint8_t>(proposal.transforms.size()));
  writer.bytes(proposal.spi);
  for (const Transform& transform : proposal.transforms)
    encode_transform(writer, transform, &transform == &proposal.transforms.back());
  writer.patch_u16(start + 2, static_cast<uint16_t>(writer.size() - start));
}

}  // namespace

bool valid_spi_size(Protocol protocol, size_t size) {
  switch (protocol) {
    case Protocol::none:
      return size == 0;
    case Protocol::ike:
      return size == 0 || size == 8;
    case Protocol::ah:
    case Protocol::esp:
      return size == 4;
  }
  return true;  // a protocol that is not spoken here; whoever uses the payload skips it
}

Decoded<SecurityAssociation> decode_security_association(ByteView body) {
  SecurityAssociation payload;
  ByteReader reader(body);
  do {
    if (payload.proposals.size() == max_proposals) return malformed("too many proposals");
    Decoded<Proposal> proposal = decode_proposal(reader);
    if (!proposal) return std::unexpected(proposal.error());
    payload.proposals.push_back(std::move(*proposal));
  } while (reader.remaining() > 0);
  return payload;
}

void encode_security_association(ByteWriter& writer, const SecurityAssociation& payload) {
  for (const Proposal& proposal : payload.proposals)
    encode_proposal(writer, proposal, &proposal == &payload.proposals.back());
}

}  // namespace sekisho::ike::wire
