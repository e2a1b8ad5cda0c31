// The configuration, decoded: JSON text in, typed desired state out, or every error that the text holds.
//
// The file is the operator's, yet it is read as hostile input: size, depth and the number of reported errors are
// bounded, names are checked before they reach the kernel, and nothing of a secret is put into an error. Secrets stand
// in files of their own, named by "psk_file".
//
// Parts: json_document (text to tree), node (typed reading with error collection), fields (addresses, names,
// proposals), decode_* (the schema), crosscheck (what only shows when two parts are seen together), encode and diff.
// docs/configuration.md describes every key.
#pragma once

#include <expected>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/message.h"
#include "control/ike/connection.h"
#include "ipc/schema.h"

namespace sekisho::config {

// A DPDK device and its twin interface in the kernel, which has the name of the port.
struct Port {
  std::string device;  // "0000:03:00.0", "net_af_packet0,iface=eth1"
  std::vector<InterfaceAddress> addresses;
  uint16_t mtu = 1500;
  std::string vrf = {};                           // empty: the front door
  std::vector<std::string> security_groups = {};  // sorted; none: nothing is filtered

  bool operator==(const Port&) const = default;
};

// A static route.
struct Route {
  Prefix prefix;
  IpAddress via;

  friend auto operator<=>(const Route&, const Route&) = default;
};

// A VRF: a network namespace of the kernel's with the same name, /run/netns/NAME, and a table of its own in the
// dataplane. The gateway's own namespace, where IKE and ESP travel, is the front door.
struct Vrf {
  std::vector<Route> routes;
  std::vector<Prefix> guards;  // dropped where no better route is, beside those of tunnels and groups

  bool operator==(const Vrf&) const = default;
};

// The VTI of a tunnel.
struct TunnelInterface {
  std::string name;
  std::vector<InterfaceAddress> addresses;
  std::optional<uint16_t> mtu;                    // nothing: what the SAs leave
  std::optional<uint16_t> mss;                    // nothing: what the MTU leaves; 0: TCP may announce what it likes
  std::string vrf = {};                           // of what travels inside; empty: the front door
  std::vector<std::string> security_groups = {};  // as of a port

  bool operator==(const TunnelInterface&) const = default;
};

enum class Profile : uint8_t { modern, legacy };

// The files that a tunnel's authentication takes, as written; empty where there is none.
struct AuthFiles {
  std::string psk, certificate, private_key, ppk;
  std::vector<std::string> authorities, crls;
  bool require_crl = false;
};

// How FRR is to know a tunnel's routes.
struct Propagation {
  bool wanted = true;
  uint8_t distance = 1;  // administrative; the lower one wins over other protocols' routes
  uint32_t metric = 0;
  uint32_t tag = 0;  // for route maps

  bool operator==(const Propagation&) const = default;
};

// FRR beside this gateway.
struct Frr {
  enum class RoutesAs : uint8_t { babel, openfabric, nhrp };
  RoutesAs routes_as = RoutesAs::babel;            // the protocol whose name our routes bear there
  Duration hold_time = std::chrono::seconds(150);  // what it said stays for so long after it is gone

  bool operator==(const Frr&) const = default;
};

// What is known of BGP over a tunnel. FRR speaks it, by its own configuration.
struct Bgp {
  enum class Cloud : uint8_t { none, aws, azure, other };  // whose gateway the neighbour is
  uint32_t local_as = 0, neighbour_as = 0;
  Cloud cloud = Cloud::none;

  bool operator==(const Bgp&) const = default;
};

// Echo requests through a tunnel (tunnel/probe.h), or what bfdd says of its session there (routing/bfd/probe.h), which
// has neither source nor times of ours.
struct Probe {
  enum class Protocol : uint8_t { icmp, udp, bfd };
  IpAddress target;
  std::optional<IpAddress> source;  // default: as the kernel chooses on the tunnel's interface
  Protocol protocol = Protocol::icmp;
  uint16_t port = 0;  // with UDP
  Duration interval = std::chrono::seconds(1);
  Duration timeout = std::chrono::seconds(1);
  unsigned loss = 3, of = 5;

