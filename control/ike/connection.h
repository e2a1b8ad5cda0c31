// What the operator wants of one peer, as the IKE engine needs it. Decoded from the configuration (control/config),
// with every default filled in.
#pragma once

#include <chrono>
#include <compare>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/clock.h"
#include "base/esp_suite.h"
#include "base/message.h"
#include "base/secret_bytes.h"
#include "base/traffic_selector.h"
#include "crypto/ike/algorithms.h"
#include "crypto/ike/certificate.h"
#include "crypto/ike/sk_cipher.h"
#include "crypto/ike/trust_anchors.h"

namespace sekisho::ike {

// RFC 7296 section 3.5.
struct Identity {
  enum class Type : uint8_t {
    ipv4_address = 1,
    fqdn = 2,
    rfc822_address = 3,
    ipv6_address = 5,
    der_asn1_dn = 9,
    key_id = 11
  };
  Type type = Type::fqdn;
  // As it travels: addresses as 4 or 16 bytes, distinguished names in DER, others without a terminating NUL.
  std::string value;
  // Of a distinguished name: a hash of what it says, by which most others are told from it without parsing both.
  std::optional<uint32_t> name_hash = {};
  void set_name_hash();

  // "10.9.1.1", "2001:db8::1", "a.lab" or "@a.lab", "user@a.lab", "keyid:office", "C=JP, O=Lab, CN=a.lab".
  static std::optional<Identity> parse(std::string_view text);
  std::string text() const;  // printable, whatever a peer sent
  // Octet by octet; distinguished names by what they say (RFC 5280 section 7.1), since certificates differ in types of
  // strings that no text shows.
  friend bool operator==(const Identity& a, const Identity& b);
  // Some order that both ends agree on.
  friend std::weak_ordering operator<=>(const Identity& a, const Identity& b);
};

// One combination of transforms each; alternatives are further proposals, in order of preference.
struct IkeProposal {
  crypto::SkAlgorithm sk;
  crypto::PrfId prf{};
  crypto::KeyExchangeId key_exchange{};

  friend bool operator==(const IkeProposal&, const IkeProposal&) = default;
  // "aes128gcm16-prfsha256-x25519", "aes256-sha1-modp1024" (the PRF follows the integrity algorithm).
  static std::optional<IkeProposal> parse(std::string_view text);
  std::string text() const;
  // Whether IKEv1 has numbers for it: CBC, the PRF of the integrity algorithm's hash, a modp or ecp group.
  bool in_ikev1() const;
  // Uses SHA-1, modp1024, modp1536 or 3DES, which stand only in a profile that the operator names (RFC 8247).
  bool legacy() const;
};

struct EspProposal {
  EspSuite suite{};
  crypto::KeyExchangeId pfs = crypto::KeyExchangeId::none;  // for CREATE_CHILD_SA; the first child has IKE's own
  bool esn = false;                                         // wanted; without ESN is then acceptable too

  // "aes128gcm16", "aes256-sha256-modp2048", "aes128gcm16-x25519-esn".
  static std::optional<EspProposal> parse(std::string_view text);
  std::string text() const;
  bool in_ikev1() const;  // CBC or AES-GCM, no ESN, a modp or ecp group for PFS
  bool legacy() const;    // modp1024, modp1536; HMAC-SHA1-96 stays permitted for ESP (RFC 8221)
};

enum class IkeVersion : uint8_t { v1 = 1, v2 = 2 };
enum class StartMode : uint8_t {
  start,      // at once, and again whenever it goes down
  respond,    // never from here
  on_traffic  // with the first packet for it
};
// Of a peer that stopped answering; its SAs go in any case.
enum class DpdAction : uint8_t {
  restart,  // begin again at once, unless StartMode::respond
  clear,    // wait for the operator, the peer or (StartMode::on_traffic) a packet
  none      // no probes; where another request shows it, as `restart`
};
enum class Encapsulation : uint8_t { automatic, force, off };

// RFC 7296 section 2.4: intervals grow by `factor`; the last try is followed by one more interval, then the peer is
// dead.
struct Retransmission {
  Duration first = std::chrono::milliseconds(1000);
  double factor = 1.8;
  unsigned tries = 6;  // sends in all, the first included
};

// How long before the end of its lifetime an SA is replaced.
struct Renewal {
  Duration margin = Duration::zero();  // zero: a tenth of the lifetime
  unsigned fuzz = 100;                 // percent of the margin; it is up to so much longer, at random
};

// One child SA that the connection is to have: what it carries, how, and for how long.
struct ChildDefinition {
  std::string name;  // unique in its connection
  std::vector<EspProposal> esp_proposals;
  std::vector<TrafficSelector> local_selectors;
  std::vector<TrafficSelector> remote_selectors;
  Duration lifetime = std::chrono::hours(1);
  uint64_t lifetime_bytes = 0;  // 0: none
  uint64_t lifetime_packets = 0;
  Renewal renewal;  // by volume, the margin is a tenth
  uint16_t replay_window = 256;
};

// How this end proves who it is: by its certificate, or where there is none by the pre-shared key.
struct LocalAuth {
  std::vector<crypto::Certificate> certificates;          // its own, then intermediate ones, as they are sent
  std::shared_ptr<const crypto::PrivateKey> private_key;  // of the first of them

