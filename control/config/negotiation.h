// The parts of a tunnel that are negotiated with the peer, and the routes that follow from them.
#pragma once

#include "control/config/sections.h"

namespace sekisho::config {

void read_ike(const Object& object, Tunnel& tunnel);
// "esp" of the tunnel: what its children begin with.
void read_esp(const Object& object, Tunnel& tunnel);
void read_child_esp(const Object& child_object, const Tunnel& tunnel, ike::ChildDefinition& child);
// "children" or, without them, the tunnel's own "selectors"; after read_esp.
void read_children(const Object& object, Tunnel& tunnel);
// Whether the tunnel may carry what the prefix covers, and does not carry its own packets by it. What `whose` says
// stands behind what is wrong.
void check_way(const Prefix& prefix, const Node& node, const Tunnel& tunnel, const Config& config,
               std::string_view whose = {});
// "routes"; default: none in a group, else the remote selectors, except 0.0.0.0/0 and ::/0. `node` is the tunnel.
void read_tunnel_routes(const Object& object, const Node& node, Tunnel& tunnel, Context& context);

}  // namespace sekisho::config
