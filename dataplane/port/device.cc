#include "dataplane/port/device.h"

#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "base/messages/dataplane.h"
#include "dataplane/port/packet_pool.h"

namespace sekisho::dataplane {
namespace {

constexpr uint16_t ring_size = 1024;

// The port of a device string, or RTE_MAX_ETHPORTS.
uint16_t find_port(const std::string& device) {
  rte_dev_iterator iterator;
  uint16_t port = RTE_MAX_ETHPORTS;
  RTE_ETH_FOREACH_MATCHING_DEV(port, device.c_str(), &iterator) {
    rte_eth_iterator_cleanup(&iterator);
    break;
  }
  return port;
}

uint16_t queues(unsigned workers, uint16_t offered) {
  return static_cast<uint16_t>(std::clamp<unsigned>(workers, 1, std::max<uint16_t>(offered, 1)));
}

// Whatever net_af_xdp offers, XDP keeps a part of each buffer for itself (XDP_PACKET_HEADROOM of linux/bpf.h).
constexpr unsigned xdp_headroom = 256;
constexpr unsigned xdp_mtu_limit = packet_room - xdp_headroom - RTE_ETHER_HDR_LEN;

// What the driver says it can receive, without Ethernet's header and check sequence.
unsigned mtu_limit(const rte_eth_dev_info& offered) {
  if (std::string_view(offered.driver_name) == "net_af_xdp") return xdp_mtu_limit;
  constexpr unsigned overhead = RTE_ETHER_HDR_LEN + RTE_ETHER_CRC_LEN;
  const unsigned by_frame = offered.max_rx_pktlen > overhead ? offered.max_rx_pktlen - overhead : UINT16_MAX;
  // net_af_packet means the payload where it should say the frame.
  return std::min<unsigned>(offered.max_mtu, std::max<unsigned>(by_frame, RTE_ETHER_MTU));
}

}  // namespace

std::unexpected<Error> Device::refused(const char* step, int code) const {
  // Drivers say -1 where they have said more in the log.
  const char* reason = code == -1 ? "the driver refused, see its own line in the log" : std::strerror(std::abs(code));
  return fail(messages::port_unusable, name_ + ": " + step + ": " + reason);
}

Result<std::unique_ptr<Device>> Device::open(const DeviceRequest& request) {
  std::unique_ptr<Device> device(new Device);
  device->name_ = request.device;
  if (auto probed = device->probe(request.device); !probed) return std::unexpected(probed.error());
  if (auto configured = device->configure(request); !configured) return std::unexpected(configured.error());
  return device;
}

Result<void> Device::probe(const std::string& device) {
  // The driver would wait for the other side within the probe, and nothing else could be done meanwhile.
  if (device.starts_with("net_virtio_user") && device.find("server=1") != std::string::npos)
    return fail(messages::port_unusable, device + ": server mode is not supported, let the vSwitch be the server");
  port_ = find_port(device.substr(0, device.find(',')));
  // Arguments make a new device; one that is there already is somebody's.
  if (port_ < RTE_MAX_ETHPORTS && device.find(',') != std::string::npos)
    return fail(messages::port_unusable, device + ": a device of this name is in use");
  if (port_ >= RTE_MAX_ETHPORTS) {
    const int code = rte_dev_probe(device.c_str());
    if (code == -EFAULT) return fail(messages::port_unusable, device + ": DPDK has no driver of this name");
    if (code < 0) return refused("probe", code);
    port_ = find_port(device.substr(0, device.find(',')));
  }
  if (port_ >= RTE_MAX_ETHPORTS) return fail(messages::port_unusable, device + ": the driver made no port");
  return claim();
}

// A device without arguments (PCI, mostly) is taken as it is found, which may be in another port's hands: then workers
// poll it, and nothing here may touch it. DPDK forgets the owner when the device goes.
Result<void> Device::claim() {
  rte_eth_dev_owner owner{};
  if (const int code = rte_eth_dev_owner_new(&owner.id); code < 0) return refused("claim", code);
  name_.copy(owner.name, sizeof owner.name - 1);
  const int code = rte_eth_dev_owner_set(port_, &owner);
  if (code == -EPERM) return fail(messages::port_unusable, name_ + ": a device of this name is in use");
  if (code < 0) return refused("claim", code);
  attached_ = true;
  return {};
}

Result<void> Device::configure(const DeviceRequest& request) {
  rte_eth_dev_info offered{};
  if (const int code = rte_eth_dev_info_get(port_, &offered); code < 0) return refused("query", code);
  if (const unsigned limit = mtu_limit(offered); request.mtu > limit)
    return fail(messages::port_unusable, name_ + ": the device takes an MTU of at most " + std::to_string(limit));
  rx_queues_ = queues(request.workers, offered.max_rx_queues);
  tx_queues_ = queues(request.workers, offered.max_tx_queues);

  rte_eth_conf wanted{};
  wanted.rxmode.mtu = request.mtu;
  if (rx_queues_ > 1 && offered.flow_type_rss_offloads != 0) {
    wanted.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
    wanted.rx_adv_conf.rss_conf.rss_hf = (RTE_ETH_RSS_IP | RTE_ETH_RSS_ESP) & offered.flow_type_rss_offloads;
  }
  if (const int code = rte_eth_dev_configure(port_, rx_queues_, tx_queues_, &wanted); code < 0)
    return refused("configure", code);
  if (auto set_up = set_up_queues(request); !set_up) return set_up;
  if (auto sized = set_mtu(request.mtu); !sized) return sized;
  if (const int code = rte_eth_dev_start(port_); code < 0) return refused("start", code);
  started_ = true;

  rte_ether_addr mac;
  if (const int code = rte_eth_macaddr_get(port_, &mac); code < 0) return refused("read the MAC address", code);
  // Memory devices have no address; the twin needs one.
  if (rte_is_zero_ether_addr(&mac)) rte_eth_random_addr(mac.addr_bytes);
  std::ranges::copy(mac.addr_bytes, mac_.bytes.begin());
  return {};
}

Result<void> Device::set_up_queues(const DeviceRequest& request) {
  uint16_t rx_size = ring_size, tx_size = ring_size;
  if (const int code = rte_eth_dev_adjust_nb_rx_tx_desc(port_, &rx_size, &tx_size); code < 0)
    return refused("choose ring sizes", code);
  const unsigned socket = SOCKET_ID_ANY;
  for (uint16_t queue = 0; queue < rx_queues_; ++queue)
    if (const int code = rte_eth_rx_queue_setup(port_, queue, rx_size, socket, nullptr, request.packets); code < 0)
      return refused("set up a receive queue", code);
  for (uint16_t queue = 0; queue < tx_queues_; ++queue)
    if (const int code = rte_eth_tx_queue_setup(port_, queue, tx_size, socket, nullptr); code < 0)
      return refused("set up a transmit queue", code);
  return {};
}

Result<void> Device::set_mtu(uint16_t mtu) {
  if (mtu < min_mtu || mtu > max_port_mtu)
    return fail(messages::port_unusable, name_ + ": MTU " + std::to_string(mtu) + " is not within " +
                                             std::to_string(min_mtu) + ".." + std::to_string(max_port_mtu));
  rte_eth_dev_info offered{};
  if (const int code = rte_eth_dev_info_get(port_, &offered); code < 0) return refused("query", code);
  if (const unsigned limit = mtu_limit(offered); mtu > limit)
    return fail(messages::port_unusable, name_ + ": the device takes an MTU of at most " + std::to_string(limit));
  const int code = rte_eth_dev_set_mtu(port_, mtu);
  // Memory and ring devices have no MTU of their own.
  if (code < 0 && code != -ENOTSUP) return refused("set the MTU", code);
  mtu_ = mtu;
  return {};
}

bool Device::link_up() const {
  rte_eth_link link{};
  return rte_eth_link_get_nowait(port_, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
}

Device::~Device() {
  if (!attached_) return;
  rte_eth_dev_info description{};
  rte_device* device = rte_eth_dev_info_get(port_, &description) == 0 ? description.device : nullptr;
  if (started_) rte_eth_dev_stop(port_);
  rte_eth_dev_close(port_);
  if (device != nullptr)
    if (const int code = rte_dev_remove(device); code < 0) spdlog::warn("{}", refused("detach", code).error().text());
}

}  // namespace sekisho::dataplane
