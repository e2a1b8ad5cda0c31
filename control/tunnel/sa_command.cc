#include "control/tunnel/sa_command.h"

#include <algorithm>

#include "ipc/convert.h"

namespace sekisho::control {
namespace {

ipc::SelectorPair::Range to_range(const TrafficSelector& selector) {
  return {ipc::from_address(selector.first), ipc::from_address(selector.last), selector.first_port, selector.last_port};
}

}  // namespace

std::vector<ipc::SelectorPair> pair_selectors(const std::vector<TrafficSelector>& source,
                                              const std::vector<TrafficSelector>& destination) {
  std::vector<ipc::SelectorPair> pairs;
  for (const TrafficSelector& from : source) {
    for (const TrafficSelector& to : destination) {
      if (pairs.size() == ipc::max_selector_pairs) return pairs;
      if (from.first.family() != to.first.family()) continue;
      if (from.protocol != to.protocol && from.protocol != 0 && to.protocol != 0) continue;
      pairs.push_back({to_range(from), to_range(to), std::max(from.protocol, to.protocol)});
    }
  }
  return pairs;
}

ipc::SaAdd make_sa_add(const ike::InstallChildSa& child, ipc::Direction direction, ipc::SaId id, ipc::TunnelId tunnel) {
  const bool inbound = direction == ipc::Direction::inbound;
  const ike::SaParameters& parameters = inbound ? child.inbound : child.outbound;
  const Endpoint& source = inbound ? child.remote : child.local;
  const Endpoint& destination = inbound ? child.local : child.remote;
  ipc::SaAdd sa;
  sa.id = id;
  sa.spi = parameters.spi;
  sa.tunnel = tunnel;
  sa.direction = direction;
  sa.suite = child.suite;
  sa.esn = child.esn;
  sa.udp_encapsulation = child.udp_encapsulation;
  sa.replay_window = inbound ? child.replay_window : 0;
  if (child.udp_encapsulation) {
    sa.source_port = source.port;
    sa.destination_port = destination.port;
  }
  sa.source = ipc::from_address(source.address);
  sa.destination = ipc::from_address(destination.address);
  sa.soft_packets = child.soft_packets;
  sa.hard_packets = child.hard_packets;
  sa.soft_bytes = child.soft_bytes;
  sa.hard_bytes = child.hard_bytes;
  const ByteView key = parameters.key_material.view();
  std::copy_n(key.begin(), std::min(key.size(), sa.key.size()), sa.key.begin());
  const auto pairs = inbound ? pair_selectors(child.remote_selectors, child.local_selectors)
                             : pair_selectors(child.local_selectors, child.remote_selectors);
  sa.selector_pairs = static_cast<uint8_t>(pairs.size());
  std::ranges::copy(pairs, sa.selectors.begin());
  return sa;
}

}  // namespace sekisho::control
