// The payloads of IKEv1 as typed values (RFC 2408 section 3, RFC 2407 section 4.6). All of them own their bytes. What
// a struct holds was checked for form by decode() and for nothing else: lengths agree, an address identity is as long
// as its type says, a nonce has 8 to 256 bytes.
#pragma once

#include <optional>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "control/ike/v1/wire/numbers.h"

namespace sekisho::ike::v1::wire {

// RFC 2408 section 3.3: two bytes in place (TV) or as many as it says (TLV). Kept whether known or not, since a
// transform is answered as it was offered.
struct Attribute {
  uint16_t type = 0;  // without the format bit
  Bytes value;        // one to 64 bytes
  bool in_place = true;

  // The value as a number; nothing where it has more than eight bytes.
  std::optional<uint64_t> number() const;
  // The shortest form: TV up to 65535, else TLV of four bytes, or of eight.
  static Attribute make(uint16_t type, uint64_t value);

  friend bool operator==(const Attribute&, const Attribute&) = default;
};

// Section 3.6. A transform is one combination; a proposal offers several in the order of preference.
struct Transform {
  uint8_t number = 1;
  uint8_t id = 0;
  std::vector<Attribute> attributes;

  friend bool operator==(const Transform&, const Transform&) = default;
};

// Section 3.5. Proposals of one number belong together (ESP and IPComp, say).
struct Proposal {
  uint8_t number = 1;
  Protocol protocol{};
  Bytes spi;
  std::vector<Transform> transforms;  // at least one

  friend bool operator==(const Proposal&, const Proposal&) = default;
};

// Section 3.4 with RFC 2407 section 4.6.1: the IPsec DOI, identity only; no other situation is decoded.
struct SecurityAssociation {
  static constexpr auto type = PayloadType::security_association;
  std::vector<Proposal> proposals;  // at least one
  Bytes body = {};                  // as received, for HASH_I and HASH_R; empty in what is to be sent
};

// RFC 2407 section 4.6.2.
struct Identification {
  static constexpr auto type = PayloadType::identification;
  IdType id_type{};
  uint8_t protocol = 0;
  uint16_t port = 0;
  Bytes data;

  // The payload without its generic header: IDii_b and IDir_b of RFC 2409 section 5.
  Bytes body() const;
  friend bool operator==(const Identification&, const Identification&) = default;
};

// Section 3.9 and 3.10.
struct Certificate {
  static constexpr auto type = PayloadType::certificate;
  uint8_t encoding = 0;
  Bytes data;
};
struct CertificateRequest {
  static constexpr auto type = PayloadType::certificate_request;
  uint8_t encoding = 0;
  Bytes authority;
};

struct Notification {
  static constexpr auto type = PayloadType::notification;
  Protocol protocol = Protocol::none;
  NotifyType notify{};
  Bytes spi;  // as it came: of no length in particular
  Bytes data;
};

struct Delete {
  static constexpr auto type = PayloadType::delete_;
  Protocol protocol{};
  std::vector<Bytes> spis;  // each of one length: 16 (both cookies) for ISAKMP, 4 for ESP and AH
};

// Payloads that are nothing but bytes.
template <PayloadType Type>
struct Blob {
  static constexpr auto type = Type;
  Bytes data;
};
using KeyExchange = Blob<PayloadType::key_exchange>;
using Hash = Blob<PayloadType::hash>;
using Signature = Blob<PayloadType::signature>;
using Nonce = Blob<PayloadType::nonce>;
using VendorId = Blob<PayloadType::vendor_id>;

// A NAT-D payload under either of its numbers (RFC 3947 section 3.2).
struct NatDetection {
  PayloadType type = PayloadType::nat_detection;
  Bytes hash;
};

// Carried as it is: NAT-OA (transport mode only), mode config, and whatever else there may be.
struct Opaque {
  PayloadType type{};
  Bytes body;
};

using Payload = std::variant<SecurityAssociation, KeyExchange, Identification, Certificate, CertificateRequest, Hash,
                             Signature, Nonce, Notification, Delete, VendorId, NatDetection, Opaque>;
using Payloads = std::vector<Payload>;

PayloadType type_of(const Payload& payload);

// The first payload of type T; nullptr where there is none.
template <typename T>
const T* find(const Payloads& payloads) {
  for (const Payload& payload : payloads)
    if (const T* found = std::get_if<T>(&payload)) return found;
  return nullptr;
}
template <typename T>
std::vector<const T*> all(const Payloads& payloads) {
  std::vector<const T*> result;
  for (const Payload& payload : payloads)
    if (const T* found = std::get_if<T>(&payload)) result.push_back(found);
  return result;
}
const Notification* find_notify(const Payloads& payloads, NotifyType type);

}  // namespace sekisho::ike::v1::wire
