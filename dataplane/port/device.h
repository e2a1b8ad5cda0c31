// A port's DPDK device: created from its device string, configured for the workers, started; and gone again. A string
// is either a PCI address that EAL was started with, or a virtual device with arguments ("net_af_packet0,iface=eth1").
//
// The string comes from control, and some drivers open files or interfaces it names: whoever may write to control's
// socket may use any device DPDK knows.
#pragma once

#include <rte_mempool.h>

#include <cstdint>
#include <memory>
#include <string>

#include "base/address.h"
#include "base/message.h"

namespace sekisho::dataplane {

struct DeviceRequest {
  std::string device;
  uint16_t mtu = 1500;
  unsigned workers = 1;
  rte_mempool* packets = nullptr;
};

class Device {
 public:
  // One rx and tx queue a worker where the driver offers as many, else as many as it offers.
  static Result<std::unique_ptr<Device>> open(const DeviceRequest& request);
  // Stops, closes and detaches. No worker may use the port any more.
  ~Device();
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  uint16_t dpdk_port() const { return port_; }
  uint16_t rx_queues() const { return rx_queues_; }
  uint16_t tx_queues() const { return tx_queues_; }
  const MacAddress& mac() const { return mac_; }
  uint16_t mtu() const { return mtu_; }
  bool link_up() const;
  Result<void> set_mtu(uint16_t mtu);

 private:
  Device() = default;
  Result<void> probe(const std::string& device);
  Result<void> claim();
  Result<void> configure(const DeviceRequest& request);
  Result<void> set_up_queues(const DeviceRequest& request);
  std::unexpected<Error> refused(const char* step, int code) const;

  std::string name_;
  bool attached_ = false;  // and ours alone
  bool started_ = false;
  uint16_t port_ = 0;
  uint16_t rx_queues_ = 0;
  uint16_t tx_queues_ = 0;
  uint16_t mtu_ = 0;
  MacAddress mac_;
};

}  // namespace sekisho::dataplane
