#include "control/config/expiry.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>

#include "base/messages/ike.h"

namespace sekisho::config {
namespace {

using Days = std::chrono::duration<int64_t, std::ratio<86400>>;

std::string in_words(WallTime at, WallTime now) {
  const auto left = std::chrono::duration_cast<Days>(at - now).count();
  const auto hours = std::chrono::duration_cast<std::chrono::hours>(at - now).count();
  if (at <= now) return fmt::format("{} days ago", -left);
  return left > 0 ? fmt::format("in {} days", left) : fmt::format("in {} hours", hours);
}

const Message& message_of(Expiry::Kind kind, bool over) {
  switch (kind) {
    case Expiry::Kind::own_certificate:
      return over ? messages::own_certificate_expired : messages::own_certificate_expires;
    case Expiry::Kind::authority:
      return over ? messages::authority_expired : messages::authority_expires;
    case Expiry::Kind::revocation_list:
      break;
  }
  return over ? messages::crl_expired : messages::crl_expires;
}

}  // namespace

std::vector<Expiry> expiries(const ike::Connection& connection) {
  std::vector<Expiry> all;
  for (const crypto::Certificate& each : connection.local_auth.certificates)
    all.push_back({Expiry::Kind::own_certificate, each.subject_text(), each.not_after()});
  if (const auto& trusted = connection.remote_auth.authorities) {
    for (const crypto::Certificate& each : trusted->anchors())
      all.push_back({Expiry::Kind::authority, each.subject_text(), each.not_after()});
    for (const crypto::RevocationList& each : trusted->lists())
      if (const auto next = each.next_update())
        all.push_back({Expiry::Kind::revocation_list, each.issuer_text(), *next});
  }
  std::ranges::stable_sort(all, {}, &Expiry::at);
  return all;
}

Urgency urgency(WallTime at, WallTime now) {
  const auto left = at - now;
  if (left <= WallTime::duration::zero()) return Urgency::over;
  if (left <= Days(1)) return Urgency::day;
  if (left <= Days(7)) return Urgency::week;
  return left <= Days(30) ? Urgency::month : Urgency::none;
}

std::string_view word(Expiry::Kind kind) {
  switch (kind) {
    case Expiry::Kind::own_certificate:
      return "own certificate";
    case Expiry::Kind::authority:
      return "authority";
    case Expiry::Kind::revocation_list:
      break;
  }
  return "revocation list";
}

std::string date_text(WallTime at) {
  return fmt::format("{:%Y-%m-%d %H:%M} UTC", fmt::gmtime(std::chrono::system_clock::to_time_t(at)));
}

Error notice(const Expiry& expiry, WallTime now) {
  return {&message_of(expiry.kind, expiry.at <= now),
          fmt::format("{}: {}, {}", expiry.name, date_text(expiry.at), in_words(expiry.at, now))};
}

}  // namespace sekisho::config