  bool by_certificate() const { return private_key != nullptr; }
  friend bool operator==(const LocalAuth& a, const LocalAuth& b);
};

// What the peer has to show: a certificate that leads to one of the authorities, or where there are none the pre-shared
// key. The two ends need not do the same (RFC 7296 section 2.15).
struct RemoteAuth {
  std::shared_ptr<const crypto::TrustAnchors> authorities;

  bool by_certificate() const { return authorities != nullptr; }
  // Whether the same authorities are trusted, and then whether by the same revocation lists, which count from the next
  // authentication on.
  bool same_authorities(const RemoteAuth& other) const;
  friend bool operator==(const RemoteAuth& a, const RemoteAuth& b);
};

// A post-quantum pre-shared key (RFC 8784).
struct PostQuantumKey {
  std::string id;  // PPK_ID_FIXED
  std::shared_ptr<const SecretBytes> key;
  bool required = true;  // no SA without it

  friend bool operator==(const PostQuantumKey& a, const PostQuantumKey& b);
};

struct Connection {
  std::string name;
  IkeVersion version = IkeVersion::v2;
  bool aggressive = false;  // IKEv1: phase 1 in aggressive mode; as responder, that too
  IpAddress local;
  std::vector<IpAddress> other_locals;  // where it goes while `local` is not there, in order of preference
  IpAddress remote;
  Identity local_id;
  Identity remote_id;
  LocalAuth local_auth;
  RemoteAuth remote_auth;
  std::shared_ptr<const SecretBytes> psk;  // where either end authenticates by it
  std::optional<PostQuantumKey> ppk;
  // RSA signatures with SHA-1, for peers that do not speak RFC 7427, and with PKCS #1 v1.5 padding for those that do.
  bool legacy_signatures = false;
  std::vector<IkeProposal> ike_proposals;
  std::vector<ChildDefinition> children = std::vector<ChildDefinition>(1);  // never empty
  StartMode start = StartMode::start;
  Encapsulation encapsulation = Encapsulation::automatic;
  bool fragmentation = true;   // of IKE messages (RFC 7383)
  uint16_t fragment_size = 0;  // longest IP datagram that IKE sends then; 0: 576 over IPv4, 1280 over IPv6
  bool mobike = true;          // RFC 4555
  bool path_mtu_discovery = true;
  Duration ike_lifetime = std::chrono::hours(8);
  Renewal ike_renewal;
  bool reauthenticate = false;  // a new IKE SA with new children takes the place of a rekey of the IKE SA
  Duration dpd_interval = std::chrono::seconds(30);  // 0: off; a probe goes out after so long without a sign of life
  DpdAction dpd_action = DpdAction::restart;
  Retransmission retransmission;
  Duration retry_interval = std::chrono::seconds(10);  // StartMode::start: between attempts after a failure

  // By name; there must be one.
  const ChildDefinition& child(std::string_view child_name) const;
};

// In constant time; two that are not there are the same.
bool same_secret(const std::shared_ptr<const SecretBytes>& a, const std::shared_ptr<const SecretBytes>& b);
// Whether an IKE SA of the connection may look for the path's MTU: with dead peer detection off nothing is asked of a
// peer that nobody waits for, which would find it dead.
bool may_find_path_mtu(const Connection& connection);
// Whether the connection has all that its authentication takes.
bool can_authenticate(const Connection& connection);

}  // namespace sekisho::ike
