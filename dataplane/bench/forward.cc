#include "dataplane/bench/forward.h"

#include <poll.h>
#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "dataplane/bench/addresses.h"
#include "dataplane/bench/median.h"
#include "dataplane/stage/burst.h"

namespace sekisho::dataplane::bench {
namespace {

constexpr double unknown = std::numeric_limits<double>::quiet_NaN();

// Of the IP packets that a cell puts on the wire, or what any device can do.
uint16_t wanted_mtu(const Plan& plan) {
  size_t longest = RTE_ETHER_MTU;
  for (const Cell& cell : plan.cells)
    for (const FrameSize frame : frame_sizes(cell.size, pass_packets))
      longest = std::max(longest, cell.suite ? outer_size + EspLayout(*cell.suite, frame).esp : frame - ethernet_size);
  return static_cast<uint16_t>(longest);
}

// Frames from every queue that the worker polls go out of the other port as they are; returns TSC cycles a packet; NaN
// where nothing came.
double pass_on(const WorkerPorts& ports, uint64_t until) {
  std::array<rte_mbuf*, burst_size> frames;
  uint64_t packets = 0;
  const uint64_t start = rte_rdtsc();
  while (rte_rdtsc() < until)
    for (const RxQueue& queue : ports.rx) {
      const uint16_t count = rte_eth_rx_burst(queue.device, queue.queue, frames.data(), burst_size);
      const WorkerPort& out = ports.ports[(queue.port == lan_port ? wan_port : lan_port).value()];
      const uint16_t sent =
          out.handover == nullptr ? rte_eth_tx_burst(out.device, out.tx_queue, frames.data(), count) : 0;
      rte_pktmbuf_free_bulk(frames.data() + sent, static_cast<unsigned>(count - sent));
      packets += count;
    }
  return packets == 0 ? unknown : static_cast<double>(rte_rdtsc() - start) / static_cast<double>(packets);
}

bool readable(int fd, int milliseconds) {
  pollfd wait{.fd = fd, .events = POLLIN};
  return ::poll(&wait, 1, milliseconds) > 0;
}

}  // namespace

Result<std::unique_ptr<Forwarder>> Forwarder::create(const Plan& plan, const Options& options,
                                                     crypto::EspBackend backend, rte_mempool* pool) {
  std::unique_ptr<Forwarder> forwarder(new Forwarder(plan));
  const Cell& cell = forwarder->cell_;
  auto gateway = Gateway::create(plan.scenario, backend, pool, cell.workers, options.busy_poll);
  if (!gateway) return std::unexpected(std::move(gateway.error()));
  forwarder->gateway_ = std::move(*gateway);
  if (auto set = forwarder->gateway_->set_routes(cell); !set) return std::unexpected(std::move(set.error()));
  if (auto set = forwarder->gateway_->set_sas(cell); !set) return std::unexpected(std::move(set.error()));
  if (auto opened = forwarder->open(pool); !opened) return std::unexpected(std::move(opened.error()));
  return forwarder;
}

Result<void> Forwarder::open(rte_mempool* pool) {
  const uint16_t mtu = wanted_mtu(plan_);
  if (auto opened = open_port(lan_port, plan_.scenario.lan_device, mtu, pool); !opened) return opened;
  if (auto opened = open_port(wan_port, plan_.scenario.wan_device, mtu, pool); !opened) return opened;
  std::map<ipc::PortId, MappedPort> mapped;
  for (const auto& [id, port] : ports_) {
    MappedPort& entry = mapped[id];
    entry = {port.device->dpdk_port(), port.device->rx_queues(), port.device->tx_queues(), mtu, port_mac(id), {}};
    for (const HandoverRing& ring : port.handover) entry.handover.push_back(ring.get());
  }
  for (unsigned i = 0; i < cell_.workers; ++i) {
    port_maps_.push_back(map_ports(mapped, i, cell_.workers));
    gateway_->worker(i).set_ports(port_maps_.back().get());
  }
  return {};
}

Result<void> Forwarder::open_port(ipc::PortId id, const std::string& name, uint16_t mtu, rte_mempool* pool) {
  auto device = Device::open({name, mtu, cell_.workers, pool});
  if (!device) return std::unexpected(std::move(device.error()));
  Port& port = ports_[id];
  port.device = std::move(*device);
  // The port answers to a MAC of the scenario's. Devices that have no such filter refuse, and need none.
  rte_eth_promiscuous_enable(port.device->dpdk_port());
  for (uint16_t queue = 0; port.device->tx_queues() < cell_.workers && queue < port.device->tx_queues(); ++queue) {
    auto ring = make_handover_ring(id, queue);
    if (!ring) return std::unexpected(std::move(ring.error()));
    port.handover.push_back(std::move(*ring));
  }
  return {};
}

double Forwarder::io_cycles() {
  std::vector<double> cycles(cell_.workers);
  const uint64_t until = rte_rdtsc() + rte_get_tsc_hz();
  on_workers(cell_.workers, [&](unsigned i) { cycles[i] = pass_on(*port_maps_[i], until); });
  std::erase_if(cycles, [](double value) { return std::isnan(value); });
  return cycles.empty() ? unknown : median(cycles);
}

void Forwarder::run(unsigned seconds, int stop_fd, Report& report) {
  const double io = seconds == 0 ? unknown : io_cycles();
  Rates rates(*gateway_, rte_get_tsc_hz());
  std::atomic<bool> stop{false};
  const auto work = [&](unsigned i) { gateway_->worker(i).run(stop); };
  on_workers(cell_.workers, work, [&] {
    constexpr int tick_ms = 50;
    if (!stop && (readable(stop_fd, tick_ms) || (seconds != 0 && rates.seconds() == seconds))) stop = true;
    gateway_->discard_punted();
    gateway_->discard_events();
    if (!stop && rates.second_is_over()) report.second(rates.take());
  });
  Figures figures = rates.summary();
  figures.io = io;
  report.forwarded(plan_.cells, figures,
                   figures.packets == 0 ? "nothing came in" : "cycles include waiting for packets");
}

}  // namespace sekisho::dataplane::bench
