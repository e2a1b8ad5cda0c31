// The sections of the configuration, one reader each. A reader fills in what it can and reports the rest.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "control/config/claims.h"
#include "control/config/config.h"
#include "control/config/node.h"

namespace sekisho::config {

struct Context {
  std::filesystem::path directory;  // of relative psk files
  UnusableKeyLog unusable_key_log{};
  Claims claims;
  Config config;  // as read so far: ports, then routes, then groups, then tunnels
  // Where the groups' tunnels and routes stand in the text.
  struct GroupPlaces {
    std::vector<std::pair<Node, std::string>> tunnels;
    std::vector<std::pair<Node, Prefix>> routes;
  };
  std::vector<GroupPlaces> groups;
  std::vector<std::pair<Node, std::string>> probe_targets;  // and whose they are
};

void read_port(const std::string& name, const Node& node, Context& context);
void read_route(const Node& node, Context& context);
// An item of "guards".
void read_guard(const Node& node, Context& context);
void read_frr(const Node& node, Context& context);
// "propagate" of a tunnel or group.
void read_propagation(const Object& parent, Propagation& propagation);
// Before the tunnels, which have no routes by default where they are in a group.
void read_group(const std::string& name, const Node& node, Context& context);
// After them: whether the tunnels of each group are there and can carry its routes.
void check_groups(const Context& context);
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

// "mtu" of an interface with these addresses; IPv6 needs 1280 (RFC 8200 section 5). Nothing where it is not given,
// "auto" or wrong.
std::optional<uint16_t> read_optional_mtu(const Object& object, const std::vector<InterfaceAddress>& addresses);
// "outer_mtu" of a tunnel, likewise.
std::optional<uint16_t> read_outer_mtu(const Object& object, Family outer);
// "addresses" of an interface; each may be used once in the whole configuration.
std::vector<InterfaceAddress> read_addresses(const Object& object, Context& context);

}  // namespace sekisho::config
