// The numbers of IKEv1 by their IANA registries ("FROM RFC 2407 and RFC 2408: Magic Numbers for ISAKMP Protocol",
// "Internet Key Exchange (IKE) Attributes"). Each enum keeps whatever number was received, known or not; name() gives
// the RFC's abbreviation for logs, or the number.
#pragma once

#include <cstdint>
#include <string>

namespace sekisho::ike::v1::wire {

// RFC 2408 section 3.1, RFC 2409 section 5.
enum class ExchangeType : uint8_t {
  main_mode = 2,  // Identity Protection
  aggressive = 4,
  informational = 5,
  transaction = 6,  // XAUTH and mode config; not spoken
  quick_mode = 32,
};

// RFC 2408 section 3.1, RFC 3947 section 3.2 and 5.2; draft-ietf-ipsec-nat-t-ike-02 and -03 had private numbers.
enum class PayloadType : uint8_t {
  none = 0,
  security_association = 1,
  proposal = 2,
  transform = 3,
  key_exchange = 4,
  identification = 5,
  certificate = 6,
  certificate_request = 7,
  hash = 8,
  signature = 9,
  nonce = 10,
  notification = 11,
  delete_ = 12,
  vendor_id = 13,
  attributes = 14,
  nat_detection = 20,
  nat_original_address = 21,
  draft_nat_detection = 130,
  draft_nat_original_address = 131,
};

// RFC 2407 section 4.4.1.
enum class Protocol : uint8_t { none = 0, isakmp = 1, ah = 2, esp = 3, ipcomp = 4 };

// RFC 2407 section 4.6.2.1. Those of an identity have IKEv2's numbers (ike::Identity::Type).
enum class IdType : uint8_t {
  ipv4_address = 1,
  fqdn = 2,
  user_fqdn = 3,
  ipv4_subnet = 4,
  ipv6_address = 5,
  ipv6_subnet = 6,
  ipv4_range = 7,
  ipv6_range = 8,
  der_dn = 9,
  der_gn = 10,
  key_id = 11,
};

// RFC 2409 appendix A: the attributes of a phase 1 transform.
enum class IkeAttribute : uint16_t {
  encryption = 1,
  hash = 2,
  authentication = 3,
  group = 4,
  life_type = 11,
  life_duration = 12,
  prf = 13,
  key_length = 14,
};
enum class IkeEncryption : uint16_t { des3_cbc = 5, aes_cbc = 7 };
enum class IkeHash : uint16_t { sha1 = 2, sha2_256 = 4, sha2_384 = 5, sha2_512 = 6 };
enum class IkeAuthentication : uint16_t { pre_shared_key = 1, rsa_signature = 3 };
inline constexpr uint8_t transform_key_ike = 1;  // RFC 2407 section 4.4.2, the one transform of phase 1

// RFC 2407 section 4.5: the attributes of a phase 2 transform.
enum class IpsecAttribute : uint16_t {
  life_type = 1,
  life_duration = 2,
  group = 3,
  encapsulation_mode = 4,
  authentication = 5,
  key_length = 6,
  extended_sequence_numbers = 11,  // RFC 4304
};
enum class EspTransform : uint8_t { des3 = 3, aes_cbc = 12, aes_gcm_16 = 20 };
// RFC 3947 section 5.1; the draft's numbers are private ones.
enum class EncapsulationMode : uint16_t {
  tunnel = 1,
  udp_tunnel = 3,
  draft_udp_tunnel = 61443,
};
// RFC 2407 section 4.5, RFC 4868 section 4; AES_256_AUTH is HMAC-SHA2-256 with 128 bits as everybody speaks it.
enum class EspAuthentication : uint16_t { hmac_sha1 = 2, hmac_sha2_256 = 5, hmac_sha2_384 = 6, hmac_sha2_512 = 7 };

// Both phases alike.
enum class LifeType : uint16_t { seconds = 1, kilobytes = 2 };

inline constexpr uint8_t x509_signature = 4;  // the encoding of a certificate, RFC 2408 section 3.9

// RFC 2408 section 3.14.1 (below 16384: errors), RFC 2407 section 4.6.3, RFC 3706 section 5.3.
enum class NotifyType : uint16_t {
  invalid_payload_type = 1,
  doi_not_supported = 2,
  situation_not_supported = 3,
  invalid_cookie = 4,
  invalid_major_version = 5,
  invalid_minor_version = 6,
  invalid_exchange_type = 7,
  invalid_flags = 8,
  invalid_message_id = 9,
  invalid_protocol_id = 10,
  invalid_spi = 11,
  invalid_transform_id = 12,
  attributes_not_supported = 13,
  no_proposal_chosen = 14,
  bad_proposal_syntax = 15,
  payload_malformed = 16,
  invalid_key_information = 17,
  invalid_id_information = 18,
  invalid_cert_encoding = 19,
  invalid_certificate = 20,
  cert_type_unsupported = 21,
  invalid_cert_authority = 22,
  invalid_hash_information = 23,
  authentication_failed = 24,
  invalid_signature = 25,
  unsupported_exchange_type = 29,
  unequal_payload_lengths = 30,
  connected = 16384,
  responder_lifetime = 24576,
  replay_status = 24577,
  initial_contact = 24578,
  r_u_there = 36136,
  r_u_there_ack = 36137,
};
constexpr bool is_error(NotifyType type) { return static_cast<uint16_t>(type) < 16384; }

std::string name(ExchangeType type);  // "main mode"
std::string name(PayloadType type);   // "SA", "NAT-D"
std::string name(NotifyType type);    // "NO-PROPOSAL-CHOSEN"

}  // namespace sekisho::ike::v1::wire
