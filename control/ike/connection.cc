#include "control/ike/connection.h"

#include <algorithm>
#include <cassert>
#include <tuple>

#include "crypto/ike/distinguished_name.h"

namespace sekisho::ike {
namespace {

constexpr size_t max_identity_length = 255;
constexpr std::string_view key_id_prefix = "keyid:";

bool printable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
}

// "172.16.0.0.100" is a mistyped address sooner than the name of a host.
bool looks_like_address(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || c == '.'; }) ||
         text.find(':') != std::string_view::npos;
}

// A peer's identity is any bytes; what goes into a log is short and printable.
constexpr size_t longest_shown = 128;

std::string shortened(std::string_view text) {
  return std::string(text.substr(0, longest_shown)) + (text.size() > longest_shown ? "..." : "");
}

std::string escaped(std::string_view value) {
  static constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const char c : value.substr(0, longest_shown)) {
    const auto byte = static_cast<uint8_t>(c);
    if (printable({&c, 1}) && c != '\\') {
      text += c;
    } else {
      text += {'\\', 'x', digits[byte >> 4], digits[byte & 15]};
    }
  }
  if (value.size() > longest_shown) text += "...";
  return text;
}

// The words between the hyphens.
std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> words;
  for (size_t end; (end = text.find('-')) != std::string_view::npos; text.remove_prefix(end + 1))
    words.push_back(text.substr(0, end));
  words.push_back(text);
  return words;
}

struct CipherName {
  std::string_view name;
  crypto::EncryptionId id;
  uint16_t key_bits;
};
constexpr CipherName cipher_names[] = {
    {"aes128", crypto::EncryptionId::aes_cbc, 128},
    {"aes256", crypto::EncryptionId::aes_cbc, 256},
    {"aes128gcm16", crypto::EncryptionId::aes_gcm_16, 128},
    {"aes256gcm16", crypto::EncryptionId::aes_gcm_16, 256},
    {"chacha20poly1305", crypto::EncryptionId::chacha20_poly1305, 256},
    {"3des", crypto::EncryptionId::des3, 0},
};

// The PRF that goes by the same hash.
crypto::PrfId prf_of(crypto::IntegrityId integrity) {
  switch (integrity) {
    case crypto::IntegrityId::hmac_sha1_96:
      return crypto::PrfId::hmac_sha1;
    case crypto::IntegrityId::hmac_sha2_256_128:
      return crypto::PrfId::hmac_sha2_256;
    case crypto::IntegrityId::hmac_sha2_384_192:
      return crypto::PrfId::hmac_sha2_384;
    case crypto::IntegrityId::hmac_sha2_512_256:
      return crypto::PrfId::hmac_sha2_512;
    case crypto::IntegrityId::none:
      break;
  }
  return {};
}

// Takes one word behind the cipher's; false where it is unknown or says again what was said.
bool take_word(IkeProposal& proposal, std::string_view word) {
  if (const auto prf = crypto::find_prf(word)) {
    if (proposal.prf != crypto::PrfId{}) return false;
    proposal.prf = *prf;
  } else if (const auto integrity = crypto::find_integrity(word);
             integrity && *integrity != crypto::IntegrityId::none) {
    if (proposal.sk.integrity != crypto::IntegrityId::none) return false;
    proposal.sk.integrity = *integrity;
  } else if (const auto group = crypto::find_key_exchange(word); group && *group != crypto::KeyExchangeId::none) {
    if (proposal.key_exchange != crypto::KeyExchangeId::none) return false;
    proposal.key_exchange = *group;
  } else {
    return false;
  }
  return true;
}

}  // namespace

// ------------------------------------------------------------------------------------------------------- Identity

