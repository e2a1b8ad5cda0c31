// The payloads of IKEv2 as typed values (RFC 7296 section 3.3 to 3.16). All of them own their bytes, so a message may
// outlive the datagram it came in. What a struct holds was checked for form by decode() and for nothing else: lengths
// agree, SPIs have their protocol's size, a nonce its 16 to 256 bytes; whether a value makes sense is the engine's to
// say.
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/traffic_selector.h"
#include "control/ike/connection.h"
#include "control/ike/wire/numbers.h"

namespace sekisho::ike::wire {

// Section 3.3.2. Key Length (section 3.3.5) is the only attribute there is; a transform with any other must not be
// chosen (section 3.3.6).
struct Transform {
  TransformType type{};
  uint16_t id = 0;
  std::optional<uint16_t> key_bits;
  bool unknown_attribute = false;

  friend bool operator==(const Transform&, const Transform&) = default;
};

struct Proposal {
  uint8_t number = 1;
  Protocol protocol{};
  Bytes spi;  // IKE: empty, or 8 bytes when rekeying; ESP and AH: 4 bytes
  std::vector<Transform> transforms;

  friend bool operator==(const Proposal&, const Proposal&) = default;
};

struct SecurityAssociation {
  static constexpr auto type = PayloadType::security_association;
  std::vector<Proposal> proposals;  // at least one
};

struct KeyExchange {
  static constexpr auto type = PayloadType::key_exchange;
  crypto::KeyExchangeId group{};  // any number, as received
  Bytes value;
};

// Section 3.5. The type of an identity is any number, as received.
template <PayloadType Type>
struct Identification {
  static constexpr auto type = Type;
  Identity identity;
  std::array<uint8_t, 3> reserved{};  // sent as zero; AUTH covers what was received (section 2.15)

  // The payload without its generic header, "RestOfInitIDPayload" of section 2.15.
  Bytes body() const {
    ByteWriter body;
    body.u8(static_cast<uint8_t>(identity.type));
    body.bytes(reserved);
    body.bytes(as_bytes(identity.value));
    return std::move(body).take();
  }
};
using IdInitiator = Identification<PayloadType::id_initiator>;
using IdResponder = Identification<PayloadType::id_responder>;

struct Authentication {
  static constexpr auto type = PayloadType::authentication;
  AuthMethod method{};
  Bytes data;
};

struct Nonce {
  static constexpr auto type = PayloadType::nonce;
  Bytes value;  // 16 to 256 bytes
};

struct Notify {
  static constexpr auto type = PayloadType::notify;
  NotifyType notify{};
  Protocol protocol = Protocol::none;  // of the SA that is meant
  Bytes spi;                           // empty, or of that protocol's size
  Bytes data;
};

struct Delete {
  static constexpr auto type = PayloadType::delete_;
  Protocol protocol{};
  std::vector<uint32_t> spis;  // of the sender's inbound SAs; empty with Protocol::ike, which means this IKE SA
};

struct VendorId {
  static constexpr auto type = PayloadType::vendor_id;
  Bytes data;
};

// Section 3.13. Selectors of a type that is not an address range were left out; the list may be empty for that reason.
// OPAQUE ports (65535 to 0) stay as they are and intersect with nothing.
template <PayloadType Type>
struct TrafficSelectors {
  static constexpr auto type = Type;
  std::vector<TrafficSelector> selectors;
};
using TrafficSelectorsInitiator = TrafficSelectors<PayloadType::traffic_selectors_initiator>;
using TrafficSelectorsResponder = TrafficSelectors<PayloadType::traffic_selectors_responder>;

// Section 3.14. Always the last payload of a message; unprotect() opens it.
struct Encrypted {
  static constexpr auto type = PayloadType::encrypted;
  PayloadType first = PayloadType::none;  // of the payloads within
  size_t header_length = 0;               // bytes of the datagram before the body, all covered by the ICV
  Bytes body;                             // IV, ciphertext, ICV
};

// RFC 7383 section 2.5: a piece of what an Encrypted payload would hold. Always the last payload of a message.
struct EncryptedFragment {
  static constexpr auto type = PayloadType::encrypted_fragment;
  uint16_t number = 1, total = 1;  // 1 <= number <= total
  Encrypted sealed;                // `first`: in the first fragment only, else none
};

// A payload that RFC 7296 defines and that is carried as it is: CERT, CERTREQ, CP, EAP.
struct Opaque {
  PayloadType type{};
  Bytes body;
};

// A payload of a type that RFC 7296 does not know. Critical: the message must be refused (section 2.5).
struct Unknown {
  PayloadType type{};
  bool critical = false;
  Bytes body;
};

using Payload = std::variant<SecurityAssociation, KeyExchange, IdInitiator, IdResponder, Authentication, Nonce, Notify,
                             Delete, VendorId, TrafficSelectorsInitiator, TrafficSelectorsResponder, Encrypted,
                             EncryptedFragment, Opaque, Unknown>;
using Payloads = std::vector<Payload>;

PayloadType type_of(const Payload& payload);

// The first payload of type T; nullptr where there is none. decode() admits one of each but Notify, Delete, VendorId,
// Opaque and Unknown.
template <typename T>
const T* find(const Payloads& payloads) {
  for (const Payload& payload : payloads)
    if (const T* found = std::get_if<T>(&payload)) return found;
  return nullptr;
}
const Notify* find_notify(const Payloads& payloads, NotifyType type);
// Of the critical payloads that are not understood the first; nullptr where there is none.
const Unknown* find_unsupported(const Payloads& payloads);

}  // namespace sekisho::ike::wire
