// Security groups as the dataplane takes them: each list of groups that some interface of a VRF has is a filter, whose
// rules name one prefix on either side and one range of ports each.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "control/config/config.h"
#include "ipc/schema.h"

namespace sekisho::config {

struct Filter {
  std::string vrf;                        // of the interfaces: the same addresses are others in another
  std::vector<std::string> groups;        // sorted
  std::vector<std::string> interfaces;    // names
  std::vector<ipc::FilterRuleAdd> rules;  // of both directions; `filter` is not set

  bool same_list(const Filter& other) const { return vrf == other.vrf && groups == other.groups; }
};

// All that the configuration needs. At most ipc::max_filters of a configuration that was decoded.
std::vector<Filter> filters(const Config& config);

// How many rules of a filter a group takes: inbound, outbound (ipc::Direction).
std::array<size_t, 2> rule_counts(const SecurityGroup& group);

// What a VRF's list of groups is known by.
uint64_t identity(const std::string& vrf, const std::vector<std::string>& groups);

// "tcp" or a number; empty for any.
std::string protocol_text(uint8_t protocol);

}  // namespace sekisho::config