std::optional<Identity> Identity::parse(std::string_view text) {
  if (text.empty() || text.size() > max_identity_length) return {};
  if (text.find('=') != std::string_view::npos && !text.starts_with(key_id_prefix)) {
    const auto name = crypto::encode_distinguished_name(text);
    if (!name) return {};
    Identity identity{Type::der_asn1_dn, std::string(as_text(*name))};
    identity.set_name_hash();
    return identity;
  }
  if (!printable(text)) return {};
  if (const auto address = IpAddress::parse(text))
    return Identity{address->is_v4() ? Type::ipv4_address : Type::ipv6_address, std::string(as_text(address->bytes()))};
  if (text.starts_with(key_id_prefix)) {
    text.remove_prefix(key_id_prefix.size());
    if (text.empty()) return {};
    return Identity{Type::key_id, std::string(text)};
  }
  const size_t at = text.find('@');
  if (at == 0) {
    if (text.size() == 1) return {};
    return Identity{Type::fqdn, std::string(text.substr(1))};
  }
  if (at == text.size() - 1 || looks_like_address(text)) return {};
  return Identity{at == std::string_view::npos ? Type::fqdn : Type::rfc822_address, std::string(text)};
}

std::string Identity::text() const {
  switch (type) {
    case Type::ipv4_address:
    case Type::ipv6_address:
      if (const auto address = IpAddress::from_bytes(as_bytes(value))) return address->text();
      break;
    case Type::fqdn:
      return (parse(value) == *this ? "" : "@") + escaped(value);
    case Type::rfc822_address:
      return escaped(value);
    case Type::key_id:
      return std::string(key_id_prefix) + escaped(value);
    case Type::der_asn1_dn:
      if (const auto name = crypto::distinguished_name_text(as_bytes(value))) return shortened(*name);
      break;
  }
  return "type" + std::to_string(static_cast<unsigned>(type)) + ":" + escaped(value);
}

void Identity::set_name_hash() {
  if (type == Type::der_asn1_dn) name_hash = crypto::distinguished_name_hash(as_bytes(value));
}

bool operator==(const Identity& a, const Identity& b) {
  if (a.type != b.type) return false;
  if (a.value == b.value) return true;
  if (a.name_hash && b.name_hash && *a.name_hash != *b.name_hash) return false;
  return a.type == Identity::Type::der_asn1_dn && crypto::same_distinguished_name(as_bytes(a.value), as_bytes(b.value));
}

std::weak_ordering operator<=>(const Identity& a, const Identity& b) {
  if (a == b) return std::weak_ordering::equivalent;
  return std::tie(a.type, a.value) <=> std::tie(b.type, b.value);
}

// ------------------------------------------------------------------------------------------------- authentication

bool operator==(const LocalAuth& a, const LocalAuth& b) {
  return a.by_certificate() == b.by_certificate() &&
         std::ranges::equal(a.certificates, b.certificates, {}, &crypto::Certificate::der, &crypto::Certificate::der);
}

bool RemoteAuth::same_authorities(const RemoteAuth& other) const {
  if (!authorities || !other.authorities) return authorities == other.authorities;
  return std::ranges::equal(authorities->anchors(), other.authorities->anchors(), {}, &crypto::Certificate::der,
                            &crypto::Certificate::der);
}

bool operator==(const RemoteAuth& a, const RemoteAuth& b) {
  if (!a.authorities || !b.authorities) return a.authorities == b.authorities;
  return a.authorities->digest() == b.authorities->digest();
}

bool operator==(const PostQuantumKey& a, const PostQuantumKey& b) {
  return a.id == b.id && a.required == b.required && same_secret(a.key, b.key);
}

bool same_secret(const std::shared_ptr<const SecretBytes>& a, const std::shared_ptr<const SecretBytes>& b) {
  if (!a || !b) return a == b;
  return constant_time_equal(a->view(), b->view());
}

bool can_authenticate(const Connection& connection) {
  return connection.psk || (connection.local_auth.by_certificate() && connection.remote_auth.by_certificate());
}

// ---------------------------------------------------------------------------------------------------- IkeProposal

