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

// How many a configuration needs, whatever its rules come to.
size_t filter_count(const Config& config);

// All that it needs. Only of a configuration that was decoded: there are at most ipc::max_filters then, each of at most
// ipc::max_filter_rules in each direction, where a single rule may come to millions.
std::vector<Filter> filters(const Config& config);

// How many rules of a filter a group takes: inbound, outbound (ipc::Direction).
std::array<size_t, 2> rule_counts(const SecurityGroup& group);

// What a VRF's list of groups is known by.
uint64_t identity(const std::string& vrf, const std::vector<std::string>& groups);

// "tcp" or a number; empty for any.
std::string protocol_text(uint8_t protocol);

}  // namespace sekisho::config
