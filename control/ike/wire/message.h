// IKEv2 messages to bytes and back (RFC 7296 section 3).
//
//   decode_header()  the fixed header: enough to find the SA
//   decode()         header and clear payloads; an Encrypted payload (or fragment of one) stays closed
//   open()           what an Encrypted payload or a fragment holds, where its ICV is right
//   unprotect()      opens the Encrypted payload and decodes what is in it
//   encode(), protect(): the same way out
//
// Attack surface: every byte that goes into decode_header() and decode() is the network's, and so is what unprotect()
// yields until the peer is authenticated. Lengths, counts and nesting are checked against the bytes that are there, and
// against the limits below, before anything is stored; memory used is a small multiple of the datagram.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/random.h"
#include "control/ike/wire/payloads.h"
#include "crypto/ike/sk_cipher.h"

namespace sekisho::ike::wire {

inline constexpr size_t header_length = 28;
inline constexpr size_t max_message_length = 32768;  // a chain of certificates takes a quarter of that
inline constexpr size_t max_fragments = 64;          // of one message
inline constexpr size_t max_payloads = 64;           // in one chain
inline constexpr size_t max_proposals = 64;          // in one SA payload
inline constexpr size_t max_transforms = 64;         // in one proposal
inline constexpr size_t min_nonce_length = 16, max_nonce_length = 256;

// Section 3.1.
struct Header {
  uint64_t initiator_spi = 0;  // never 0
  uint64_t responder_spi = 0;
  ExchangeType exchange{};
  bool from_initiator = false;  // of the IKE SA, not of the exchange
  bool response = false;
  uint32_t message_id = 0;
};

struct Message {
  Header header;
  Payloads payloads;
};

struct DecodeError {
  // What to answer, where an answer is due: INVALID_SYNTAX or INVALID_MAJOR_VERSION.
  NotifyType notify = NotifyType::invalid_syntax;
  std::string_view reason;  // for the log; static text, none of the peer's bytes
};
template <typename T>
using Decoded = std::expected<T, DecodeError>;

// The header alone; the datagram must be as long as it says. INVALID_MAJOR_VERSION where the version is not 2.
Decoded<Header> decode_header(ByteView datagram);

// The whole message. Every payload must be well-formed and nothing may follow the last one.
Decoded<Message> decode(ByteView datagram);

// A chain of payloads that starts with `first`, as it stands in an Encrypted payload; Encrypted itself and fragments
// are refused.
Decoded<Payloads> decode_payloads(PayloadType first, ByteView bytes);

enum class UnprotectFailure : uint8_t { not_encrypted, not_authentic, malformed };
// The payloads within the Encrypted payload of `message`, which was decoded from `datagram`. With not_encrypted and
// not_authentic the message proves nothing and is to be dropped; with malformed the peer sent it so, protected:
// INVALID_SYNTAX (section 2.21.2).
std::expected<Payloads, UnprotectFailure> unprotect(const Message& message, ByteView datagram,
                                                    const crypto::SkCipher& cipher);

// The plaintext of an Encrypted payload, or of a fragment, that was decoded from `datagram`; nothing where the ICV is
// wrong.
std::optional<Bytes> open(const Encrypted& encrypted, ByteView datagram, const crypto::SkCipher& cipher);

// The payloads must be within what their length fields can say. Encrypted cannot be encoded this way; see protect().
Bytes encode(const Header& header, const Payloads& payloads);
inline Bytes encode(const Message& message) { return encode(message.header, message.payloads); }

// The payloads in an Encrypted payload, as a whole datagram. `cipher` is the sender's.
Bytes protect(const Header& header, const Payloads& payloads, crypto::SkCipher& cipher, Random& random);
// The same in as many fragments as it takes (RFC 7383), none longer than `longest` bytes; one whole datagram where that
// is enough. `longest` has room for the headers and some payload: at least 256.
std::vector<Bytes> protect(const Header& header, const Payloads& payloads, crypto::SkCipher& cipher, Random& random,
                           size_t longest);

// A message with nothing but one notify, without SPI, that is as long as it can be.
struct Padded {
  size_t length = 0;  // of the message
  size_t data = 0;    // of the notify
};
// Of no more than `longest` octets; nothing where even an empty notify makes a longer one.
std::optional<Padded> longest_padded(const crypto::SkCipher& cipher, size_t longest);

// "CREATE_CHILD_SA request 2 [ SA No TSi TSr N(REKEY_SA) ]", for logs.
std::string describe(const Header& header, const Payloads& payloads);

}  // namespace sekisho::ike::wire