std::optional<IkeProposal> IkeProposal::parse(std::string_view text) {
  const std::vector<std::string_view> words = split(text);
  const auto* cipher = std::ranges::find(cipher_names, words.front(), &CipherName::name);
  if (cipher == std::end(cipher_names)) return {};
  IkeProposal proposal{{cipher->id, cipher->key_bits, crypto::IntegrityId::none}, {}, crypto::KeyExchangeId::none};
  for (size_t i = 1; i < words.size(); ++i)
    if (!take_word(proposal, words[i])) return {};

  // A combined-mode cipher has no integrity algorithm, any other needs one (RFC 7296 section 3.3).
  if (proposal.sk.aead() != (proposal.sk.integrity == crypto::IntegrityId::none)) return {};
  if (proposal.prf == crypto::PrfId{}) proposal.prf = prf_of(proposal.sk.integrity);
  if (proposal.prf == crypto::PrfId{} || proposal.key_exchange == crypto::KeyExchangeId::none) return {};
  return proposal;
}

std::string IkeProposal::text() const {
  const auto same = [this](const CipherName& name) { return name.id == sk.encryption && name.key_bits == sk.key_bits; };
  const auto* cipher = std::ranges::find_if(cipher_names, same);
  std::string text(cipher != std::end(cipher_names) ? cipher->name : "unknown");
  if (!sk.aead()) text += "-" + std::string(crypto::name(sk.integrity));
  if (sk.aead() || prf != prf_of(sk.integrity)) text += "-" + std::string(crypto::name(prf));
  return text + "-" + std::string(crypto::name(key_exchange));
}

bool IkeProposal::in_ikev1() const {
  return !sk.aead() && prf == prf_of(sk.integrity) && key_exchange != crypto::KeyExchangeId::x25519;
}

bool IkeProposal::legacy() const {
  return sk.encryption == crypto::EncryptionId::des3 || sk.integrity == crypto::IntegrityId::hmac_sha1_96 ||
         prf == crypto::PrfId::hmac_sha1 || crypto::weak(key_exchange);
}

// ---------------------------------------------------------------------------------------------------- EspProposal

std::optional<EspProposal> EspProposal::parse(std::string_view text) {
  const std::vector<std::string_view> words = split(text);
  // A suite's name has one word or two.
  size_t next = 1;
  std::optional<EspSuite> suite = find_esp_suite(words.front());
  if (!suite && words.size() > 1) {
    suite = find_esp_suite(std::string(words[0]) + "-" + std::string(words[1]));
    next = 2;
  }
  if (!suite) return {};
  EspProposal proposal{*suite};
  if (next < words.size()) {
    const auto group = crypto::find_key_exchange(words[next]);
    if (group && *group != crypto::KeyExchangeId::none) {
      proposal.pfs = *group;
      ++next;
    }
  }
  if (next < words.size() && words[next] == "esn") {
    proposal.esn = true;
    ++next;
  }
  if (next != words.size()) return {};
  return proposal;
}

std::string EspProposal::text() const {
  std::string text(info(suite).name);
  if (pfs != crypto::KeyExchangeId::none) text += "-" + std::string(crypto::name(pfs));
  if (esn) text += "-esn";
  return text;
}

bool EspProposal::in_ikev1() const {
  return info(suite).cipher != EspCipher::chacha20_poly1305 && pfs != crypto::KeyExchangeId::x25519 && !esn;
}

bool EspProposal::legacy() const { return crypto::weak(pfs); }

// ----------------------------------------------------------------------------------------------------- Connection

const ChildDefinition& Connection::child(std::string_view child_name) const {
  const auto found = std::ranges::find(children, child_name, &ChildDefinition::name);
  assert(found != children.end());
  return *found;
}

bool may_find_path_mtu(const Connection& connection) {
  return connection.path_mtu_discovery && connection.version == IkeVersion::v2 && connection.fragmentation &&
         connection.dpd_interval > Duration::zero() && connection.dpd_action != DpdAction::none;
}

}  // namespace sekisho::ike
