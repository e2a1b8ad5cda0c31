// What the JSON-RPC server asks of the daemon. control/main implements it on its live state; views.h turns the typed
// answers into JSON. Nothing here blocks: an operation that takes time is started, and its outcome shows in the views,
// or is told later.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/clock.h"
#include "base/message.h"
#include "control/config/config.h"
#include "control/config/diff.h"
#include "control/ike/engine.h"
#include "control/routing/bgp/view.h"
#include "control/tunnel/mtu.h"
#include "ipc/counters.h"
#include "ipc/schema.h"

namespace sekisho::rpc {

// The last thing that went wrong with something.
struct LastError {
  Error error;
  Instant at{};
};

// Datagrams of handshakes that wait for their turn; the rest counts since the start.
struct HandshakeCounts {
  uint64_t waiting = 0, queued = 0, repeated = 0, refused = 0, dropped = 0;
};

// FRR's zebra, as the session with it stands.
struct ZebraView {
  enum class State : uint8_t { off, connecting, synchronizing, synchronized };
  State state = State::off;    // off: not configured
  std::string release;         // "8.4", while there is a session
  size_t routes = 0;           // known of it; best ones, of all protocols
  size_t stale_routes = 0;     // of these not said again since a session ended
  size_t left_out_routes = 0;  // those for which there was no room
  size_t own_routes = 0;       // that it is told
  size_t own_installed = 0;    // of these in the kernel by its word
};

struct DaemonView {
  std::string config_file;
  Instant started{};
  bool dataplane_connected = false;
  std::optional<Instant> dataplane_since;  // of the connection
  unsigned workers = 0;                    // of the dataplane, while connected
  HandshakeCounts handshakes;
  ZebraView zebra;
  std::optional<LastError> last_error;  // of the daemon as a whole: channel, kernel, configuration
  bool dataplane_responding = true;     // false: connected, and silent
  std::vector<LastError> faults;        // that are there now, since then
};

enum class TunnelPhase : uint8_t {
  up,          // the dataplane has a child SA to send on, and the routes
  connecting,  // an IKE SA exists or is tried
  down,
};

struct Traffic {
  uint64_t packets = 0;
  uint64_t octets = 0;  // of inner packets
};

struct ProbeView {
  enum class State : uint8_t { idle, unproven, answering, failing, unheard };
  State state = State::idle;  // idle: the tunnel is not up; unheard: it goes by BFD, and bfdd says nothing
  std::string reason;         // why it fails or is unheard
  // By echoes.
  uint64_t sent = 0, answered = 0, lost = 0;
  std::optional<Duration> round_trip;  // of the last answer
  // By BFD: "up", "down", ...; empty: bfdd has none.
  std::string session;
};

// The configuration of the tunnel (addresses, ids, interface, routes) is taken from running().
struct TunnelView {
  std::string name;
  TunnelPhase phase = TunnelPhase::down;
  bool held_down = false;  // by `tunnel down`: stays so until `tunnel up` or the peer brings it up
  std::optional<Instant> up_since;
  std::optional<LastError> last_error;  // cleared when the tunnel comes up
  bool last_error_proven = true;        // false: anybody may have provoked it
  std::optional<Traffic> in, out;       // since the dataplane knows the tunnel; of all its SAs so far known
  std::optional<ProbeView> probe;       // where the tunnel has one
  bool local_address_here = true;       // an interface of the machine has it, or an alternative
};

using SaCounters = std::array<uint64_t, static_cast<size_t>(ipc::SaCounter::count)>;
using PortCounters = std::array<uint64_t, static_cast<size_t>(ipc::PortCounter::count)>;
using DropCounters = std::array<uint64_t, static_cast<size_t>(ipc::DropReason::count)>;

// Counters of the SAs of one child, summed over the workers.
struct ChildCounters {
  uint32_t inbound_spi = 0;
  SaCounters in{}, out{};
};

// One of several ways of a route.
struct HopView {
  ipc::NextHopKind kind = ipc::NextHopKind::drop;
  std::string interface;
  std::optional<IpAddress> via;
  uint32_t weight = 1;  // how much of the traffic is its part
};

struct RouteView {
  std::string vrf = {};  // empty: the front door
  Prefix prefix;
  ipc::NextHopKind kind = ipc::NextHopKind::drop;  // group: what the hops say
  std::string interface;                           // the port or VTI; empty with drop, local and group
  std::optional<IpAddress> via;
  std::optional<uint32_t> metric;
  std::optional<uint8_t> distance;  // where FRR's zebra has said the route
  std::vector<HopView> hops;        // of a group
  std::string origin;               // "connected", "static", "tunnel", "bgp", ...: who made it, where known
};

// Where a route stands in the order of VRFs, by name, and prefixes.
struct RoutePlace {
  std::string vrf;
  Prefix prefix;
};

// Some routes in that order.
struct RoutePart {
  std::vector<RouteView> routes;
  bool last = true;  // no other comes after them
};

struct VrfView {
  std::string name;
  std::optional<LastError> fault;  // why it cannot be used
  size_t routes = 0;
};

struct NeighbourView {
  std::string vrf = {};
  IpAddress address;
  std::string interface;
  std::optional<MacAddress> mac;
  std::string state;  // "reachable", "stale", "incomplete", ...
};

struct GroupMemberView {
  std::string tunnel;
  std::optional<Instant> usable_since;  // none: it is not usable
  bool failed = false;                  // and stands by for that reason though it may be usable again
  std::optional<Instant> returns_at;    // if nothing happens meanwhile
};

// The configuration of the group is taken from running().
struct GroupView {
  std::string name;
  std::vector<std::string> carriers;  // one at most with mode standby; none: no tunnel is usable
  std::optional<Instant> carried_since;
  std::optional<std::string> preferred;  // by `group prefer`
  std::vector<GroupMemberView> members;  // in the order of the configuration
};

// A packet that a filter let not pass, of those that the dataplane reports: a few a second.
struct Denial {
  Instant at{};
  std::string interface;
  ipc::Direction direction{};
  ipc::DenialReason reason{};
  uint8_t protocol = 0;
  IpAddress source, destination;
  std::optional<uint16_t> source_port, destination_port;
};

using FilterCounters = std::array<uint64_t, static_cast<size_t>(ipc::FilterCounter::count)>;

// What a list of security groups has done at the interfaces that have it.
struct FilterView {
  std::vector<std::string> groups, interfaces;
  std::optional<FilterCounters> counters;  // while the dataplane is connected, and has these filters
  std::vector<Denial> denials;             // the last first
};

struct SecurityView {
  std::vector<FilterView> filters;
  uint32_t flows = 0, flow_places = 0;  // of all filters; a few seconds old
  std::optional<Error> refusal;         // the dataplane has not taken these filters: those from before are in force
};

struct PortView {
  std::string name;      // device, addresses and the desired MTU are taken from running()
  bool present = false;  // the dataplane has it
  bool link_up = false;
  uint16_t mtu = 0;
  std::optional<MacAddress> mac;
  std::optional<PortCounters> counters;  // while the dataplane has it
  std::optional<LastError> last_error;
};

class Operations {
 public:
  virtual ~Operations() = default;

