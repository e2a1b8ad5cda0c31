// Ports that are not made of memory: whatever comes in by them is forwarded by the workers of production, in their own
// loop, and the rates are printed every second. Who feeds the ports is not this process's business; with net_pcap and
// infinite_rx=1 it is the driver.
#pragma once

#include <memory>

#include "dataplane/bench/gateway.h"
#include "dataplane/bench/plan.h"
#include "dataplane/bench/report.h"
#include "dataplane/manager/port_map.h"
#include "dataplane/port/device.h"

namespace sekisho::dataplane::bench {

class Forwarder {
 public:
  static Result<std::unique_ptr<Forwarder>> create(const Plan& plan, const Options& options, crypto::EspBackend backend,
                                                   rte_mempool* pool);
  // Until `stop_fd` is readable, or `seconds` are over (0: forever). With `seconds` the ports are measured alone
  // before: for a second frames go from one port to the other as they come.
  void run(unsigned seconds, int stop_fd, Report& report);

 private:
  explicit Forwarder(const Plan& plan) : plan_(plan), cell_(plan.cells.front()) {}
  Result<void> open(rte_mempool* pool);
  Result<void> open_port(ipc::PortId id, const std::string& device, uint16_t mtu, rte_mempool* pool);
  // The ports alone, of one worker.
  double io_cycles();

  struct Port {
    std::unique_ptr<Device> device;
    std::vector<HandoverRing> handover;
  };
  const Plan& plan_;
  const Cell cell_;
  std::unique_ptr<Gateway> gateway_;
  std::map<ipc::PortId, Port> ports_;
  std::vector<std::unique_ptr<WorkerPorts>> port_maps_;
};

}  // namespace sekisho::dataplane::bench
