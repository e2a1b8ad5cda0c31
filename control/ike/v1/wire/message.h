// ISAKMP messages to bytes and back (RFC 2408 section 3). Encryption is the caller's: of a message under the E flag
// only the header is clear, and the chain of payloads comes out of decode_payloads() once the rest is decrypted.
//
// Attack surface: every byte that goes in is the network's; what a wrong key decrypts to is noise. Lengths, counts and
// nesting are checked against the bytes that are there, and against the limits below, before anything is stored; memory
// used is a small multiple of the datagram.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "control/ike/v1/wire/payloads.h"

namespace sekisho::ike::v1::wire {

inline constexpr size_t header_length = 28;
inline constexpr size_t max_message_length = 16384;
inline constexpr size_t max_payloads = 64;                             // in one chain
inline constexpr size_t max_proposals = 64;                            // in one SA payload
inline constexpr size_t max_transforms = 64;                           // in one proposal
inline constexpr size_t max_attributes = 32;                           // in one transform
inline constexpr size_t max_attribute = 64;                            // bytes of one value
inline constexpr size_t max_deleted_spis = 64;                         // in one delete payload
inline constexpr size_t min_nonce_length = 8, max_nonce_length = 256;  // RFC 2409 section 5

// Section 3.1.
struct Header {
  uint64_t initiator_cookie = 0;  // never 0
  uint64_t responder_cookie = 0;
  PayloadType first = PayloadType::none;
  ExchangeType exchange{};
  bool encrypted = false;
  bool commit = false;  // asks for a CONNECTED notification; ignored
  uint32_t message_id = 0;
};

struct Message {
  Header header;
  Payloads payloads;
};

struct DecodeError {
  std::string_view reason;  // for the log; static text, none of the peer's bytes
};
template <typename T>
using Decoded = std::expected<T, DecodeError>;

// The header alone; the datagram must be as long as it says, and of major version 1.
Decoded<Header> decode_header(ByteView datagram);

// A message in clear. Nothing may follow the last payload.
Decoded<Message> decode(ByteView datagram);

// The payloads of a decrypted message. Behind the last one stands padding (RFC 2409 appendix B).
struct Chain {
  Payloads payloads;
  size_t length = 0;        // of all payloads, padding left out
  size_t behind_first = 0;  // where the second payload begins: what HASH(1) covers
};
Decoded<Chain> decode_payloads(PayloadType first, ByteView plaintext);

// The payloads must be within what their length fields can say.
Bytes encode(Header header, const Payloads& payloads);
Bytes encode_payloads(const Payloads& payloads);
PayloadType first_type(const Payloads& payloads);
// The header, and behind it the encrypted chain, whose first payload is of type header.first.
Bytes encode_encrypted(Header header, ByteView ciphertext);
// The SA payload's body, SAi_b of RFC 2409 section 5.
Bytes encode_body(const SecurityAssociation& payload);

// Attributes alone, as a RESPONDER-LIFETIME notification has them for its data.
Decoded<std::vector<Attribute>> decode_attributes(ByteView bytes);
Bytes encode_attributes(const std::vector<Attribute>& attributes);

// "quick mode 1a2b3c4d [ HASH SA NONCE ID ID N(INITIAL-CONTACT) ]", for logs.
std::string describe(const Header& header, const Payloads& payloads);

}  // namespace sekisho::ike::v1::wire
