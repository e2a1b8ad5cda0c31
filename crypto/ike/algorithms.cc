#include "crypto/ike/algorithms.h"

#include <array>
#include <span>

namespace sekisho::crypto {
namespace {

template <typename Id>
struct Named {
  Id id;
  std::string_view name;
};

constexpr std::array<Named<PrfId>, 4> prfs = {{
    {PrfId::hmac_sha1, "prfsha1"},
    {PrfId::hmac_sha2_256, "prfsha256"},
    {PrfId::hmac_sha2_384, "prfsha384"},
    {PrfId::hmac_sha2_512, "prfsha512"},
}};
constexpr std::array<Named<IntegrityId>, 4> integrities = {{
    {IntegrityId::hmac_sha1_96, "sha1"},
    {IntegrityId::hmac_sha2_256_128, "sha256"},
    {IntegrityId::hmac_sha2_384_192, "sha384"},
    {IntegrityId::hmac_sha2_512_256, "sha512"},
}};
constexpr std::array<Named<KeyExchangeId>, 9> key_exchanges = {{
    {KeyExchangeId::modp1024, "modp1024"},
    {KeyExchangeId::modp1536, "modp1536"},
    {KeyExchangeId::modp2048, "modp2048"},
    {KeyExchangeId::modp3072, "modp3072"},
    {KeyExchangeId::modp4096, "modp4096"},
    {KeyExchangeId::ecp256, "ecp256"},
    {KeyExchangeId::ecp384, "ecp384"},
    {KeyExchangeId::ecp521, "ecp521"},
    {KeyExchangeId::x25519, "x25519"},
}};

template <typename Id>
std::string_view name_in(std::span<const Named<Id>> table, Id id) {
  for (const auto& entry : table)
    if (entry.id == id) return entry.name;
  return {};
}

template <typename Id>
std::optional<Id> find_in(std::span<const Named<Id>> table, std::string_view name) {
  for (const auto& entry : table)
    if (entry.name == name) return entry.id;
  return {};
}

}  // namespace

std::string_view name(PrfId id) { return name_in<PrfId>(prfs, id); }
std::string_view name(IntegrityId id) { return name_in<IntegrityId>(integrities, id); }
std::string_view name(KeyExchangeId id) { return name_in<KeyExchangeId>(key_exchanges, id); }
std::optional<PrfId> find_prf(std::string_view name) { return find_in<PrfId>(prfs, name); }
std::optional<IntegrityId> find_integrity(std::string_view name) { return find_in<IntegrityId>(integrities, name); }
std::optional<KeyExchangeId> find_key_exchange(std::string_view name) {
  return find_in<KeyExchangeId>(key_exchanges, name);
}

}  // namespace sekisho::crypto
