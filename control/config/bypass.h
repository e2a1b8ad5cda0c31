// Static routes that lead around a tunnel: they are more specific than one of its routes, or of those of a group, whose
// first tunnel is named then. So what they cover leaves in
// clear by their gateway.
#pragma once

#include <map>
#include <string>

#include "control/config/config.h"

namespace sekisho::config {

// By tunnel, for an operator: the first such route, and how many more there are. A route that leads to the outside
// address of a peer is none of them, for without it a tunnel would carry its own packets. Nor are the networks of
// ports, which are at this end.
ByName<std::string> bypasses(const Config& config);

}  // namespace sekisho::config
