#include "control/dp/check.h"

#include <algorithm>

#include "ipc/convert.h"

namespace sekisho::control {

bool plausible(const ipc::TransactionResult& result) {
  return result.status <= ipc::TransactionStatus::refused && ipc::to_string(result.reason).has_value();
}

bool plausible(const ipc::PortState& port) {
  return port.id.value() < ipc::max_ports && ipc::to_string(port.name) && ipc::to_string(port.device);
}

bool plausible(const ipc::TunnelState& tunnel) {
  const auto in_range = [](ipc::SaId id) { return id.value() < ipc::max_sas; };
  return tunnel.id.value() < ipc::max_tunnels && tunnel.mtu >= ipc::least_tunnel_mtu && tunnel.mtu <= ipc::most_mtu &&
         tunnel.tx_count <= ipc::max_tx_sas &&
         std::all_of(tunnel.tx_sas.begin(), tunnel.tx_sas.begin() + tunnel.tx_count, in_range) &&
         ipc::to_string(tunnel.name).has_value();
}

bool plausible(const ipc::SaState& sa) {
  return sa.id.value() < ipc::max_sas && sa.tunnel.value() < ipc::max_tunnels &&
         sa.direction <= ipc::Direction::outbound;
}

bool plausible(const ipc::InventoryEnd&) { return true; }

bool plausible(const ipc::SaEvent& event) {
  return event.id.value() < ipc::max_sas && event.kind <= ipc::SaEventKind::source_changed &&
         ipc::to_address(event.source).has_value();
}

bool plausible(const ipc::UnknownSpi& report) { return ipc::to_address(report.source).has_value(); }

bool plausible(const ipc::TrafficWaiting& report) { return report.tunnel.value() < ipc::max_tunnels; }

bool plausible(const ipc::PacketDenied& report) {
  const auto source = ipc::to_address(report.source), destination = ipc::to_address(report.destination);
  return report.filter.value() <= ipc::closed_filter.value() && report.direction <= ipc::Direction::outbound &&
         report.reason <= ipc::DenialReason::closed && report.has_ports <= 1 && source && destination &&
         source->family() == destination->family() && ipc::to_string(report.interface).has_value();
}

}  // namespace sekisho::control
