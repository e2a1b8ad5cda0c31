// How the two ends of a tunnel prove who they are: "auth" and what belongs to it, "psk_file" and "ppk".
#include <fmt/format.h>

#include <algorithm>

#include "base/messages/config.h"
#include "control/config/files.h"
#include "control/config/psk_file.h"
#include "control/config/sections.h"
#include "control/ike/suite/peer_certificate.h"

namespace sekisho::config {
namespace {

constexpr size_t max_key_file = 16 << 10, max_certificate_file = 256 << 10, max_crl_file = 16 << 20;
constexpr size_t max_chain = 12288;  // octets of our certificates in IKE_AUTH, which has other payloads too
constexpr size_t max_files = 32, max_ppk_id = 255;

// The path, if it is one.
std::optional<std::string> read_path(const Node& node, const Message& message) {
  auto path = node.text();
  if (!path) return {};
  const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20; };
  if (!path->empty() && std::ranges::none_of(*path, control)) return path;
  node.fail(message, path->empty() ? "the path is empty" : "the path has control characters");
  return {};
}

// With where the file was looked for. Not its name, in whose place somebody may have written a secret.
std::string placed(const std::string& why, const std::string& file, const std::filesystem::path& directory) {
  if (std::filesystem::path(file).is_absolute()) return why;
  std::error_code error;
  const auto place = std::filesystem::absolute(directory.empty() ? "." : directory, error).lexically_normal();
  return fmt::format("{} (relative to {})", why, shown(place.string()));
}

std::shared_ptr<const SecretBytes> read_key(const Node& node, std::string& file,
                                            const std::filesystem::path& directory) {
  const auto path = read_path(node, messages::config_psk_unreadable);
  if (!path) return {};
  file = *path;
  auto key = read_psk(directory / file);
  if (key) return std::make_shared<const SecretBytes>(std::move(*key));
  node.fail(*key.error().message, placed(key.error().detail, file, directory));
  return {};
}

// What `parse` makes of the file that the node names.
template <typename Parse>
auto read_file(const Node& node, std::string& file, const std::filesystem::path& directory, size_t most, Parse parse) {
  std::optional<typename decltype(parse(ByteView()))::value_type> result;
  const auto path = read_path(node, messages::config_bad_certificate);
  if (!path) return result;
  file = *path;
  const auto content = read_public_file(directory / file, most);
  if (!content) {
    node.fail(messages::config_bad_certificate, placed(content.error().detail, file, directory));
    return result;
  }
  if (auto parsed = parse(*content))
    result = std::move(*parsed);
  else
    node.fail(messages::config_bad_certificate, parsed.error());
  return result;
}

std::shared_ptr<const crypto::PrivateKey> read_private_key(const Node& node, std::string& file,
                                                           const std::filesystem::path& directory) {
  const auto path = read_path(node, messages::config_bad_private_key);
  if (!path) return {};
  file = *path;
  const auto content = read_secret_file(directory / file, max_key_file);
  if (!content) {
    node.fail(messages::config_bad_private_key, placed(content.error().detail, file, directory));
    return {};
  }
  auto key = crypto::PrivateKey::from_pem(content->view());
  if (key) return std::make_shared<const crypto::PrivateKey>(std::move(*key));
  node.fail(messages::config_bad_private_key, key.error());
  return {};
}

// A root certificate proves nothing to a peer that has it, and nothing to one that has not.
void leave_out_roots(std::vector<crypto::Certificate>& chain) {
  const auto root = [](const crypto::Certificate& each) { return each.issued_by(each); };
  chain.erase(std::remove_if(chain.begin() + 1, chain.end(), root), chain.end());
}

void read_certificate(const EndObject& local, Tunnel& tunnel, const std::filesystem::path& directory) {
  const auto certificate = local.object.require("certificate"), private_key = local.object.require("private_key");
  if (!certificate || !private_key) return;
  auto chain = read_file(*certificate, tunnel.files.certificate, directory, max_certificate_file,
                         crypto::Certificate::read_file);
  auto key = read_private_key(*private_key, tunnel.files.private_key, directory);
  if (!chain || !key) return;
  leave_out_roots(*chain);
  size_t size = 0;
  for (const crypto::Certificate& each : *chain) size += each.der().size();
  if (chain->size() > ike::suite::max_peer_certificates || size > max_chain)
    return certificate->fail(messages::config_bad_certificate,
                             fmt::format("{} certificates with {} bytes; at most {} with {} can be sent", chain->size(),
                                         size, ike::suite::max_peer_certificates, max_chain));
  const crypto::Certificate& own = chain->front();
  const auto certified = own.public_key();
  if (!certified || !(*certified == key->public_key()))
    return private_key->fail(messages::config_key_mismatch, own.subject_text());
  if (!own.may_sign())
    return certificate->fail(messages::config_bad_certificate, "its keyUsage does not permit signatures");
  // The name as it stands in the certificate, whatever types of strings it was written with.
  ike::Identity& id = tunnel.connection.local_id;
  const ike::Identity subject{ike::Identity::Type::der_asn1_dn, std::string(as_text(own.subject()))};
  if (!local.id_given || id == subject) id = subject;
  if (!ike::suite::certifies(own, id))
    return local.place.fail(messages::config_not_certified,
                            fmt::format("{} is not in the certificate of {}", id.text(), own.subject_text()));
  tunnel.connection.local_auth = {std::move(*chain), std::move(key)};
}

// The files that an array names, each read by `parse`.
template <typename Parse>
auto read_files(const Object& object, std::string_view key, std::vector<std::string>& files,
                const std::filesystem::path& directory, size_t most, Parse parse) {
  std::vector<typename decltype(parse(ByteView()))::value_type> result;
  const auto node = object.get(key);
  if (!node) return result;
  for (const Node& item : node->items(1, max_files, "files"))
    if (auto parsed = read_file(item, files.emplace_back(), directory, most, parse))
      result.push_back(std::move(*parsed));
  return result;
}

void read_authorities(const EndObject& remote, Tunnel& tunnel, const std::filesystem::path& directory) {
  if (!remote.object.require("authorities")) return;
  const auto sets = read_files(remote.object, "authorities", tunnel.files.authorities, directory, max_certificate_file,
                               crypto::Certificate::read_file);
  const auto lists =
      read_files(remote.object, "crls", tunnel.files.crls, directory, max_crl_file, crypto::RevocationList::read_file);
  if (const auto required = remote.object.get("require_crl")) assign(tunnel.files.require_crl, required->boolean());
  if (tunnel.connection.remote_id.type == ike::Identity::Type::key_id)
    remote.place.fail(messages::config_not_certified, tunnel.connection.remote_id.text());
  std::vector<crypto::Certificate> anchors;
  for (const auto& set : sets) anchors.insert(anchors.end(), set.begin(), set.end());
  if (anchors.empty()) return;
  for (const crypto::Certificate& anchor : anchors)
    if (!anchor.has_signing_key())
      remote.object.require("authorities")
          ->fail(messages::config_bad_certificate,
                 "the key of " + anchor.subject_text() + " is malformed, or neither RSA, ECDSA nor EdDSA");
  tunnel.connection.remote_auth.authorities = std::make_shared<const crypto::TrustAnchors>(
      std::move(anchors), lists, tunnel.files.require_crl ? crypto::RequireCrl::yes : crypto::RequireCrl::no);
}

enum class Auth : uint8_t { psk, certificate };

// Nothing where it is no kind that there is.
std::optional<Auth> read_auth(const Object& object) {
  const auto node = object.get("auth");
  if (!node) return Auth::psk;
  std::optional<Auth> auth;
  if (const auto choice = node->choice({"psk", "certificate"})) auth = static_cast<Auth>(*choice);
  return auth;
}

// Files that stand there and would be ignored are somebody's mistake.
void refuse_keys(const Object& object, std::initializer_list<std::string_view> keys, std::string_view auth) {
  for (const std::string_view key : keys)
    if (const auto node = object.get(key))
      node->fail(messages::config_wrong_auth, fmt::format("\"{}\" with \"auth\": \"{}\"", key, auth));
}

void read_ppk(const Object& tunnel_object, Tunnel& tunnel, const std::filesystem::path& directory) {
  const auto node = tunnel_object.get("ppk");
  if (!node) return;
  const Object object(*node, {"id", "file", "required"});
  const auto id = object.require("id"), file = object.require("file");
  ike::PostQuantumKey ppk;
  if (id) assign(ppk.id, id->text());
  if (id && (ppk.id.empty() || ppk.id.size() > max_ppk_id))
    id->fail(messages::config_out_of_range, fmt::format("{} bytes, 1 to {} are wanted", ppk.id.size(), max_ppk_id));
  if (file) ppk.key = read_key(*file, tunnel.files.ppk, directory);
  if (const auto required = object.get("required")) assign(ppk.required, required->boolean());
  tunnel.connection.ppk = std::move(ppk);
}

}  // namespace

void read_authentication(const Object& tunnel, const EndObject& local, const EndObject& remote, Tunnel& result,
                         const std::filesystem::path& directory) {
  const auto ours = read_auth(local.object), theirs = read_auth(remote.object);
  if (!ours || !theirs) return;  // what files should stand there is not known then
  result.connection.legacy_signatures = result.profile == Profile::legacy;
  if (ours == Auth::certificate)
    read_certificate(local, result, directory);
  else
    refuse_keys(local.object, {"certificate", "private_key"}, "psk");
  if (theirs == Auth::certificate)
    read_authorities(remote, result, directory);
  else
    refuse_keys(remote.object, {"authorities", "crls", "require_crl"}, "psk");
  if (ours == Auth::certificate && theirs == Auth::certificate)
    refuse_keys(tunnel, {"psk_file"}, "certificate");
  else if (const auto node = tunnel.require("psk_file"))
    result.connection.psk = read_key(*node, result.files.psk, directory);
  read_ppk(tunnel, result, directory);
}

}  // namespace sekisho::config
