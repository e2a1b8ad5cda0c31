#include <fmt/format.h>

#include <string_view>

#include "control/ike/v1/wire/message.h"

namespace sekisho::ike::v1::wire {
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
    {ExchangeType::main_mode, "main mode"},         {ExchangeType::aggressive, "aggressive mode"},
    {ExchangeType::informational, "informational"}, {ExchangeType::transaction, "transaction"},
    {ExchangeType::quick_mode, "quick mode"},
};

constexpr Named<PayloadType> payload_types[] = {
    {PayloadType::none, "none"},
    {PayloadType::security_association, "SA"},
    {PayloadType::key_exchange, "KE"},
    {PayloadType::identification, "ID"},
    {PayloadType::certificate, "CERT"},
    {PayloadType::certificate_request, "CR"},
    {PayloadType::hash, "HASH"},
    {PayloadType::signature, "SIG"},
    {PayloadType::nonce, "NONCE"},
    {PayloadType::notification, "N"},
    {PayloadType::delete_, "D"},
    {PayloadType::vendor_id, "VID"},
    {PayloadType::attributes, "ATTR"},
    {PayloadType::nat_detection, "NAT-D"},
    {PayloadType::nat_original_address, "NAT-OA"},
    {PayloadType::draft_nat_detection, "NAT-D"},
    {PayloadType::draft_nat_original_address, "NAT-OA"},
};

constexpr Named<NotifyType> notify_types[] = {
    {NotifyType::invalid_payload_type, "INVALID-PAYLOAD-TYPE"},
    {NotifyType::doi_not_supported, "DOI-NOT-SUPPORTED"},
    {NotifyType::situation_not_supported, "SITUATION-NOT-SUPPORTED"},
    {NotifyType::invalid_cookie, "INVALID-COOKIE"},
    {NotifyType::invalid_major_version, "INVALID-MAJOR-VERSION"},
    {NotifyType::invalid_minor_version, "INVALID-MINOR-VERSION"},
    {NotifyType::invalid_exchange_type, "INVALID-EXCHANGE-TYPE"},
    {NotifyType::invalid_flags, "INVALID-FLAGS"},
    {NotifyType::invalid_message_id, "INVALID-MESSAGE-ID"},
    {NotifyType::invalid_protocol_id, "INVALID-PROTOCOL-ID"},
    {NotifyType::invalid_spi, "INVALID-SPI"},
    {NotifyType::invalid_transform_id, "INVALID-TRANSFORM-ID"},
    {NotifyType::attributes_not_supported, "ATTRIBUTES-NOT-SUPPORTED"},
    {NotifyType::no_proposal_chosen, "NO-PROPOSAL-CHOSEN"},
    {NotifyType::bad_proposal_syntax, "BAD-PROPOSAL-SYNTAX"},
    {NotifyType::payload_malformed, "PAYLOAD-MALFORMED"},
    {NotifyType::invalid_key_information, "INVALID-KEY-INFORMATION"},
    {NotifyType::invalid_id_information, "INVALID-ID-INFORMATION"},
    {NotifyType::invalid_cert_encoding, "INVALID-CERT-ENCODING"},
    {NotifyType::invalid_certificate, "INVALID-CERTIFICATE"},
    {NotifyType::cert_type_unsupported, "CERT-TYPE-UNSUPPORTED"},
    {NotifyType::invalid_cert_authority, "INVALID-CERT-AUTHORITY"},
    {NotifyType::invalid_hash_information, "INVALID-HASH-INFORMATION"},
    {NotifyType::authentication_failed, "AUTHENTICATION-FAILED"},
    {NotifyType::invalid_signature, "INVALID-SIGNATURE"},
    {NotifyType::unsupported_exchange_type, "UNSUPPORTED-EXCHANGE-TYPE"},
    {NotifyType::unequal_payload_lengths, "UNEQUAL-PAYLOAD-LENGTHS"},
    {NotifyType::connected, "CONNECTED"},
    {NotifyType::responder_lifetime, "RESPONDER-LIFETIME"},
    {NotifyType::replay_status, "REPLAY-STATUS"},
    {NotifyType::initial_contact, "INITIAL-CONTACT"},
    {NotifyType::r_u_there, "R-U-THERE"},
    {NotifyType::r_u_there_ack, "R-U-THERE-ACK"},
};

}  // namespace

std::string name(ExchangeType type) { return look_up(exchange_types, type, "EXCHANGE"); }
std::string name(PayloadType type) { return look_up(payload_types, type, "PAYLOAD"); }
std::string name(NotifyType type) { return look_up(notify_types, type, "NOTIFY"); }

PayloadType type_of(const Payload& payload) {
  return std::visit([](const auto& value) -> PayloadType { return value.type; }, payload);
}

const Notification* find_notify(const Payloads& payloads, NotifyType type) {
  for (const Payload& payload : payloads)
    if (const auto* notify = std::get_if<Notification>(&payload); notify != nullptr && notify->notify == type)
      return notify;
  return nullptr;
}

std::string describe(const Header& header, const Payloads& payloads) {
  std::string text = fmt::format("{} {:08x} [", name(header.exchange), header.message_id);
  for (const Payload& payload : payloads) {
    text += " " + name(type_of(payload));
    if (const auto* notify = std::get_if<Notification>(&payload)) text += "(" + name(notify->notify) + ")";
  }
  return text + " ]";
}

}  // namespace sekisho::ike::v1::wire
