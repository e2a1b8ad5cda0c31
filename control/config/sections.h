// The sections of the configuration, one reader each. A reader fills in what it can and reports the rest.
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "control/config/claims.h"
#include "control/config/config.h"
#include "control/config/node.h"

namespace sekisho::config {

inline constexpr size_t max_routes = 4096;  // of a tunnel or a group

struct Context {
  std::filesystem::path directory;  // of relative psk files
  UnusableKeyLog unusable_key_log{};
  Claims claims;
  // Which there are; else no name of one is refused.
  bool security_groups_known = true, vrfs_known = true;
  Config config;  // as read so far: security groups, VRFs, ports, then routes, then groups, then tunnels
  // Where the groups' tunnels and routes stand in the text.
  struct GroupPlaces {
    std::string name;
    std::optional<Node> propagate;
    std::vector<std::pair<Node, std::string>> tunnels;
    bool tunnels_clear = true;  // they could all be read
    std::vector<std::pair<Node, Prefix>> routes;
    std::vector<std::pair<Node, std::string>> weights_of_others;  // than the group's tunnels
  };
  std::vector<GroupPlaces> groups;
  std::vector<std::pair<Node, std::string>> probe_targets;  // and whose they are
  struct MtuPlaces {
    std::string tunnel;
    std::optional<Node> mtu, outer_mtu;  // where they are given as numbers
  };
  std::vector<MtuPlaces> mtus;
  std::set<std::string, std::less<>> faulty;  // tunnels of which something was refused
};

// Reports where there are more than `most` of something.
void check_count(const Node& node, size_t count, size_t most);
void read_security_group(const std::string& name, const Node& node, Context& context);
// "security_groups" of an interface, after all of them. Sorted; those that there are.
std::vector<std::string> read_security_groups(const Object& object, const Context& context);
void read_port(const std::string& name, const Node& node, Context& context);
// "routes" and "guards" of a VRF, and of the front door, whose name is empty.
void read_table(const Object& object, const std::string& vrf, std::vector<Route>& routes, std::vector<Prefix>& guards,
                Context& context);
void read_vrf(const std::string& name, const Node& node, Context& context);
// "vrf" of a port or an interface, refused where there is none of that name; empty where it is not given.
std::string read_vrf_name(const Object& object, const Context& context);
// How a thing of a VRF is claimed, of which each VRF may have one.
std::string within(const std::string& vrf, std::string thing);
void read_frr(const Node& node, Context& context);
// "propagate" of a tunnel or group.
void read_propagation(const Object& parent, Propagation& propagation);
// Likewise, where the tunnels are in a VRF, whose routes FRR is not told: that it is not to be is what is so.
void refuse_propagation(const Node& propagate);
// Before the tunnels, which have no routes by default where they are in a group.
void read_group(const std::string& name, const Node& node, Context& context);
// After them: whether the tunnels of each group are there and can carry its routes.
void check_groups(Context& context);
// "probe" of a tunnel, whose selectors have been read.
void read_probe(const Object& object, Tunnel& tunnel, Context& context);
// After all tunnels: whether an answer of each target shows anything, and can come.
void check_probes(const Context& context);
// "bgp" of a tunnel, whose interface has been read.
void read_bgp(const Object& tunnel, Tunnel& result);
void read_tunnel(const std::string& name, const Node& node, Context& context);

// The two ends' "auth" with what belongs to it, "psk_file" and "ppk". `local` and `remote` are the ends' objects; their
// identities and the profile have been read. An end without "id" that has a certificate goes by its subject.
struct EndObject {
  Object object;
  Node place;  // of "id", or of the object
  bool id_given = false;
};
void read_authentication(const Object& tunnel, const EndObject& local, const EndObject& remote, Tunnel& result,
                         const std::filesystem::path& directory);

// "mtu" of a tunnel's interface. Nothing where it is not given, "auto" or wrong.
std::optional<uint16_t> read_optional_mtu(const Object& object);
// "outer_mtu" of a tunnel, likewise; IPv6 outside needs 1280.
std::optional<uint16_t> read_outer_mtu(const Object& object, Family outer);
// After all tunnels and groups: whether what is given leaves room for the IPv6 that each tunnel has or may have to
// carry.
void check_ipv6_fits(const Context& context);
// "addresses" of an interface; each may be used once in a VRF.
std::vector<InterfaceAddress> read_addresses(const Object& object, const std::string& vrf, Context& context);

}  // namespace sekisho::config
