// The numbers of IKEv2 by their IANA registries ("Internet Key Exchange Version 2 (IKEv2) Parameters"). Each enum keeps
// whatever number was received, known or not; name() gives the RFC's abbreviation for logs, or the number.
#pragma once

#include <cstdint>
#include <string>

namespace sekisho::ike::wire {

// RFC 7296 section 3.1.
enum class ExchangeType : uint8_t { ike_sa_init = 34, ike_auth = 35, create_child_sa = 36, informational = 37 };

// RFC 7296 section 3.2. Types 33 to 48 are the ones that every implementation must understand.
enum class PayloadType : uint8_t {
  none = 0,
  security_association = 33,
  key_exchange = 34,
  id_initiator = 35,
  id_responder = 36,
  certificate = 37,
  certificate_request = 38,
  authentication = 39,
  nonce = 40,
  notify = 41,
  delete_ = 42,
  vendor_id = 43,
  traffic_selectors_initiator = 44,
  traffic_selectors_responder = 45,
  encrypted = 46,
  configuration = 47,
  extensible_authentication = 48,
  encrypted_fragment = 53,  // RFC 7383
};

// RFC 7296 section 3.3.1.
enum class Protocol : uint8_t { none = 0, ike = 1, ah = 2, esp = 3 };

// RFC 7296 section 3.3.2. The ids within each type are in crypto/ike/algorithms.h.
enum class TransformType : uint8_t { encryption = 1, prf = 2, integrity = 3, key_exchange = 4, esn = 5 };

// RFC 7296 section 3.8.
enum class AuthMethod : uint8_t {
  rsa_signature = 1,
  shared_key = 2,
  dss_signature = 3,
  ecdsa_sha256_p256 = 9,  // 9 to 11: RFC 4754
  ecdsa_sha384_p384 = 10,
  ecdsa_sha512_p521 = 11,
  null = 13,              // RFC 7619
  digital_signature = 14  // RFC 7427
};

// RFC 7296 section 3.6.
enum class CertificateEncoding : uint8_t { x509_signature = 4, hash_and_url = 12 };

// RFC 7296 section 3.10.1; below 16384: errors.
enum class NotifyType : uint16_t {
  unsupported_critical_payload = 1,
  invalid_ike_spi = 4,
  invalid_major_version = 5,
  invalid_syntax = 7,
  invalid_message_id = 9,
  invalid_spi = 11,
  no_proposal_chosen = 14,
  invalid_ke_payload = 17,
  authentication_failed = 24,
  single_pair_required = 34,
  no_additional_sas = 35,
  internal_address_failure = 36,
  failed_cp_required = 37,
  ts_unacceptable = 38,
  invalid_selectors = 39,
  unacceptable_addresses = 40,
  unexpected_nat_detected = 41,
  use_assigned_hoa = 42,
  temporary_failure = 43,
  child_sa_not_found = 44,
  invalid_group_id = 45,
  authorization_failed = 46,
  state_not_found = 47,
  ts_max_queue = 48,
  initial_contact = 16384,
  set_window_size = 16385,
  additional_ts_possible = 16386,
  ipcomp_supported = 16387,
  nat_detection_source_ip = 16388,
  nat_detection_destination_ip = 16389,
  cookie = 16390,
  use_transport_mode = 16391,
  http_cert_lookup_supported = 16392,
  rekey_sa = 16393,
  esp_tfc_padding_not_supported = 16394,
  non_first_fragments_also = 16395,
  mobike_supported = 16396,
  additional_ip4_address = 16397,
  additional_ip6_address = 16398,
  no_additional_addresses = 16399,
  update_sa_addresses = 16400,
  cookie2 = 16401,
  no_nats_allowed = 16402,
  auth_lifetime = 16403,
  multiple_auth_supported = 16404,
  another_auth_follows = 16405,
  redirect_supported = 16406,
  redirect = 16407,
  redirected_from = 16408,
  ticket_lt_opaque = 16409,
  ticket_request = 16410,
  ticket_ack = 16411,
  ticket_nack = 16412,
  ticket_opaque = 16413,
  link_id = 16414,
  use_wesp_mode = 16415,
  rohc_supported = 16416,
  eap_only_authentication = 16417,
  childless_ikev2_supported = 16418,
  quick_crash_detection = 16419,
  message_id_sync_supported = 16420,
  replay_counter_sync_supported = 16421,
  message_id_sync = 16422,
  replay_counter_sync = 16423,
  secure_password_methods = 16424,
  psk_persist = 16425,
  psk_confirm = 16426,
  erx_supported = 16427,
  ifom_capability = 16428,
  sender_request_id = 16429,
  fragmentation_supported = 16430,
  signature_hash_algorithms = 16431,
  clone_ike_sa_supported = 16432,
  clone_ike_sa = 16433,
  puzzle = 16434,
  use_ppk = 16435,
  ppk_identity = 16436,
  no_ppk_auth = 16437,
  intermediate_exchange_supported = 16438,
  ip4_allowed = 16439,
  ip6_allowed = 16440,
  additional_key_exchange = 16441,
  use_aggfrag = 16442,
  supported_auth_methods = 16443,
  sa_resource_info = 16444,
  path_mtu_probe = 58899,  // private use, and ours: fills a message up to the size that a path is asked for
};
constexpr bool is_error(NotifyType type) { return static_cast<uint16_t>(type) < 16384; }

std::string name(ExchangeType type);   // "IKE_SA_INIT"
std::string name(PayloadType type);    // "SA", "IDi"
std::string name(Protocol protocol);   // "ESP"
std::string name(TransformType type);  // "ENCR"
std::string name(AuthMethod method);   // "PSK"
std::string name(NotifyType type);     // "NO_PROPOSAL_CHOSEN"

}  // namespace sekisho::ike::wire
