#include "tests/unit/dataplane/gateway.h"

#include <rte_mbuf.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <numeric>
#include <stdexcept>

#include "dataplane/port/packet_pool.h"
#include "ipc/convert.h"

namespace sekisho::dataplane::test {
namespace {

template <typename T>
T value(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().text());
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

ipc::Address address(const char* text) { return ipc::from_address(IpAddress::parse(text).value()); }

ipc::SelectorPair selector(const char* source, const char* source_last, const char* destination,
                           const char* destination_last) {
  ipc::SelectorPair pair;
  pair.source = {address(source), address(source_last)};
  pair.destination = {address(destination), address(destination_last)};
  return pair;
}

}  // namespace

Fib& Tables::fib() {
  if (!fib_) fib_ = value(Fib::create(fib_limits, qsbr, 1));
  return *fib_;
}

Tables& tables(unsigned gateway) {
  start_eal();
  static std::array<Tables, 2> both;
  return both.at(gateway);
}

Gateway::Gateway(unsigned index, crypto::EspBackend backend)
    : index_(index),
      events_(value(EventRing::create())),
      filters_(value(FilterTable::create(4096))),
      crypto_(crypto::EspCrypto::create(backend)) {
  for (const ipc::PortId port : {wan_port, lan_port}) {
    WorkerPort& settings = ports_.ports[port.value()];
    settings.device = this->port(port).device();
    settings.mtu = 1500;
    settings.mac = mac(port).bytes;
    ports_.rx.push_back({port, settings.device, 0});
  }
  worker_ = value(Worker::create({.backend = backend}, shared(), *counters_));
  worker_->set_ports(&ports_);
  tunnels_->set(tunnel, {ipc::no_sa, tunnel_mtu});
  tunnels_->set(tunnel_without_sa, {ipc::no_sa, tunnel_mtu});
  set_up_routes();
}

SharedTables Gateway::shared() {
  return {tables(index_).qsbr, tables(index_).fib(), *sad_,         *tunnels_, *events_,
          manager_bell_,       slow_path_bell_,      packet_pool(), &board_,   filters_.get()};
}

std::unique_ptr<Worker> Gateway::another_worker(ipc::WriterCounters& counters) {
  return value(Worker::create({.index = 1}, shared(), counters));
}

void Gateway::set_up_routes() {
  constexpr ipc::NextHopId drop{0}, local{1}, wan{2}, lan{3}, into_tunnel{4}, punt{5}, into_dead_tunnel{6};
  Fib& fib = tables(index_).fib();
  fib.begin(true);
  const auto next_hop = [&](ipc::NextHopId id, ipc::NextHopKind kind, uint16_t target = 0) {
    NextHop hop{kind, ipc::PortId(target), ipc::TunnelId(target), {}};
    if (kind == ipc::NextHopKind::adjacency) hop.mac = neighbour(hop.port).bytes;
    value(fib.set_next_hop(id, hop));
  };
  next_hop(local, ipc::NextHopKind::local);
  next_hop(wan, ipc::NextHopKind::adjacency, wan_port.value());
  next_hop(lan, ipc::NextHopKind::adjacency, lan_port.value());
  next_hop(into_tunnel, ipc::NextHopKind::tunnel, tunnel.value());
  next_hop(into_dead_tunnel, ipc::NextHopKind::tunnel, tunnel_without_sa.value());
  next_hop(punt, ipc::NextHopKind::punt);
  const auto route = [&](const char* prefix, ipc::NextHopId id) {
    value(fib.set_route(Prefix::parse(prefix).value(), id));
  };
  route(index_ == 0 ? "192.0.2.1/32" : "192.0.2.2/32", local);
  route(index_ == 0 ? "192.0.2.2/32" : "192.0.2.1/32", wan);
  route("192.0.2.99/32", wan);
  route(index_ == 0 ? "2001:db8::1/128" : "2001:db8::2/128", local);
  route(index_ == 0 ? "2001:db8::2/128" : "2001:db8::1/128", wan);
  route("10.1.0.0/16", index_ == 0 ? lan : into_tunnel);
  route("10.2.0.0/16", index_ == 0 ? into_tunnel : lan);
  route("fd00:1::/64", index_ == 0 ? lan : into_tunnel);
  route("fd00:2::/64", index_ == 0 ? into_tunnel : lan);
  route(index_ == 0 ? "10.1.0.254/32" : "10.2.0.254/32", local);
  route(index_ == 0 ? "fd00:1::fe/128" : "fd00:2::fe/128", local);
  route("172.16.0.0/16", into_dead_tunnel);
  route("198.51.100.0/24", drop);
  route("203.0.113.0/24", punt);
  value(fib.commit());
  value(fib.poll());
}

template <typename Stage>
void Gateway::commit(Stage stage) {
  Fib& fib = tables(index_).fib();
  fib.begin(false);
  value(stage(fib));
  value(fib.commit());
  value(fib.poll());
}

void Gateway::set_next_hop(ipc::NextHopId id, ipc::NextHopKind kind, uint16_t target) {
  set_next_hop(id, {kind, ipc::PortId(target), ipc::TunnelId(target), {}});
}

void Gateway::set_next_hop(ipc::NextHopId id, const NextHop& next_hop) {
  commit([&](Fib& fib) { return fib.set_next_hop(id, next_hop); });
}

void Gateway::set_group(ipc::NextHopId id, const NextHopGroup& group) {
  commit([&](Fib& fib) { return fib.set_group(id, group); });
}

void Gateway::set_route(const char* prefix, ipc::NextHopId next_hop) {
  commit([&](Fib& fib) { return fib.set_route(Prefix::parse(prefix).value(), next_hop); });
}

void Gateway::set_filters(const std::vector<Attachment>& attachments) {
  auto filters = attachments.empty() ? nullptr : std::make_unique<Filters>();
  ++generation_;
  for (uint16_t i = 0; i < attachments.size(); ++i) {
    Filter filter{.id = ipc::FilterId(i), .identity = i, .generation = generation_, .rules = {}};
    for (const ipc::FilterRuleAdd& rule : attachments[i].rules)
      filter.rules[static_cast<size_t>(rule.direction)].push_back(filter_rule(rule));
    filters->owned.push_back(std::make_shared<const Filter>(std::move(filter)));
    const Filter* made = filters->owned.back().get();
    if (attachments[i].port)
      filters->ports[attachments[i].port->value()] = made;
    else
      filters->tunnels[attachments[i].tunnel.value()] = made;
  }
  filters_->exchange(std::move(filters));
}

MacAddress Gateway::mac(ipc::PortId port) const {
  return {{2, 0, 0, 0, static_cast<uint8_t>(index_), static_cast<uint8_t>(port.value())}};
}

MacAddress Gateway::neighbour(ipc::PortId port) const {
  if (port == wan_port) return {{2, 0, 0, 0, static_cast<uint8_t>(1 - index_), 0}};
  return {{2, 0, 0, 0, static_cast<uint8_t>(index_), 0x77}};
}

void Gateway::receive(ipc::PortId port, ByteView packet) {
  receive_frame(port, ethernet(mac(port), neighbour(port), packet));
}

void Gateway::receive_frame(ipc::PortId port, ByteView frame) {
  receive_frames(port, {Bytes(frame.begin(), frame.end())});
}

void Gateway::receive_frames(ipc::PortId port, const std::vector<Bytes>& frames) {
  for (const Bytes& frame : frames) this->port(port).deliver(frame);
  while (worker_->poll() != 0) {
  }
}

void Gateway::from_kernel(Via via, uint16_t id, ByteView bytes) {
  rte_mbuf* mbuf = rte_pktmbuf_alloc(bytes.size() <= packet_room ? packet_pool() : large_pool());
  std::memcpy(rte_pktmbuf_append(mbuf, static_cast<uint16_t>(bytes.size())), bytes.data(), bytes.size());
  const Handed handed{mbuf, id, via};
  if (worker_->rings().from_kernel.push({&handed, 1}) != 1) throw std::runtime_error("ring full");
  while (worker_->poll() != 0) {
  }
}

std::vector<Punted> Gateway::punted() {
  std::vector<Punted> all;
  Handed item;
  while (worker_->rings().to_kernel.pop({&item, 1}) == 1) {
    const auto* data = rte_pktmbuf_mtod(item.mbuf, const uint8_t*);
    all.push_back({item.via, item.id, Bytes(data, data + item.mbuf->data_len)});
    rte_pktmbuf_free(item.mbuf);
  }
  return all;
}

std::optional<PathEvent> Gateway::event() {
  PathEvent event;
  return events_->pop(event) ? std::optional(event) : std::nullopt;
}

void Gateway::fill_events() {
  while (events_->push({})) continue;
}

Result<void> Gateway::add(const ipc::SaAdd& sa) {
  if (auto sound = check(sa); !sound) return sound;
  if (sa.direction == ipc::Direction::inbound) {
    auto made = make_inbound_sa(sa, *crypto_);
    if (!made) return std::unexpected(made.error());
    sad_->publish(std::move(*made));
    return {};
  }
  auto made = make_outbound_sa(sa, *crypto_);
  if (!made) return std::unexpected(made.error());
  tables(index_).fib().set_outer(sa.id, *ipc::to_address(sa.destination));
  sad_->publish(std::move(*made));
  tunnels_->set(sa.tunnel, {sa.id, tunnel_mtu});
  return {};
}

Result<void> Gateway::move(const ipc::SaMove& move) {
  const auto outer = check(move);
  if (!outer) return std::unexpected(outer.error());
  if (InboundSa* sa = sad_->inbound(move.id)) {
    sa->set_outer(*outer);
  } else {
    tables(index_).fib().set_outer(move.id, outer->destination);
    sad_->outbound(move.id)->set_outer(*outer);
  }
  return {};
}

void Gateway::remove(ipc::SaId sa) {
  sad_->unlink_inbound(sa);
  sad_->unlink_outbound(sa);
  tables(index_).fib().clear_outer(sa);
}

uint64_t Gateway::all_drops() const {
  return std::accumulate(counters_->drops.value.begin(), counters_->drops.value.end(), uint64_t{0});
}

SaPair make_sa(const Gateway& from, const Gateway& to, EspSuite suite, Family outer) {
  ipc::SaAdd add;
  add.spi = 0x5eca << 15 | inbound_id.value();
  add.tunnel = tunnel;
  add.suite = suite;
  add.source = address(from.wan_address(outer));
  add.destination = address(to.wan_address(outer));
  for (size_t i = 0; i < info(suite).key_material(); ++i) add.key[i] = static_cast<uint8_t>(i * 7 + 1);
  add.selector_pairs = 2;
  const bool forth = from.wan_address()[8] == '1';
  add.selectors[0] = forth ? selector("10.1.0.0", "10.1.255.255", "10.2.0.0", "10.2.255.255")
                           : selector("10.2.0.0", "10.2.255.255", "10.1.0.0", "10.1.255.255");
  add.selectors[1] = forth ? selector("fd00:1::", "fd00:1::ffff", "fd00:2::", "fd00:2::ffff")
                           : selector("fd00:2::", "fd00:2::ffff", "fd00:1::", "fd00:1::ffff");
  SaPair pair{add, add};
  pair.outbound.id = outbound_id;
  pair.outbound.direction = ipc::Direction::outbound;
  pair.inbound.id = inbound_id;
  pair.inbound.direction = ipc::Direction::inbound;
  pair.inbound.replay_window = 256;
  return pair;
}

}  // namespace sekisho::dataplane::test