  virtual Instant now() const = 0;
  virtual WallTime wall_clock() const = 0;
  virtual const config::Config& running() const = 0;
  virtual DaemonView daemon() const = 0;
  virtual std::vector<TunnelView> tunnels() const = 0;  // every configured one, in the order of names
  virtual std::optional<control::TunnelMtu> tunnel_mtu(const std::string& name) const = 0;
  virtual std::vector<ike::IkeSaView> ike_sas() const = 0;
  virtual std::vector<ike::ConnectionView> connections() const = 0;
  virtual std::vector<ChildCounters> child_counters() const = 0;
  // What the dataplane was told: the first routes, of those behind `after` where that is given, until they and their
  // ways are `most`.
  virtual RoutePart routes(const std::optional<RoutePlace>& after, size_t most) const = 0;
  // In each VRF the route to exactly that prefix; the longest match of an address.
  virtual std::vector<RouteView> routes_to(const Prefix& prefix) const = 0;
  virtual std::vector<RouteView> routes_taken_by(const IpAddress& address) const = 0;
  virtual bool has_interface(std::string_view name) const = 0;  // in the kernel, in any VRF
  virtual std::vector<NeighbourView> neighbours() const = 0;
  virtual std::vector<VrfView> vrfs() const = 0;    // every configured one, in the order of names
  virtual std::vector<PortView> ports() const = 0;  // every configured one, in the order of names
  virtual DropCounters drops() const = 0;
  virtual std::vector<GroupView> groups() const = 0;  // every configured one, in the order of names
  virtual SecurityView security() const = 0;

  // What FRR's bgpd says, as routing/bgp/view.h has it, of one neighbour or, without a name, of all. `done` is called
  // once, perhaps before this returns; not any more once the daemon ends.
  virtual void bgp(bgp::View view, std::string neighbour, std::function<void(Result<nlohmann::json>)> done) = 0;

  // Each tunnel named here exists (the server checks). They start the operation and return.
  virtual Result<void> tunnel_up(std::string_view name) = 0;
  virtual Result<void> tunnel_down(std::string_view name) = 0;
  virtual Result<void> rekey_child(std::string_view name, std::string_view child) = 0;  // empty: every child
  virtual Result<void> rekey_ike(std::string_view name) = 0;

  // The group exists (the server checks).
  virtual Result<void> group_prefer(std::string_view name, std::string_view tunnel) = 0;
  virtual Result<void> group_fail_back(std::string_view name) = 0;

  // Makes `desired` the running configuration; `plan` is diff(running(), desired). Opens the key log anew, also where
  // nothing differs.
  virtual Result<void> apply(config::Config desired, const config::Plan& plan) = 0;
};

}  // namespace sekisho::rpc
