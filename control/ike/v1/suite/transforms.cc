#include "control/ike/v1/suite/transforms.h"

#include <algorithm>
#include <array>

#include "control/ike/v1/wire/message.h"

namespace sekisho::ike::v1::suite {
namespace {

using crypto::EncryptionId;
using crypto::IntegrityId;
using crypto::KeyExchangeId;
using wire::Attribute;
using wire::IkeAttribute;
using wire::IpsecAttribute;
using wire::LifeType;

// The hashes of both phases by their numbers in each.
struct HashNumbers {
  IntegrityId integrity;
  crypto::PrfId prf;
  wire::IkeHash ike;
  wire::EspAuthentication esp;
};
constexpr std::array<HashNumbers, 4> hashes = {{
    {IntegrityId::hmac_sha1_96, crypto::PrfId::hmac_sha1, wire::IkeHash::sha1, wire::EspAuthentication::hmac_sha1},
    {IntegrityId::hmac_sha2_256_128, crypto::PrfId::hmac_sha2_256, wire::IkeHash::sha2_256,
     wire::EspAuthentication::hmac_sha2_256},
    {IntegrityId::hmac_sha2_384_192, crypto::PrfId::hmac_sha2_384, wire::IkeHash::sha2_384,
     wire::EspAuthentication::hmac_sha2_384},
    {IntegrityId::hmac_sha2_512_256, crypto::PrfId::hmac_sha2_512, wire::IkeHash::sha2_512,
     wire::EspAuthentication::hmac_sha2_512},
}};

template <typename Member, typename Value>
const HashNumbers* find_hash(Member member, Value value) {
  const auto found = std::ranges::find(hashes, value, member);
  return found == hashes.end() ? nullptr : &*found;
}

// The groups that IKEv1 has numbers for; they are IKEv2's.
bool known_group(uint64_t number) {
  const auto id = static_cast<KeyExchangeId>(number);
  return number <= 0xffff && id != KeyExchangeId::none && id != KeyExchangeId::x25519 && !crypto::name(id).empty();
}

// The life attributes come in pairs, the type first; the other attributes come once.
class AttributeReader {
 public:
  explicit AttributeReader(const wire::Transform& transform) {
    for (const Attribute& attribute : transform.attributes) numbers_.emplace_back(attribute.type, attribute.number());
  }

  // Takes the life attributes out; false where a duration has no type before it.
  bool take_lifetime(uint16_t type_id, uint16_t duration_id, Lifetime& lifetime) {
    uint64_t type = 0;  // none
    for (const auto& [id, number] : numbers_) {
      if (id == type_id) type = number.value_or(0);
      if (id != duration_id) continue;
      if (type == 0 || !number) return false;
      if (type == static_cast<uint64_t>(LifeType::seconds)) lifetime.time = seconds(*number);
      if (type == static_cast<uint64_t>(LifeType::kilobytes)) lifetime.kilobytes = *number;
      type = 0;
    }
    std::erase_if(numbers_, [&](const auto& item) { return item.first == type_id || item.first == duration_id; });
    return true;
  }
  // Takes an attribute out; nothing where it is not there.
  std::optional<uint64_t> take(uint16_t id) {
    const auto found = std::ranges::find(numbers_, id, [](const auto& item) { return item.first; });
    if (found == numbers_.end()) return {};
    const auto number = found->second;
    numbers_.erase(found);
    return number;
  }
  // Whether nothing is left: an attribute that is not understood, or comes twice, forbids the transform.
  bool finished() const { return numbers_.empty(); }

