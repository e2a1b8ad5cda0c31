// The IKE engine: every state machine of IKE behind one function without I/O, step(event, now) -> actions. Time comes
// in as a parameter, randomness and inbound SPIs through Environment, so the simulator runs two engines against each
// other under virtual time.
//
// Attack surface: every byte of a DatagramReceived is the network's. State of an established SA changes only after the
// message was authenticated; before that, at most a reply is computed or a rate-limited report made.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/address.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/esp_suite.h"
#include "base/message.h"
#include "base/random.h"
#include "base/secret_bytes.h"
#include "control/ike/connection.h"
#include "control/ike/failure.h"
#include "control/ike/key_observer.h"
#include "control/ike/outer_way.h"

namespace sekisho::ike {

// ------------------------------------------------------------------------------------------------------- events

// An IKE message, without the non-ESP marker (the transport strips it on port 4500).
struct DatagramReceived {
  Endpoint local;
  Endpoint remote;
  Bytes data;
};
// The instant that next_deadline() named has come.
struct TimerFired {};
// Adds a connection or replaces the one of that name. SAs made under the old definition go where the definition
// differs in anything that was negotiated; StartMode::start initiates.
struct SetConnection {
  Connection connection;
};
struct RemoveConnection {
  std::string name;
};
struct Initiate {
  std::string name;
};
struct Terminate {
  std::string name;  // its SAs are deleted; it stays down until Initiate or the peer brings it up
};
struct RekeyChild {
  std::string name;
  std::string child{};  // ChildDefinition::name; empty: every one
};
struct RekeyIke {
  std::string name;
};
// From the data path, by the inbound SPI of the child SA (both directions of a child go by it).
struct ChildSaEvent {
  enum class Kind : uint8_t {
    first_inbound_packet,
    soft_expired,
    hard_expired,
    refused  // InstallChildSa was not carried out
  };
  uint32_t inbound_spi = 0;
  Kind kind{};
};
// A packet waits in the data path for a tunnel that has no SA (StartMode::on_traffic).
struct TrafficWaiting {
  std::string connection;
};
// The data path took an authentic packet on an encapsulated child SA from another source than the child sends to.
struct PeerMoved {
  uint32_t inbound_spi = 0;
  Endpoint remote;
};
// The gateway's own addresses that can be used now; all of them, each time.
struct AddressesChanged {
  std::vector<IpAddress> usable;
};
// Environment::outer_way() may have something else to say of the connection's peer.
struct WayChanged {
  std::string connection;
};
// The daemon ends: a delete goes to every peer, once, without waiting for the answer, and no connection is left.
struct Shutdown {};

using Event =
    std::variant<DatagramReceived, TimerFired, SetConnection, RemoveConnection, Initiate, Terminate, RekeyChild,
                 RekeyIke, ChildSaEvent, TrafficWaiting, PeerMoved, AddressesChanged, WayChanged, Shutdown>;

// ------------------------------------------------------------------------------------------------------ actions

// An IKE message; the transport puts the non-ESP marker before it where local.port is 4500.
struct SendDatagram {
  Endpoint local;
  Endpoint remote;
  Bytes data;
  bool dont_fragment = false;  // neither here nor on the way: it probes the path
};

struct SaParameters {
  uint32_t spi = 0;
  SecretBytes key_material;  // EspSuiteInfo::key_material() bytes, in that order
};

// Puts both directions of a child SA in place. Inbound accepts at once; outbound is used at once where
// `outbound_active`, else from ActivateOutbound on (a responder waits until the initiator surely has the SA).
struct InstallChildSa {
  std::string connection;
  std::string child;  // ChildDefinition::name
  EspSuite suite{};
  bool esn = false;
  bool udp_encapsulation = false;
  bool outbound_active = true;
  SaParameters inbound;
  SaParameters outbound;
  Endpoint local;  // outer addresses; the ports count with udp_encapsulation
  Endpoint remote;
  std::vector<TrafficSelector> local_selectors;
  std::vector<TrafficSelector> remote_selectors;
  uint16_t replay_window = 0;
  uint64_t soft_packets = 0, hard_packets = 0, soft_bytes = 0, hard_bytes = 0;  // 0: none
};
// Both directions of an installed child SA have other outer addresses from now on: the peer moved (NAT rebinding, RFC
// 4555). Keys, SPIs, sequence numbers and the replay window stay.
struct UpdateChildSa {
  std::string connection;
  uint32_t inbound_spi = 0;
  bool udp_encapsulation = false;
  Endpoint local;
  Endpoint remote;
};
struct ActivateOutbound {
  std::string connection;
  uint32_t inbound_spi = 0;
};
struct RemoveChildSa {
  std::string connection;
  uint32_t inbound_spi = 0;
};
// What is known of the MTU of the path to that peer: of IP datagrams, in octets; nothing: no more than its link says.
struct SetPathMtu {
  std::string connection;
  IpAddress remote;
  std::optional<uint16_t> mtu;
};
// For the log and for `show tunnel`: what happened, in the catalogue's words. The detail holds no secret.
struct Report {
  // `none`: provoked by a sender who has proven nothing; of an operator's view of the connection it may be no more than
  // a hint.
  enum class Proof : uint8_t { authentic, none };
  const Message* message = nullptr;
  std::string connection;  // empty: none in particular
  std::string detail;
  std::optional<Mismatch> mismatch;
  Proof proof = Proof::authentic;
};

using Action =
    std::variant<SendDatagram, InstallChildSa, UpdateChildSa, ActivateOutbound, RemoveChildSa, SetPathMtu, Report>;
using Actions = std::vector<Action>;

// -------------------------------------------------------------------------------------------------------- views

struct ChildSaView {
  std::string name;  // ChildDefinition::name
  uint32_t inbound_spi = 0, outbound_spi = 0;
  EspSuite suite{};
  bool esn = false;
  bool udp_encapsulation = false;
  bool outbound_active = false;
  crypto::KeyExchangeId pfs = crypto::KeyExchangeId::none;
  std::string state;  // "installed", "rekeying", "rekeyed", "deleting"
  std::vector<TrafficSelector> local_selectors, remote_selectors;
  Instant created{}, rekey_at{}, expires_at{};
};

// What IKE has found of the path's MTU.
struct PathMtuView {
  enum class State : uint8_t {
    impossible,  // it takes IKEv2 and RFC 7383, by both ends
    off,         // in the configuration
    waiting,     // for the IKE SA to be there, or for a way to the peer
    searching,
    found,
    not_found  // no probe is answered
  };
  State state = State::impossible;
  std::optional<uint16_t> mtu;  // also while a search goes on, which may end with another one
  Instant proven{};             // the last time, where there is an MTU
};

struct IkeSaView {
  std::string connection;  // empty while a responder does not know yet
  IkeVersion version = IkeVersion::v2;
  std::string state;  // "connecting", "established", "rekeying", "deleting"
  uint64_t initiator_spi = 0, responder_spi = 0;
  bool initiator = false;
  Endpoint local, remote;
  std::string local_id, remote_id;
  std::string proposal;  // IkeProposal::text()
  bool local_behind_nat = false, remote_behind_nat = false;
  Instant created{}, established_at{}, rekey_at{}, expires_at{};
  std::optional<WallTime> certified_until = {};  // notAfter of the certificate that the peer proved itself by
  PathMtuView path_mtu;
  std::vector<ChildSaView> children;
};

// Where a connection stands beyond its SAs.
struct ConnectionView {
  struct Child {
    std::string name;  // ChildDefinition::name
    bool up = false;
    std::optional<Instant> next_attempt;
  };
  std::string name;
  // "down": by the operator; "waiting": for the peer, for traffic or for the next attempt; "connecting"; "established":
  // an IKE SA, but not every child; "up": every child.
  std::string state;
  bool wanted = false;                  // it is brought up again whenever it goes down
  unsigned attempts = 0;                // that began here since the last IKE SA was established
  std::optional<Instant> next_attempt;  // at an IKE SA
  std::vector<Child> children;
  std::optional<Failure> last_failure;    // warnings included; it may be over since
  std::optional<Failure> unproven_since;  // the last one after it that anybody may have provoked, if it was authentic
};

// ------------------------------------------------------------------------------------------------------- engine

class Environment {
 public:
  virtual ~Environment() = default;
  virtual Random& random() = 0;
  // For what certificates and revocation lists say of time; the engine waits by `now` alone.
  virtual WallTime wall_clock() const = 0;
  // An inbound SPI that no live SA has; nothing where the SA table is full. Given back by RemoveChildSa, or by
  // release_inbound_spi() if it was never installed.
  virtual std::optional<uint32_t> allocate_inbound_spi() = 0;
  virtual void release_inbound_spi(uint32_t spi) = 0;
  // Whether that child's traffic is carried by SAs of an engine before this one, of which this one knows nothing.
  virtual bool carries(const std::string& connection, const std::string& child) const = 0;
  // The link that leads to that address outside; nothing where none is known.
  virtual std::optional<OuterWay> outer_way(const IpAddress&) const { return {}; }
  // Who wants the keys of new SAs; nobody, unless the operator logs keys.
  virtual KeyObserver* key_observer() { return nullptr; }
};

struct EngineOptions {
  // From so many half-open SAs on, an IKE_SA_INIT request without a cookie is answered by a cookie (RFC 7296 2.6).
  unsigned cookie_threshold = 32;
  unsigned max_half_open = 256;
  Duration half_open_timeout = std::chrono::seconds(30);
};

class Engine {
 public:
  Engine(EngineOptions options, Environment& environment);
  ~Engine();

  Actions step(Event event, Instant now);
  // When TimerFired wants to be called; nothing where no timer runs.
  std::optional<Instant> next_deadline() const;
  // Whether there is the IKE SA whose SPIs (or cookies, of IKEv1) the message names. A message of a handshake that
  // names another gets no answer and changes nothing, so it need not be brought here.
  bool knows(ByteView message) const;
  std::vector<IkeSaView> ike_sas() const;
  std::vector<ConnectionView> connections() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sekisho::ike
