#include "tests/unit/dataplane/memory_port.h"

#include <rte_eal.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_ring.h>
#include <unistd.h>

#include <cstring>
#include <stdexcept>
#include <string>

#include "dataplane/port/packet_pool.h"

namespace sekisho::dataplane::test {
namespace {

constexpr unsigned ring_size = 256;

void require(bool condition, const char* what) {
  if (!condition) throw std::runtime_error(what);
}

Bytes bytes_of(rte_mbuf* mbuf) {
  require(mbuf->nb_segs == 1 && mbuf->pkt_len == mbuf->data_len, "a frame in one piece");
  const auto* data = rte_pktmbuf_mtod(mbuf, const uint8_t*);
  Bytes bytes(data, data + mbuf->data_len);
  rte_pktmbuf_free(mbuf);
  return bytes;
}

}  // namespace

void start_eal() {
  static const bool started = [] {
    // One lcore that may run on any processor: tests share the machine.
    const std::string lcores = "0@(0-" + std::to_string(sysconf(_SC_NPROCESSORS_ONLN) - 1) + ")";
    static std::vector<std::string> arguments{"test", "--no-huge",      "--no-pci",      "--no-shconf", "-m",
                                              "768",  "--no-telemetry", "--log-level=4", "--lcores",    lcores};
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    require(rte_eal_init(static_cast<int>(argv.size()), argv.data()) >= 0, "rte_eal_init");
    return true;
  }();
  (void)started;
}

rte_mempool* packet_pool() {
  start_eal();
  static rte_mempool* pool = rte_pktmbuf_pool_create("test", 2047, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
  require(pool != nullptr, "rte_pktmbuf_pool_create");
  return pool;
}

rte_mempool* large_pool() {
  start_eal();
  static rte_mempool* pool = create_large_pool().value();
  return pool;
}

unsigned packets_in_use() { return rte_mempool_in_use_count(packet_pool()) + rte_mempool_in_use_count(large_pool()); }

rte_ring* make_ring() {
  static unsigned count = 0;
  rte_ring* ring = rte_ring_create(("wire" + std::to_string(count++)).c_str(), ring_size, SOCKET_ID_ANY, 0);
  require(ring != nullptr, "rte_ring_create");
  return ring;
}

void free_ring(rte_ring* ring) { rte_ring_free(ring); }

MemoryPort::MemoryPort() {
  packet_pool();
  rx_ = make_ring();
  tx_ = make_ring();
  const int device = rte_eth_from_rings((std::string("port-") + rx_->name).c_str(), &rx_, 1, &tx_, 1, 0);
  require(device >= 0, "rte_eth_from_rings");
  device_ = static_cast<uint16_t>(device);
  const rte_eth_conf conf{};
  require(rte_eth_dev_configure(device_, 1, 1, &conf) == 0, "rte_eth_dev_configure");
  require(rte_eth_rx_queue_setup(device_, 0, ring_size, 0, nullptr, packet_pool()) == 0, "rte_eth_rx_queue_setup");
  require(rte_eth_tx_queue_setup(device_, 0, ring_size, 0, nullptr) == 0, "rte_eth_tx_queue_setup");
  require(rte_eth_dev_start(device_) == 0, "rte_eth_dev_start");
}

MemoryPort::~MemoryPort() {
  void* mbuf = nullptr;
  for (rte_ring* ring : {rx_, tx_})
    while (rte_ring_dequeue(ring, &mbuf) == 0) rte_pktmbuf_free(static_cast<rte_mbuf*>(mbuf));
  rte_eth_dev_stop(device_);
  rte_eth_dev_close(device_);
  rte_ring_free(rx_);
  rte_ring_free(tx_);
}

void MemoryPort::deliver(ByteView frame) {
  rte_mbuf* mbuf = rte_pktmbuf_alloc(packet_pool());
  require(mbuf != nullptr, "rte_pktmbuf_alloc");
  char* data = rte_pktmbuf_append(mbuf, static_cast<uint16_t>(frame.size()));
  require(data != nullptr, "a frame that fits");
  if (!frame.empty()) std::memcpy(data, frame.data(), frame.size());
  require(rte_ring_enqueue(rx_, mbuf) == 0, "room on the wire");
}

std::vector<Bytes> MemoryPort::sent() {
  std::vector<Bytes> frames;
  void* mbuf = nullptr;
  while (rte_ring_dequeue(tx_, &mbuf) == 0) frames.push_back(bytes_of(static_cast<rte_mbuf*>(mbuf)));
  return frames;
}

std::span<rte_mbuf*> MemoryPort::collect(std::span<rte_mbuf*> room) {
  void** to = reinterpret_cast<void**>(room.data());
  return room.first(rte_ring_dequeue_burst(tx_, to, static_cast<unsigned>(room.size()), nullptr));
}

bool MemoryPort::quiet() const { return rte_ring_empty(tx_) == 1; }

void MemoryPort::fill_up() {
  while (rte_ring_full(tx_) == 0) require(rte_ring_enqueue(tx_, rte_pktmbuf_alloc(packet_pool())) == 0, "filling");
}

}  // namespace sekisho::dataplane::test
