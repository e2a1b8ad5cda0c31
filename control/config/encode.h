// The configuration as JSON with every default written out: what `diff` compares and what the operator may look at. No
// secret is in it.
#pragma once

#include <nlohmann/json.hpp>

#include "control/config/config.h"

namespace sekisho::config {

nlohmann::json encode(const KeyLog& key_log);
nlohmann::json encode(const Port& port);
nlohmann::json encode(const SecurityGroup& group);
nlohmann::json encode(const Route& route);
nlohmann::json encode(const Vrf& vrf);
nlohmann::json encode(const Frr& frr);
nlohmann::json encode(const Group& group);
nlohmann::json encode(const ike::Connection& connection);  // the tunnel's keys that the IKE engine sees
nlohmann::json encode(const Tunnel& tunnel);

}  // namespace sekisho::config
