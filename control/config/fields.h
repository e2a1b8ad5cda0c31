// Readers for the values that the configuration is made of. Each reports what is wrong and then returns nothing.
#pragma once

#include <optional>
#include <string>

#include "base/address.h"
#include "base/traffic_selector.h"
#include "control/config/config.h"
#include "control/config/node.h"
#include "control/ike/connection.h"

namespace sekisho::config {

// A host's address: not unspecified, multicast, broadcast or loopback.
std::optional<IpAddress> read_unicast_address(const Node& node);
// "10.9.1.1/24": a host's address with its prefix length.
std::optional<InterfaceAddress> read_interface_address(const Node& node);
std::optional<Prefix> read_prefix(const Node& node);
std::optional<ike::Identity> read_identity(const Node& node);
std::optional<std::string> read_device(const Node& node);
// A name for the kernel's interface; Linux keeps 15 characters.
std::optional<std::string> read_interface_name(const Node& node);
std::optional<ike::IkeProposal> read_ike_proposal(const Node& node, Profile profile);
std::optional<ike::EspProposal> read_esp_proposal(const Node& node, Profile profile);

// For names that are keys: what is wrong with one; empty: nothing.
std::string interface_name_fault(std::string_view name);
std::string tunnel_name_fault(std::string_view name);
std::string vrf_name_fault(std::string_view name);

}  // namespace sekisho::config