 private:
  static Duration seconds(uint64_t count) {
    constexpr uint64_t longest = 10ull * 365 * 24 * 3600;  // beyond that it is no limit
    return std::chrono::seconds(std::min(count, longest));
  }
  std::vector<std::pair<uint16_t, std::optional<uint64_t>>> numbers_;
};

template <typename Id>
constexpr uint16_t number(Id id) {
  return static_cast<uint16_t>(id);
}

template <typename Id>
void add(wire::Transform& transform, Id id, uint64_t value) {
  transform.attributes.push_back(Attribute::make(number(id), value));
}

void add_lifetime(wire::Transform& transform, uint16_t type_id, uint16_t duration_id, const Lifetime& lifetime) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(lifetime.time).count();
  const auto add_pair = [&](LifeType type, uint64_t value) {
    if (value == 0) return;
    transform.attributes.push_back(Attribute::make(type_id, number(type)));
    transform.attributes.push_back(Attribute::make(duration_id, value));
  };
  add_pair(LifeType::seconds, static_cast<uint64_t>(seconds));
  add_pair(LifeType::kilobytes, lifetime.kilobytes);
}

std::optional<EspSuite> find_suite(EspCipher cipher, size_t key, size_t auth_key) {
  for (size_t i = 0; i < esp_suite_count; ++i)
    if (esp_suites[i].cipher == cipher && esp_suites[i].cipher_key == key && esp_suites[i].auth_key == auth_key)
      return static_cast<EspSuite>(i);
  return {};
}

// As long as the hash's output (RFC 2404, RFC 4868).
size_t auth_key_length(const HashNumbers& hash) {
  return crypto::SkAlgorithm{.integrity = hash.integrity}.integrity_key_length();
}

}  // namespace

std::optional<IkeTransform> read_ike_transform(const wire::Transform& transform) {
  if (transform.id != wire::transform_key_ike) return {};
  AttributeReader reader(transform);
  IkeTransform meaning{};
  if (!reader.take_lifetime(number(IkeAttribute::life_type), number(IkeAttribute::life_duration), meaning.lifetime))
    return {};
  const auto cipher = reader.take(number(IkeAttribute::encryption));
  const auto key_bits = reader.take(number(IkeAttribute::key_length));
  const auto hash_number = reader.take(number(IkeAttribute::hash));
  const auto authentication = reader.take(number(IkeAttribute::authentication));
  const auto group = reader.take(number(IkeAttribute::group));
  if (!reader.finished() || !cipher || !hash_number || !authentication || !group || !known_group(*group)) return {};
  const HashNumbers* hash = find_hash([](const HashNumbers& h) { return uint64_t{number(h.ike)}; }, *hash_number);
  if (!hash || *authentication > 0xffff) return {};
  if (*cipher == number(wire::IkeEncryption::des3_cbc) && !key_bits)
    meaning.proposal.sk = {EncryptionId::des3, 0, hash->integrity};
  else if (*cipher == number(wire::IkeEncryption::aes_cbc) && (key_bits == 128u || key_bits == 256u))
    meaning.proposal.sk = {EncryptionId::aes_cbc, static_cast<uint16_t>(*key_bits), hash->integrity};
  else
    return {};
  meaning.proposal.prf = hash->prf;
  meaning.proposal.key_exchange = static_cast<KeyExchangeId>(*group);
  meaning.authentication = static_cast<wire::IkeAuthentication>(*authentication);
  return meaning;
}

wire::Transform make_ike_transform(const IkeTransform& meaning, uint8_t transform_number) {
  const bool aes = meaning.proposal.sk.encryption == EncryptionId::aes_cbc;
  wire::Transform transform{.number = transform_number, .id = wire::transform_key_ike, .attributes = {}};
  add(transform, IkeAttribute::encryption, number(aes ? wire::IkeEncryption::aes_cbc : wire::IkeEncryption::des3_cbc));
  if (aes) add(transform, IkeAttribute::key_length, meaning.proposal.sk.key_bits);
  if (const HashNumbers* hash = find_hash(&HashNumbers::integrity, meaning.proposal.sk.integrity))
    add(transform, IkeAttribute::hash, number(hash->ike));
  add(transform, IkeAttribute::authentication, number(meaning.authentication));
  add(transform, IkeAttribute::group, number(meaning.proposal.key_exchange));
  add_lifetime(transform, number(IkeAttribute::life_type), number(IkeAttribute::life_duration), meaning.lifetime);
  return transform;
}