  bool operator==(const Probe&) const = default;
};

struct Tunnel {
  ike::Connection connection;  // its name is the tunnel's
  TunnelInterface interface;
  std::optional<uint16_t> outer_mtu;  // of the path to the peer; nothing: the link's
  bool path_mtu_discovery = true;     // IKE looks for it, where outer_mtu is not given
  ipc::DfPolicy df = ipc::DfPolicy::copy;
  std::vector<Prefix> routes;  // through the interface, while the tunnel is up; blackholes guard them meanwhile
  Propagation propagation;
  std::optional<Bgp> bgp;
  std::optional<Probe> probe;
  Profile profile = Profile::modern;
  AuthFiles files;
};

template <typename T>
using ByName = std::map<std::string, T, std::less<>>;

// One connection over several tunnels: which of them carries the routes is decided as they come and go
// (tunnel/group.h).
struct Group {
  // One carries all, and the others wait; or all carry, each its share.
  enum class Mode : uint8_t { standby, active };
  std::vector<std::string> tunnels;  // the best first
  std::vector<Prefix> routes;
  Propagation propagation;
  Mode mode = Mode::standby;
  ByName<uint16_t> weights;  // active: of each tunnel, 1 to 255; standby: none
  Duration hold_down{};
  bool fail_back = true;  // by itself

  bool operator==(const Group&) const = default;
};

struct PortRange {
  uint16_t first = 0, last = 0;

  bool operator==(const PortRange&) const = default;
};

// What lets the first packet of a flow pass. A part that is not given, or empty, is any.
struct SecurityRule {
  uint8_t protocol = 0;               // 0: any
  std::vector<Prefix> remote, local;  // beyond the interface, and on the other side
  std::vector<PortRange> ports;       // destination; TCP, UDP, SCTP
  std::optional<uint8_t> icmp_type;
  std::string note;

  bool operator==(const SecurityRule&) const = default;
};

// Rules for what enters by the interfaces that have the group, and for what leaves by them.
struct SecurityGroup {
  std::vector<SecurityRule> in, out;

  bool operator==(const SecurityGroup&) const = default;
};

// Where the keys of SAs are logged for debugging.
struct KeyLog {
  std::filesystem::path directory;  // absolute

  bool operator==(const KeyLog&) const = default;
};

struct Config {
  ByName<SecurityGroup> security_groups;
  ByName<Port> ports;
  std::optional<Frr> frr;
  ByName<Vrf> vrfs;
  std::vector<Route> routes;   // of the front door
  std::vector<Prefix> guards;  // likewise; dropped where no better route is, beside those of tunnels and groups
  ByName<Tunnel> tunnels;
  ByName<Group> groups;
  std::optional<KeyLog> key_log;       // off unless the operator says so
  std::optional<Error> key_log_fault;  // why there is none although the operator says so
};

// The VRF of the group's tunnels; empty: the front door.
std::string vrf_of(const Config& config, const Group& group);

// The group that the tunnel is in, with its name; nullptr where it is in none.
const ByName<Group>::value_type* group_of(const Config& config, std::string_view tunnel);

struct ConfigError {
  std::string pointer;  // JSON pointer (RFC 6901) of the offending value; empty: the whole text
  Error error;          // the detail names the offending value
};
using ConfigErrors = std::vector<ConfigError>;

inline constexpr size_t max_config_size = size_t{16} << 20;
inline constexpr unsigned max_config_depth = 32;
inline constexpr size_t max_config_errors = 1000;  // further ones are only counted

// What becomes of a configuration whose key log's directory cannot be used. When the daemon starts, nobody is there who
// would correct it, and what is for debugging alone must not keep the gateway down.
enum class UnusableKeyLog : bool { refused, left_off };

// Relative psk files are taken from `directory`; they are read here. The errors stand in the order of the text, those
// that concern several parts at the end.
std::expected<Config, ConfigErrors> decode(std::string_view text, const std::filesystem::path& directory,
                                           UnusableKeyLog unusable_key_log = UnusableKeyLog::refused);

// Reads the file and decodes it; psk files are relative to where the file is.
std::expected<Config, ConfigErrors> load(const std::filesystem::path& file,
                                         UnusableKeyLog unusable_key_log = UnusableKeyLog::refused);

}  // namespace sekisho::config
