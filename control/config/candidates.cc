#include "control/config/candidates.h"

#include <fmt/ranges.h>

#include <vector>

namespace sekisho::config {
namespace {

std::vector<std::string_view> differences(const ike::Connection& a, const ike::Connection& b) {
  std::vector<std::string_view> keys;
  if (a.ike_proposals != b.ike_proposals) keys.emplace_back("ike.proposals");
  if (a.encapsulation != b.encapsulation) keys.emplace_back("esp.encapsulation");
  const bool version_1 = a.version == ike::IkeVersion::v1;
  if (!version_1 && a.fragmentation != b.fragmentation) keys.emplace_back("ike.fragmentation");
  // All keys of IKEv1 come from it, those that the identity is sealed with as well.
  if (version_1 && a.psk && b.psk && !ike::same_secret(a.psk, b.psk)) keys.emplace_back("psk_file");
  return keys;
}

// IKEv1 has the first message say it, and looks only at connections of that kind.
Candidates::Method method(const ike::Connection& connection) {
  return {connection.version, connection.version == ike::IkeVersion::v1 && connection.local_auth.by_certificate()};
}

}  // namespace

std::optional<std::string> Candidates::difference(const ike::Connection& connection) {
  std::optional<std::string> found;
  std::vector<IpAddress> locals = connection.other_locals;
  locals.insert(locals.begin(), connection.local);
  for (const IpAddress& local : locals) {
    const auto [first, alone] = first_.try_emplace({method(connection), local, connection.remote}, &connection);
    if (alone || found) continue;
    const auto keys = differences(*first->second, connection);
    if (!keys.empty())
      found = fmt::format("tunnel {} comes first, with other {}", first->second->name, fmt::join(keys, ", "));
  }
  return found;
}

}  // namespace sekisho::config
