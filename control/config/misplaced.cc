#include "control/config/misplaced.h"

#include <algorithm>
#include <array>

namespace sekisho::config {
namespace {

struct Home {
  std::string_view key, home;
};

// Those that are found in one place, or in a few that are alike.
constexpr std::string_view interface = "a port, or \"interface\" of a tunnel";
constexpr std::string_view tunnel = "a tunnel", ike = "\"ike\" of a tunnel", esp = "\"esp\" of a tunnel or child",
                           either = "\"ike\" or \"esp\" of a tunnel", end = "\"local\" or \"remote\" of a tunnel",
                           local = "\"local\" of a tunnel", remote = "\"remote\" of a tunnel",
                           probe = "\"probe\" of a tunnel", bgp = "\"bgp\" of a tunnel", group = "a group";
constexpr auto homes = std::to_array<Home>({{"addresses", interface},
                                            {"mtu", interface},
                                            {"security_groups", interface},
                                            {"vrf", interface},
                                            {"device", "a port"},
                                            {"mss", "\"interface\" of a tunnel"},
                                            {"bgp", tunnel},
                                            {"children", tunnel},
                                            {"df", tunnel},
                                            {"outer_mtu", tunnel},
                                            {"ppk", tunnel},
                                            {"probe", tunnel},
                                            {"profile", tunnel},
                                            {"psk_file", tunnel},
                                            {"selectors", "a tunnel or child"},
                                            {"start", tunnel},
                                            {"propagate", "a tunnel or group"},
                                            {"aggressive", ike},
                                            {"dpd_action", ike},
                                            {"dpd_interval", ike},
                                            {"fragment_size", ike},
                                            {"fragmentation", ike},
                                            {"mobike", ike},
                                            {"reauthenticate", ike},
                                            {"retransmission", ike},
                                            {"retry_interval", ike},
                                            {"version", ike},
                                            {"fuzz", either},
                                            {"lifetime", either},
                                            {"margin", either},
                                            {"proposals", either},
                                            {"encapsulation", "\"esp\" of a tunnel"},
                                            {"lifetime_bytes", esp},
                                            {"lifetime_packets", esp},
                                            {"replay_window", esp},
                                            {"address", end},
                                            {"auth", end},
                                            {"alternatives", local},
                                            {"certificate", local},
                                            {"private_key", local},
                                            {"authorities", remote},
                                            {"crls", remote},
                                            {"require_crl", remote},
                                            {"interval", probe},
                                            {"target", probe},
                                            {"local_as", bgp},
                                            {"neighbour_as", bgp},
                                            {"fail_back", group},
                                            {"hold_down", group},
                                            {"weights", group},
                                            {"hold_time", "\"frr\""},
                                            {"routes_as", "\"frr\""}});

}  // namespace

std::string_view home_of(std::string_view key) {
  const auto found = std::ranges::find(homes, key, &Home::key);
  return found == homes.end() ? std::string_view() : found->home;
}

}  // namespace sekisho::config
