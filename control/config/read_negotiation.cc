#include <fmt/format.h>

#include <chrono>
#include <initializer_list>

#include "base/messages/config.h"
#include "control/config/fields.h"
#include "control/config/negotiation.h"

namespace sekisho::config {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr uint64_t week = 7 * 24 * 3600, year = 365 * 24 * 3600ull;
constexpr uint64_t least_fragment = 576, largest_fragment = 65535;  // IP datagrams
constexpr size_t max_proposals = 16;

// In order of preference; the last of each list are for peers of the legacy profile.
constexpr std::initializer_list<const char*> modern_ike = {"aes128gcm16-prfsha256-x25519",
                                                           "aes256gcm16-prfsha384-ecp384",
                                                           "aes128gcm16-prfsha256-ecp256", "aes256-sha256-modp2048"};
constexpr std::initializer_list<const char*> legacy_ike = {"aes256-sha1-modp1024", "aes128-sha1-modp1024"};
// IKEv1 has no combined modes in phase 1, and no x25519.
constexpr std::initializer_list<const char*> modern_ikev1 = {"aes256-sha256-ecp256", "aes256-sha256-modp2048"};
constexpr std::initializer_list<const char*> modern_esp = {"aes128gcm16", "aes256gcm16", "aes256-sha256"};
constexpr std::initializer_list<const char*> legacy_esp = {"aes128-sha1"};

void read_seconds(const Object& object, std::string_view key, uint64_t least, uint64_t most, Duration& duration) {
  if (const auto node = object.get(key))
    if (const auto value = node->integer(least, most)) duration = seconds(*value);
}

template <typename Proposal>
void append(std::vector<Proposal>& list, std::initializer_list<const char*> texts) {
  for (const char* text : texts)
    if (const auto proposal = Proposal::parse(text)) list.push_back(*proposal);
}

template <typename Proposal, typename Read>
void read_proposals(const Object& object, Profile profile, Read read, std::vector<Proposal>& proposals) {
  const auto node = object.get("proposals");
  if (!node) return;
  proposals =
      read_list(node->items(1, max_proposals, "proposals"), [&](const Node& item) { return read(item, profile); });
}

// "lifetime", "margin" and "fuzz" of an SA.
void read_renewal(const Node& node, const Object& object, uint64_t most, Duration& lifetime, ike::Renewal& renewal) {
  const ErrorWatch watch(node);
  read_seconds(object, "lifetime", 2, most, lifetime);
  read_seconds(object, "margin", 1, year, renewal.margin);
  if (const auto fuzz = object.get("fuzz")) assign(renewal.fuzz, fuzz->integer(0, 1000));
  if (!watch.clean()) return;
  const Duration margin = renewal.margin == Duration::zero() ? lifetime / 10 : renewal.margin;
  if (const Duration longest = margin + margin / 100 * renewal.fuzz; longest >= lifetime)
    node.fail(messages::config_out_of_range, fmt::format("margin and fuzz make up to {} s of a lifetime of {} s",
                                                         longest / seconds(1), lifetime / seconds(1)));
}

void read_retransmission(const Object& ike, ike::Retransmission& retransmission) {
  const auto node = ike.get("retransmission");
  if (!node) return;
  const Object object(*node, {"first_ms", "factor", "tries"});
  if (const auto first = object.get("first_ms"))
    if (const auto value = first->integer(50, 60'000)) retransmission.first = milliseconds(*value);
  if (const auto factor = object.get("factor")) assign(retransmission.factor, factor->number(1, 10));
  if (const auto tries = object.get("tries")) assign(retransmission.tries, tries->integer(1, 20));
}

// What the version cannot say is refused here, or a peer would be offered less than the operator wrote.
template <typename Proposal>
void check_version(const Object& object, const ike::Connection& connection, const std::vector<Proposal>& proposals) {
  const auto node = object.get("proposals");
  if (!node || connection.version == ike::IkeVersion::v2) return;
  for (const Proposal& proposal : proposals)
    if (!proposal.in_ikev1()) node->fail(messages::config_not_in_ikev1, proposal.text());
}

void read_version(const Object& object, ike::Connection& connection) {
  const auto version = object.get("version");
  const auto choice = version ? version->choice({"v1", "v2"}) : std::nullopt;
  if (choice) connection.version = *choice == 0 ? ike::IkeVersion::v1 : ike::IkeVersion::v2;
  const auto aggressive = object.get("aggressive");
  if (!aggressive) return;
  assign(connection.aggressive, aggressive->boolean());
  if (version && !choice) return;  // which one is meant is not known
  if (connection.aggressive && connection.version != ike::IkeVersion::v1)
    aggressive->fail(messages::config_aggressive_without_v1, "\"version\" is v2");
}

void append_default_ike(Tunnel& tunnel) {
  auto& proposals = tunnel.connection.ike_proposals;
  append(proposals, tunnel.connection.version == ike::IkeVersion::v1 ? modern_ikev1 : modern_ike);
  if (tunnel.profile == Profile::legacy) append(proposals, legacy_ike);
}

// What a tunnel's "esp" and a child's have in common.
void read_esp_keys(const Node& node, const Object& object, const Tunnel& tunnel, ike::ChildDefinition& child) {
  read_proposals(object, tunnel.profile, read_esp_proposal, child.esp_proposals);
  check_version(object, tunnel.connection, child.esp_proposals);
  constexpr uint64_t most = uint64_t{1} << 62;
  if (const auto bytes = object.get("lifetime_bytes")) assign(child.lifetime_bytes, bytes->integer(0, most));
  if (const auto packets = object.get("lifetime_packets")) assign(child.lifetime_packets, packets->integer(0, most));
  read_renewal(node, object, week, child.lifetime, child.renewal);
  const auto window = object.get("replay_window");
  const auto size = window ? window->integer(0, 4096) : std::nullopt;
  if (!size) return;
  child.replay_window = static_cast<uint16_t>(*size);
  if (*size % 64 != 0)
    window->fail(messages::config_out_of_range, fmt::format("{} is neither 0 nor a multiple of 64 up to 4096", *size));
}

}  // namespace

void read_ike(const Object& tunnel_object, Tunnel& tunnel) {
  ike::Connection& connection = tunnel.connection;
  const auto node = tunnel_object.get("ike");
  if (!node) return append_default_ike(tunnel);
  const Object object(
      *node,
      {"proposals", "lifetime", "margin", "fuzz", "reauthenticate", "dpd_interval", "dpd_action", "retransmission",
       "retry_interval", "fragmentation", "fragment_size", "mobike", "version", "aggressive"},
      "version");
  read_version(object, connection);
  append_default_ike(tunnel);
  read_proposals(object, tunnel.profile, read_ike_proposal, connection.ike_proposals);
  check_version(object, connection, connection.ike_proposals);
  read_renewal(*node, object, year, connection.ike_lifetime, connection.ike_renewal);
  if (const auto reauthenticate = object.get("reauthenticate"))
    assign(connection.reauthenticate, reauthenticate->boolean());
  read_seconds(object, "dpd_interval", 0, 3600, connection.dpd_interval);
  if (const auto action = object.get("dpd_action"))
    assign(connection.dpd_action, action->choice({"restart", "clear", "none"}));
  read_seconds(object, "retry_interval", 1, 3600, connection.retry_interval);
  read_retransmission(object, connection.retransmission);
  if (const auto fragmentation = object.get("fragmentation"))
    assign(connection.fragmentation, fragmentation->boolean());
  if (const auto mobike = object.get("mobike")) assign(connection.mobike, mobike->boolean());
  if (const auto size = object.get("fragment_size")) {
    assign(connection.fragment_size, size->integer(0, largest_fragment));
    if (connection.fragment_size != 0 && connection.fragment_size < least_fragment)
      size->fail(messages::config_out_of_range, fmt::format("{} is neither 0 nor {} to {}", connection.fragment_size,
                                                            least_fragment, largest_fragment));
  }
}

void read_esp(const Object& tunnel_object, Tunnel& tunnel) {
  ike::ChildDefinition& child = tunnel.connection.children.front();
  append(child.esp_proposals, modern_esp);
  if (tunnel.profile == Profile::legacy) append(child.esp_proposals, legacy_esp);
  const auto node = tunnel_object.get("esp");
  if (!node) return;
  const Object object(*node, {"proposals", "lifetime", "lifetime_bytes", "lifetime_packets", "margin", "fuzz",
                              "replay_window", "encapsulation"});
  read_esp_keys(*node, object, tunnel, child);
  if (const auto encapsulation = object.get("encapsulation"))
    assign(tunnel.connection.encapsulation, encapsulation->choice({"auto", "force", "off"}));
}

void read_child_esp(const Object& child_object, const Tunnel& tunnel, ike::ChildDefinition& child) {
  const auto node = child_object.get("esp");
  if (!node) return;
  const Object object(
      *node, {"proposals", "lifetime", "lifetime_bytes", "lifetime_packets", "margin", "fuzz", "replay_window"});
  read_esp_keys(*node, object, tunnel, child);
}

}  // namespace sekisho::config
