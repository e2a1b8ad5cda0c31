// What the dataplane holds on control's behalf, described without the things themselves: the side of the tables that
// transactions are checked against and that the inventory is told from.
#pragma once

#include <array>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "dataplane/filter/filter.h"
#include "dataplane/sa/sad.h"
#include "ipc/schema.h"

namespace sekisho::dataplane {

struct PortRecord {
  std::string name;
  std::string device;
  uint16_t mtu = 0;
  ipc::VrfId vrf = ipc::front_door;
  bool filtered = false;
};

struct TunnelRecord {
  std::string name;
  uint16_t mtu = 0;
  std::vector<ipc::SaId> tx_sas;
  bool on_traffic = false;
  ipc::DfPolicy df{};
  MssLimits mss;
  ipc::VrfId vrf = ipc::front_door;
  bool filtered = false;
};

struct SaRecord {
  uint32_t spi = 0;
  ipc::TunnelId tunnel;
  ipc::Direction direction{};
};

// What control has made of security groups.
struct FilterRecord {
  uint64_t identity = 0;
  std::array<std::vector<FilterRule>, 2> rules;  // by ipc::Direction

  bool operator==(const FilterRecord&) const = default;
};
struct FilterRecords {
  std::map<ipc::FilterId, FilterRecord> filters;
  std::map<std::string, ipc::FilterId> attachments;  // by interface name
};

struct Holdings {
  std::map<ipc::PortId, PortRecord> ports;
  std::map<ipc::TunnelId, TunnelRecord> tunnels;
  std::unordered_map<ipc::SaId, SaRecord> sas;
};

}  // namespace sekisho::dataplane
