#include <algorithm>
#include <span>
#include <string_view>

#include "control/ike/wire/message.h"

namespace sekisho::ike::wire {
namespace {

template <typename Number>
struct Named {
  Number number;
  std::string_view name;
};

// The name, or "KIND-123" where there is none.
template <typename Number, size_t Count>
std::string look_up(const Named<Number> (&names)[Count], Number number, std::string_view kind) {
  for (const Named<Number>& entry : names)
    if (entry.number == number) return std::string(entry.name);
  return std::string(kind) + "-" + std::to_string(static_cast<unsigned>(number));
}

constexpr Named<ExchangeType> exchange_types[] = {
    {ExchangeType::ike_sa_init, "IKE_SA_INIT"},
    {ExchangeType::ike_auth, "IKE_AUTH"},
    {ExchangeType::create_child_sa, "CREATE_CHILD_SA"},
    {ExchangeType::informational, "INFORMATIONAL"},
};

constexpr Named<PayloadType> payload_types[] = {
    {PayloadType::none, "none"},
    {PayloadType::security_association, "SA"},
    {PayloadType::key_exchange, "KE"},
    {PayloadType::id_initiator, "IDi"},
    {PayloadType::id_responder, "IDr"},
    {PayloadType::certificate, "CERT"},
    {PayloadType::certificate_request, "CERTREQ"},
    {PayloadType::authentication, "AUTH"},
    {PayloadType::nonce, "No"},
    {PayloadType::notify, "N"},
    {PayloadType::delete_, "D"},
    {PayloadType::vendor_id, "V"},
    {PayloadType::traffic_selectors_initiator, "TSi"},
    {PayloadType::traffic_selectors_responder, "TSr"},
    {PayloadType::encrypted, "SK"},
    {PayloadType::configuration, "CP"},
    {PayloadType::extensible_authentication, "EAP"},
    {PayloadType::encrypted_fragment, "SKF"},
};

constexpr Named<Protocol> protocols[] = {
    {Protocol::none, "none"}, {Protocol::ike, "IKE"}, {Protocol::ah, "AH"}, {Protocol::esp, "ESP"}};

constexpr Named<TransformType> transform_types[] = {
    {TransformType::encryption, "ENCR"}, {TransformType::prf, "PRF"}, {TransformType::integrity, "INTEG"},
    {TransformType::key_exchange, "KE"}, {TransformType::esn, "ESN"},
};

constexpr Named<AuthMethod> auth_methods[] = {
    {AuthMethod::rsa_signature, "RSA"},
    {AuthMethod::shared_key, "PSK"},
    {AuthMethod::dss_signature, "DSS"},
    {AuthMethod::ecdsa_sha256_p256, "ECDSA_256"},
    {AuthMethod::ecdsa_sha384_p384, "ECDSA_384"},
    {AuthMethod::ecdsa_sha512_p521, "ECDSA_521"},
    {AuthMethod::null, "NULL"},
    {AuthMethod::digital_signature, "SIGNATURE"},
};

constexpr Named<NotifyType> notify_types[] = {
    {NotifyType::unsupported_critical_payload, "UNSUPPORTED_CRITICAL_PAYLOAD"},
    {NotifyType::invalid_ike_spi, "INVALID_IKE_SPI"},
    {NotifyType::invalid_major_version, "INVALID_MAJOR_VERSION"},
    {NotifyType::invalid_syntax, "INVALID_SYNTAX"},
    {NotifyType::invalid_message_id, "INVALID_MESSAGE_ID"},
    {NotifyType::invalid_spi, "INVALID_SPI"},
    {NotifyType::no_proposal_chosen, "NO_PROPOSAL_CHOSEN"},
    {NotifyType::invalid_ke_payload, "INVALID_KE_PAYLOAD"},
    {NotifyType::authentication_failed, "AUTHENTICATION_FAILED"},
    {NotifyType::single_pair_required, "SINGLE_PAIR_REQUIRED"},
    {NotifyType::no_additional_sas, "NO_ADDITIONAL_SAS"},
    {NotifyType::internal_address_failure, "INTERNAL_ADDRESS_FAILURE"},
    {NotifyType::failed_cp_required, "FAILED_CP_REQUIRED"},
    {NotifyType::ts_unacceptable, "TS_UNACCEPTABLE"},
    {NotifyType::invalid_selectors, "INVALID_SELECTORS"},
    {NotifyType::unacceptable_addresses, "UNACCEPTABLE_ADDRESSES"},
    {NotifyType::unexpected_nat_detected, "UNEXPECTED_NAT_DETECTED"},
    {NotifyType::use_assigned_hoa, "USE_ASSIGNED_HoA"},
    {NotifyType::temporary_failure, "TEMPORARY_FAILURE"},
    {NotifyType::child_sa_not_found, "CHILD_SA_NOT_FOUND"},
    {NotifyType::invalid_group_id, "INVALID_GROUP_ID"},
    {NotifyType::authorization_failed, "AUTHORIZATION_FAILED"},
    {NotifyType::state_not_found, "STATE_NOT_FOUND"},
    {NotifyType::ts_max_queue, "TS_MAX_QUEUE"},
    {NotifyType::initial_contact, "INITIAL_CONTACT"},
    {NotifyType::set_window_size, "SET_WINDOW_SIZE"},
    {NotifyType::additional_ts_possible, "ADDITIONAL_TS_POSSIBLE"},
    {NotifyType::ipcomp_supported, "IPCOMP_SUPPORTED"},
    {NotifyType::nat_detection_source_ip, "NAT_DETECTION_SOURCE_IP"},
    {NotifyType::nat_detection_destination_ip, "NAT_DETECTION_DESTINATION_IP"},
    {NotifyType::cookie, "COOKIE"},
    {NotifyType::use_transport_mode, "USE_TRANSPORT_MODE"},
    {NotifyType::http_cert_lookup_supported, "HTTP_CERT_LOOKUP_SUPPORTED"},
    {NotifyType::rekey_sa, "REKEY_SA"},
    {NotifyType::esp_tfc_padding_not_supported, "ESP_TFC_PADDING_NOT_SUPPORTED"},
    {NotifyType::non_first_fragments_also, "NON_FIRST_FRAGMENTS_ALSO"},
    {NotifyType::mobike_supported, "MOBIKE_SUPPORTED"},
    {NotifyType::additional_ip4_address, "ADDITIONAL_IP4_ADDRESS"},
    {NotifyType::additional_ip6_address, "ADDITIONAL_IP6_ADDRESS"},
    {NotifyType::no_additional_addresses, "NO_ADDITIONAL_ADDRESSES"},
    {NotifyType::update_sa_addresses, "UPDATE_SA_ADDRESSES"},
    {NotifyType::cookie2, "COOKIE2"},
    {NotifyType::no_nats_allowed, "NO_NATS_ALLOWED"},
    {NotifyType::auth_lifetime, "AUTH_LIFETIME"},
    {NotifyType::multiple_auth_supported, "MULTIPLE_AUTH_SUPPORTED"},
    {NotifyType::another_auth_follows, "ANOTHER_AUTH_FOLLOWS"},
    {NotifyType::redirect_supported, "REDIRECT_SUPPORTED"},
    {NotifyType::redirect, "REDIRECT"},
    {NotifyType::redirected_from, "REDIRECTED_FROM"},
    {NotifyType::ticket_lt_opaque, "TICKET_LT_OPAQUE"},
    {NotifyType::ticket_request, "TICKET_REQUEST"},
    {NotifyType::ticket_ack, "TICKET_ACK"},
    {NotifyType::ticket_nack, "TICKET_NACK"},
    {NotifyType::ticket_opaque, "TICKET_OPAQUE"},
    {NotifyType::link_id, "LINK_ID"},
    {NotifyType::use_wesp_mode, "USE_WESP_MODE"},
    {NotifyType::rohc_supported, "ROHC_SUPPORTED"},
    {NotifyType::eap_only_authentication, "EAP_ONLY_AUTHENTICATION"},
    {NotifyType::childless_ikev2_supported, "CHILDLESS_IKEV2_SUPPORTED"},
    {NotifyType::quick_crash_detection, "QUICK_CRASH_DETECTION"},
    {NotifyType::message_id_sync_supported, "IKEV2_MESSAGE_ID_SYNC_SUPPORTED"},
    {NotifyType::replay_counter_sync_supported, "IPSEC_REPLAY_COUNTER_SYNC_SUPPORTED"},
    {NotifyType::message_id_sync, "IKEV2_MESSAGE_ID_SYNC"},
    {NotifyType::replay_counter_sync, "IPSEC_REPLAY_COUNTER_SYNC"},
    {NotifyType::secure_password_methods, "SECURE_PASSWORD_METHODS"},
    {NotifyType::psk_persist, "PSK_PERSIST"},
    {NotifyType::psk_confirm, "PSK_CONFIRM"},
    {NotifyType::erx_supported, "ERX_SUPPORTED"},
    {NotifyType::ifom_capability, "IFOM_CAPABILITY"},
    {NotifyType::sender_request_id, "SENDER_REQUEST_ID"},
    {NotifyType::fragmentation_supported, "IKEV2_FRAGMENTATION_SUPPORTED"},
    {NotifyType::signature_hash_algorithms, "SIGNATURE_HASH_ALGORITHMS"},
    {NotifyType::clone_ike_sa_supported, "CLONE_IKE_SA_SUPPORTED"},
    {NotifyType::clone_ike_sa, "CLONE_IKE_SA"},
    {NotifyType::puzzle, "PUZZLE"},
    {NotifyType::use_ppk, "USE_PPK"},
    {NotifyType::ppk_identity, "PPK_IDENTITY"},
    {NotifyType::no_ppk_auth, "NO_PPK_AUTH"},
    {NotifyType::intermediate_exchange_supported, "INTERMEDIATE_EXCHANGE_SUPPORTED"},
    {NotifyType::ip4_allowed, "IP4_ALLOWED"},
    {NotifyType::ip6_allowed, "IP6_ALLOWED"},
    {NotifyType::additional_key_exchange, "ADDITIONAL_KEY_EXCHANGE"},
    {NotifyType::use_aggfrag, "USE_AGGFRAG"},
    {NotifyType::supported_auth_methods, "SUPPORTED_AUTH_METHODS"},
    {NotifyType::sa_resource_info, "SA_RESOURCE_INFO"},
    {NotifyType::path_mtu_probe, "PATH_MTU_PROBE"},
};

}  // namespace

std::string name(ExchangeType type) { return look_up(exchange_types, type, "EXCHANGE"); }
std::string name(PayloadType type) { return look_up(payload_types, type, "PAYLOAD"); }
std::string name(Protocol protocol) { return look_up(protocols, protocol, "PROTOCOL"); }
std::string name(TransformType type) { return look_up(transform_types, type, "TRANSFORM"); }
std::string name(AuthMethod method) { return look_up(auth_methods, method, "AUTH"); }
std::string name(NotifyType type) { return look_up(notify_types, type, "NOTIFY"); }

PayloadType type_of(const Payload& payload) {
  return std::visit([](const auto& value) -> PayloadType { return value.type; }, payload);
}

const Notify* find_notify(const Payloads& payloads, NotifyType type) {
  for (const Payload& payload : payloads)
    if (const auto* notify = std::get_if<Notify>(&payload); notify != nullptr && notify->notify == type) return notify;
  return nullptr;
}

const Unknown* find_unsupported(const Payloads& payloads) {
  for (const Payload& payload : payloads)
    if (const auto* unknown = std::get_if<Unknown>(&payload); unknown != nullptr && unknown->critical) return unknown;
  return nullptr;
}

std::string describe(const Header& header, const Payloads& payloads) {
  std::string text = name(header.exchange) + (header.response ? " response " : " request ");
  text += std::to_string(header.message_id) + " [";
  for (const Payload& payload : payloads) {
    text += " " + name(type_of(payload));
    if (const auto* notify = std::get_if<Notify>(&payload)) text += "(" + name(notify->notify) + ")";
  }
  return text + " ]";
}

}  // namespace sekisho::ike::wire
