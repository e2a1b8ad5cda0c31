#include "tests/perf/gateway.h"

#include <rte_cycles.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_ring.h>

#include <algorithm>
#include <stdexcept>

#include "tests/perf/traffic.h"

namespace sekisho::perf {
namespace {

using dataplane::NextHop;

constexpr unsigned ring_size = 4096;
constexpr uint16_t tunnel_mtu = 1500, port_mtu = 1600;  // so that a 1420-byte frame fits after sealing

void require(bool good, const char* what) {
  if (!good) throw std::runtime_error(what);
}
template <typename T>
T value(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().text());
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

rte_ring* make_ring(const std::string& name) {
  rte_ring* ring = rte_ring_create(name.c_str(), ring_size, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
  require(ring != nullptr, "rte_ring_create");
  return ring;
}

ipc::Address address(uint32_t host) {
  ipc::Address result;
  write_be32(result.bytes.data(), host);
  return result;
}

ipc::SelectorPair::Range whole_net(uint32_t net) { return {address(net), address(net | 0xff)}; }

ipc::SaAdd make_sa(EspSuite suite, unsigned tunnel, ipc::Direction direction) {
  const bool out = direction == ipc::Direction::outbound;
  const auto t = static_cast<uint16_t>(tunnel);
  ipc::SaAdd add;
  add.id = ipc::SaId(out ? tunnel : Gateway::max_tunnels + tunnel);
  add.spi = out ? 0x10000 + tunnel : Gateway::inbound_spi(tunnel);
  add.tunnel = ipc::TunnelId(t);
  add.direction = direction;
  add.suite = suite;
  add.replay_window = out ? 0 : 256;
  add.source = address(out ? our_address : peer_address);
  add.destination = address(out ? peer_address : our_address);
  std::ranges::copy(Gateway::key_of(suite, tunnel), add.key.begin());
  add.selector_pairs = 1;
  add.selectors[0].source = whole_net(out ? our_net(t) : peer_net(t));
  add.selectors[0].destination = whole_net(out ? peer_net(t) : our_net(t));
  return add;
}

}  // namespace

MemoryPort::MemoryPort(const char* name, rte_mempool* pool)
    : rx_(make_ring(std::string(name) + "-rx")), tx_(make_ring(std::string(name) + "-tx")) {
  const int device = rte_eth_from_rings(name, &rx_, 1, &tx_, 1, 0);
  require(device >= 0, "rte_eth_from_rings");
  device_ = static_cast<uint16_t>(device);
  const rte_eth_conf conf{};
  require(rte_eth_dev_configure(device_, 1, 1, &conf) == 0, "rte_eth_dev_configure");
  require(rte_eth_rx_queue_setup(device_, 0, ring_size, 0, nullptr, pool) == 0, "rte_eth_rx_queue_setup");
  require(rte_eth_tx_queue_setup(device_, 0, ring_size, 0, nullptr) == 0, "rte_eth_tx_queue_setup");
  require(rte_eth_dev_start(device_) == 0, "rte_eth_dev_start");
}

void MemoryPort::deliver(std::span<rte_mbuf* const> frames) {
  void* const* objects = reinterpret_cast<void* const*>(frames.data());
  require(rte_ring_enqueue_bulk(rx_, objects, static_cast<unsigned>(frames.size()), nullptr) == frames.size(),
          "no room in the ring");
}

size_t MemoryPort::collect(std::span<rte_mbuf*> frames) {
  return rte_ring_dequeue_burst(tx_, reinterpret_cast<void**>(frames.data()), static_cast<unsigned>(frames.size()),
                                nullptr);
}

Gateway::Gateway(MemoryPort& wan, MemoryPort& lan, crypto::EspBackend backend, unsigned tunnels)
    : tunnel_count_(tunnels),
      fib_(value(dataplane::Fib::create(
          {.ipv4_routes = 2 * max_tunnels, .ipv4_tables = 256, .ipv6_routes = 256, .ipv6_tables = 256}, qsbr_))),
      events_(value(dataplane::EventRing::create())),
      crypto_(crypto::EspCrypto::create(backend)) {
  require(tunnels >= 1 && tunnels <= max_tunnels, "1 to 4096 tunnels");
  for (const ipc::PortId port : {wan_port, lan_port}) {
    dataplane::WorkerPort& settings = ports_.ports[port.value()];
    settings.device = (port == wan_port ? wan : lan).device();
    settings.mtu = port_mtu;
    settings.mac = {2, 0, 0, 0, 0, static_cast<uint8_t>(port.value())};
    ports_.rx.push_back({port, settings.device, 0});
  }
  set_routes();
  const dataplane::SharedTables shared{qsbr_, *fib_, *sad_, *tunnels_, *events_, manager_bell_, slow_path_bell_};
  worker_ = value(dataplane::Worker::create({.backend = backend}, shared, *counters_));
  worker_->set_ports(&ports_);
  qsbr_.join(0);
}

Gateway::~Gateway() { qsbr_.leave(0); }

void Gateway::set_routes() {
  constexpr ipc::NextHopId local{1}, wan{2}, lan{3};
  constexpr uint16_t first_tunnel = 4;
  const auto next_hop = [this](ipc::NextHopId id, const NextHop& hop) { value(fib_->set_next_hop(id, hop)); };
  const auto route = [this](uint32_t net, unsigned length, ipc::NextHopId id) {
    value(fib_->set_route(Prefix(IpAddress::v4(Be32(net)), length), id));
  };
  fib_->begin(true);
  next_hop(local, {.kind = ipc::NextHopKind::local});
  for (const auto& [id, port] : {std::pair(wan, wan_port), std::pair(lan, lan_port)})
    next_hop(id, {.kind = ipc::NextHopKind::adjacency,
                  .port = port,
                  .mac = {2, 0, 0, 0, 1, static_cast<uint8_t>(port.value())}});
  route(our_address, 32, local);
  route(peer_address, 32, wan);
  route(our_net(0), 10, lan);
  for (uint16_t t = 0; t < tunnel_count_; ++t) {
    const ipc::NextHopId into_tunnel(static_cast<uint16_t>(first_tunnel + t));
    next_hop(into_tunnel, {.kind = ipc::NextHopKind::tunnel, .tunnel = ipc::TunnelId(t)});
    route(peer_net(t), 24, into_tunnel);
  }
  value(fib_->commit());
  value(fib_->poll());
}

Bytes Gateway::key_of(EspSuite suite, unsigned tunnel) {
  Bytes key(info(suite).key_material());
  for (size_t i = 0; i < key.size(); ++i) key[i] = static_cast<uint8_t>(i * 7 + tunnel * 31 + tunnel / 256);
  return key;
}

void Gateway::set_suite(EspSuite suite) {
  for (uint16_t t = 0; t < tunnel_count_; ++t) {
    const ipc::SaAdd out = make_sa(suite, t, ipc::Direction::outbound);
    const ipc::SaAdd in = make_sa(suite, t, ipc::Direction::inbound);
    sad_->unlink_outbound(out.id);
    sad_->unlink_inbound(in.id);
    fib_->clear_outer(out.id);
    value(dataplane::check(out));
    value(dataplane::check(in));
    fib_->set_outer(out.id, IpAddress::v4(Be32(peer_address)));
    sad_->publish(value(dataplane::make_outbound_sa(out, *crypto_)));
    sad_->publish(value(dataplane::make_inbound_sa(in, *crypto_)));
    tunnels_->set(ipc::TunnelId(t), {out.id, tunnel_mtu});
  }
}

uint64_t Gateway::run(size_t packets) {
  const uint64_t start = rte_rdtsc_precise();
  for (size_t taken = 0; taken < packets;) {
    const unsigned now = worker_->poll();
    require(now != 0, "the worker found no packet");
    taken += now;
    qsbr_.quiescent(0);
  }
  return rte_rdtsc_precise() - start;
}

std::string Gateway::drops() const {
  std::string text;
  for (size_t i = 0; i < counters_->drops.value.size(); ++i)
    if (counters_->drops.value[i] != 0)
      text += std::string(ipc::name(static_cast<ipc::DropReason>(i))) + " " +
              std::to_string(counters_->drops.value[i]) + " ";
  return text.empty() ? "nothing dropped" : text;
}

}  // namespace sekisho::perf
