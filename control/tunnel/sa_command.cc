#include "control/tunnel/sa_command.h"

#include <algorithm>

#include "ipc/convert.h"

namespace sekisho::control {
namespace {

ipc::SelectorPair::Range to_range(const TrafficSelector& selector) {
  return {ipc::from_address(selector.first), ipc::from_address(selector.last), selector.first_port, selector.last_port};
}

// What SaAdd and SaMove have in common, from an InstallChildSa or an UpdateChildSa: where packets of that direction
// come from and go to.
void set_outer(auto& command, const auto& child, ipc::Direction direction) {
  const bool inbound = direction == ipc::Direction::inbound;
  const Endpoint& source = inbound ? child.remote : child.local;
  const Endpoint& destination = inbound ? child.local : child.remote;
  command.udp_encapsulation = child.udp_encapsulation;
  if (child.udp_encapsulation) {
    command.source_port = source.port;
    command.destination_port = destination.port;
  }
  command.source = ipc::from_address(source.address);
  command.destination = ipc::from_address(destination.address);
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
  ipc::SaAdd sa;
  sa.id = id;
  sa.spi = parameters.spi;
  sa.tunnel = tunnel;
  sa.direction = direction;
  sa.suite = child.suite;
  sa.esn = child.esn;
  sa.replay_window = inbound ? child.replay_window : 0;
  set_outer(sa, child, direction);
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

ipc::SaMove make_sa_move(const ike::UpdateChildSa& update, ipc::Direction direction, ipc::SaId id, uint32_t spi) {
  ipc::SaMove move{.id = id, .spi = spi};
  set_outer(move, update, direction);
  return move;
}

}  // namespace sekisho::control
