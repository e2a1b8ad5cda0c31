// Which addresses a packet on the wire may come from or go to. Both processes go by this: what the configuration or a
// peer may name, and what the data path takes for a tunnel's outer header.
#pragma once

#include <string_view>

#include "base/address.h"

namespace sekisho {

// What keeps the address from being a host's ("is a multicast address"); empty: nothing.
std::string_view unicast_fault(const IpAddress& address);

// The same of one that a tunnel is to have outside: a link-local one says nothing without its link.
std::string_view outer_address_fault(const IpAddress& address);

}  // namespace sekisho
