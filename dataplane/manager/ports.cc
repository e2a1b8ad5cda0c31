#include "dataplane/manager/ports.h"

#include <unistd.h>

namespace sekisho::dataplane {

// A removed port lets go of its device only after a grace period. Where ports come and go that is worth waiting for:
// the same device may be wanted again. Workers report within a few hundred microseconds.
void Ports::settle() {
  constexpr int tries = 10'000;
  for (int i = 0; i < tries && !reclaimer_.empty(); ++i) {
    reclaimer_.poll();
    if (!reclaimer_.empty()) usleep(100);
  }
}

Result<Ports::Opened> Ports::open(ipc::PortId id, const PortRecord& record) {
  settle();
  const auto workers = static_cast<unsigned>(workers_.size());
  auto device = Device::open({record.device, record.mtu, workers, packets_});
  if (!device) return std::unexpected(device.error());
  auto port = std::make_unique<Port>();
  port->device = std::move(*device);
  port->link_up = port->device->link_up();
  port->vrf = record.vrf;
  if (port->device->tx_queues() < workers) {
    for (uint16_t queue = 0; queue < port->device->tx_queues(); ++queue) {
      auto ring = make_handover_ring(id, queue);
      if (!ring) return std::unexpected(ring.error());
      port->handover.push_back(std::move(*ring));
    }
  }
  auto twin = KernelTwin::make_tap(record.name, port->device->mac(), record.mtu);
  if (!twin) return std::unexpected(twin.error());
  return Opened{std::move(port), std::move(*twin)};
}

Result<void> Ports::add(ipc::PortId id, Opened opened) {
  if (auto added = slow_path_.add(Via::port, id.value(), std::move(opened.twin)); !added) return added;
  ports_[id] = std::move(opened.port);
  return {};
}

void Ports::remove(ipc::PortId id) {
  const auto found = ports_.find(id);
  if (found == ports_.end()) return;
  slow_path_.remove(Via::port, id.value());
  std::unique_ptr<Port> port = std::move(found->second);
  ports_.erase(found);
  publish();
  reclaimer_.retire(std::move(port));
}

Result<void> Ports::set_mtu(ipc::PortId id, uint16_t mtu) {
  Device& device = *ports_.at(id)->device;
  const uint16_t before = device.mtu();
  if (auto set = device.set_mtu(mtu); !set) return set;
  if (auto set = slow_path_.set_mtu(Via::port, id.value(), mtu); !set) {
    static_cast<void>(device.set_mtu(before));
    return set;
  }
  return {};
}

void Ports::publish() {
  std::map<ipc::PortId, MappedPort> mapped;
  for (const auto& [id, port] : ports_) {
    MappedPort& entry = mapped[id];
    const Device& device = *port->device;
    entry = {device.dpdk_port(), device.rx_queues(), device.tx_queues(), device.mtu(), device.mac(), {}, port->vrf};
    for (const HandoverRing& ring : port->handover) entry.handover.push_back(ring.get());
  }
  const auto workers = static_cast<unsigned>(workers_.size());
  std::vector<std::unique_ptr<WorkerPorts>> views;
  for (unsigned worker = 0; worker < workers; ++worker) {
    views.push_back(map_ports(mapped, worker, workers));
    workers_[worker]->set_ports(views.back().get());
  }
  for (auto& old : published_) reclaimer_.retire(std::move(old));
  published_ = std::move(views);
}

void Ports::poll_links(const std::function<void(ipc::PortId)>& changed) {
  for (const auto& [id, port] : ports_) {
    const bool up = port->device->link_up();
    if (up == port->link_up) continue;
    port->link_up = up;
    changed(id);
  }
}

}  // namespace sekisho::dataplane