std::optional<EspTransform> read_esp_transform(const wire::Transform& transform) {
  AttributeReader reader(transform);
  EspTransform meaning;
  if (!reader.take_lifetime(number(IpsecAttribute::life_type), number(IpsecAttribute::life_duration), meaning.lifetime))
    return {};
  const auto group = reader.take(number(IpsecAttribute::group));
  const auto mode = reader.take(number(IpsecAttribute::encapsulation_mode));
  const auto authentication = reader.take(number(IpsecAttribute::authentication));
  const auto key_bits = reader.take(number(IpsecAttribute::key_length));
  if (!reader.finished() || !mode || *mode > 0xffff || !key_bits || *key_bits > 256) return {};
  if (group && !known_group(*group)) return {};
  const size_t key = static_cast<size_t>(*key_bits / 8);
  std::optional<EspSuite> suite;
  if (transform.id == static_cast<uint8_t>(wire::EspTransform::aes_gcm_16) && !authentication) {
    suite = find_suite(EspCipher::aes_gcm, key, 0);
  } else if (transform.id == static_cast<uint8_t>(wire::EspTransform::aes_cbc) && authentication) {
    const HashNumbers* hash = find_hash([](const HashNumbers& h) { return uint64_t{number(h.esp)}; }, *authentication);
    if (hash) suite = find_suite(EspCipher::aes_cbc, key, auth_key_length(*hash));
  }
  if (!suite || *key_bits % 8 != 0) return {};
  meaning.suite = *suite;
  if (group) meaning.pfs = static_cast<KeyExchangeId>(*group);
  meaning.mode = static_cast<wire::EncapsulationMode>(*mode);
  return meaning;
}

wire::Transform make_esp_transform(const EspTransform& meaning, uint8_t transform_number) {
  const EspSuiteInfo& suite = info(meaning.suite);
  const auto id = suite.combined_mode() ? wire::EspTransform::aes_gcm_16 : wire::EspTransform::aes_cbc;
  wire::Transform transform{.number = transform_number, .id = static_cast<uint8_t>(id), .attributes = {}};
  add_lifetime(transform, number(IpsecAttribute::life_type), number(IpsecAttribute::life_duration), meaning.lifetime);
  if (meaning.pfs != KeyExchangeId::none) add(transform, IpsecAttribute::group, number(meaning.pfs));
  add(transform, IpsecAttribute::encapsulation_mode, number(meaning.mode));
  if (!suite.combined_mode())
    if (const HashNumbers* hash = find_hash(auth_key_length, size_t{suite.auth_key}))
      add(transform, IpsecAttribute::authentication, number(hash->esp));
  add(transform, IpsecAttribute::key_length, size_t{suite.cipher_key} * 8);
  return transform;
}

Lifetime shorter(const Lifetime& a, const Lifetime& b) {
  const auto least = [](auto x, auto y) { return x == decltype(x){} ? y : y == decltype(y){} ? x : std::min(x, y); };
  return {least(a.time, b.time), least(a.kilobytes, b.kilobytes)};
}

Bytes encode_lifetime(const Lifetime& lifetime) {
  wire::Transform attributes;
  add_lifetime(attributes, number(IpsecAttribute::life_type), number(IpsecAttribute::life_duration), lifetime);
  return wire::encode_attributes(attributes.attributes);
}

Lifetime decode_lifetime(ByteView bytes) {
  const auto attributes = wire::decode_attributes(bytes);
  if (!attributes) return {};
  AttributeReader reader(wire::Transform{.attributes = *attributes});
  Lifetime lifetime;
  if (!reader.take_lifetime(number(IpsecAttribute::life_type), number(IpsecAttribute::life_duration), lifetime))
    return {};
  return lifetime;
}

}  // namespace sekisho::ike::v1::suite
