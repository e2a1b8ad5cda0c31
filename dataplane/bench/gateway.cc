#include "dataplane/bench/gateway.h"

#include <rte_mbuf.h>

#include <algorithm>

#include "dataplane/bench/addresses.h"
#include "dataplane/bench/keys.h"
#include "dataplane/bench/routes.h"
#include "dataplane/port/packet_pool.h"
#include "dataplane/stage/wire.h"
#include "dataplane/worker/processors.h"
#include "ipc/convert.h"

namespace sekisho::dataplane::bench {
namespace {

constexpr uint16_t tunnel_mtu = max_port_mtu;
constexpr uint64_t flow_seed = 1;  // of every run the same
constexpr ipc::NextHopId local{1};
constexpr ipc::NextHopId neighbour(ipc::PortId port, unsigned index) {
  return ipc::NextHopId(static_cast<uint16_t>(16 * (1 + port.value()) + index));
}
constexpr unsigned first_tunnel_hop = 64;
static_assert(neighbours <= 16 && first_tunnel_hop + ipc::max_tunnels < ipc::max_next_hops);

constexpr ipc::NextHopId into_tunnel(unsigned tunnel) {
  return ipc::NextHopId(static_cast<uint16_t>(first_tunnel_hop + tunnel));
}

// What comes and goes while others are in use.
constexpr unsigned toggled_routes = 2000;
Prefix unused_prefix(Family family, unsigned index) {
  if (family == Family::ipv4) return {IpAddress::v4(Be32(0xc8000000 + (index << 8))), 24};
  std::array<uint8_t, 16> bytes = {0x2a, 0x00};
  store16(bytes.data() + 2, static_cast<uint16_t>(index));
  return {*IpAddress::from_bytes(bytes), 32};
}

FibLimits limits_of(const Scenario& scenario) {
  const unsigned tunnels = std::ranges::max(scenario.tunnels), routes = std::ranges::max(scenario.routes);
  const bool v6 = scenario.family == Family::ipv6;
  constexpr unsigned own = 1024 + toggled_routes;
  return {.ipv4_routes = own + (v6 ? 0 : tunnels + routes),
          .ipv4_tables = 256,
          .ipv6_routes = own + (v6 ? tunnels + routes : 0),
          .ipv6_tables = v6 ? 32767u : 1024u};
}

ipc::SelectorPair everything(Family family) {
  ipc::SelectorPair pair;
  for (auto* range : {&pair.source, &pair.destination}) {
    range->first.family = range->last.family = static_cast<uint8_t>(family);
    std::fill_n(range->last.bytes.begin(), family == Family::ipv4 ? 4 : 16, 0xff);
  }
  return pair;
}

Flow make_flow(const IpAddress& source, const IpAddress& destination, unsigned tunnel) {
  Flow flow{{}, {}, static_cast<uint16_t>(tunnel)};
  std::ranges::copy(source.bytes(), flow.source.begin());
  std::ranges::copy(destination.bytes(), flow.destination.begin());
  return flow;
}

}  // namespace

Result<std::unique_ptr<Gateway>> Gateway::create(const Scenario& scenario, crypto::EspBackend backend,
                                                 rte_mempool* packets, unsigned workers, bool busy_poll) {
  auto counters = ipc::CounterMemory::create();
  if (!counters) return std::unexpected(std::move(counters.error()));
  std::unique_ptr<Gateway> gateway(new Gateway(scenario, workers, backend, std::move(*counters)));
  auto fib = Fib::create(limits_of(scenario), gateway->qsbr_, flow_seed);
  if (!fib) return std::unexpected(std::move(fib.error()));
  gateway->fib_ = std::move(*fib);
  auto events = EventRing::create();
  if (!events) return std::unexpected(std::move(events.error()));
  gateway->events_ = std::move(*events);
  if (auto made = gateway->make_filters(); !made) return std::unexpected(std::move(made.error()));
  if (auto made = gateway->make_workers(backend, packets, workers, busy_poll); !made)
    return std::unexpected(std::move(made.error()));
  return gateway;
}

Gateway::Gateway(const Scenario& scenario, unsigned workers, crypto::EspBackend backend, ipc::CounterMemory counters)
    : scenario_(scenario),
      qsbr_(workers),
      counters_(std::move(counters)),
      crypto_(crypto::EspCrypto::create(backend)) {}

// The last rule lets everything pass, the others nothing that is sent.
Result<void> Gateway::make_filters() {
  auto table = FilterTable::create();
  if (!table) return std::unexpected(std::move(table.error()));
  filters_ = std::move(*table);
  if (scenario_.security_rules == 0) return {};
  auto filter = std::make_shared<dataplane::Filter>();
  filter->generation = 1;
  for (auto& rules : filter->rules) {
    for (unsigned i = 1; i < scenario_.security_rules; ++i)
      rules.push_back(filter_rule({.protocol = 17, .first_port = 1, .last_port = 1}));
    rules.push_back(filter_rule({}));
  }
  auto filters = std::make_unique<Filters>();
  filters->ports.fill(filter.get());
  filters->tunnels.fill(filter.get());
  filters->owned.push_back(std::move(filter));
  filters_->exchange(std::move(filters));
  return {};
}

Result<void> Gateway::make_workers(crypto::EspBackend backend, rte_mempool* packets, unsigned workers, bool busy_poll) {
  WorkBoard* board = workers > 1 && workers_have_own_processors(workers) ? &board_ : nullptr;
  const SharedTables shared{qsbr_,         *fib_,           *sad_,   *tunnels_, *events_,
                            manager_bell_, slow_path_bell_, packets, board,     filters_.get()};
  for (unsigned i = 0; i < workers; ++i) {
    auto worker =
        Worker::create({.index = i, .busy_poll = busy_poll, .backend = backend}, shared, counters_.table().writers[i]);
    if (!worker) return std::unexpected(std::move(worker.error()));
    workers_.push_back(std::move(*worker));
  }
  return {};
}

// ------------------------------------------------------------------------------------------------------------- routes

Result<void> Gateway::set_routes(const Cell& cell) {
  if (routed_ && routed_->direction == cell.direction && routed_->tunnels == cell.tunnels &&
      routed_->routes == cell.routes)
    return {};
  fib_->begin(true);
  if (auto staged = stage_own_routes(cell); !staged) return staged;
  if (auto staged = stage_extra_routes(cell); !staged) return staged;
  if (auto committed = fib_->commit(); !committed) return committed;
  // No worker runs, so one poll brings the second copy up to date.
  if (auto polled = fib_->poll(); !polled) return polled;
  collect_flows(cell);
  routed_ = cell;
  return {};
}

Result<void> Gateway::stage_own_routes(const Cell& cell) {
  const auto hop = [this](ipc::NextHopId id, const NextHop& next_hop) { return fib_->set_next_hop(id, next_hop); };
  Result<void> result = hop(local, {.kind = ipc::NextHopKind::local});
  for (const ipc::PortId port : {lan_port, wan_port})
    for (unsigned i = 0; i < neighbours && result; ++i)
      result = hop(neighbour(port, i),
                   {.kind = ipc::NextHopKind::adjacency, .port = port, .mac = neighbour_mac(port, i).bytes});
  if (result) result = stage_paths();
  const auto route = [&](const Prefix& prefix, ipc::NextHopId next_hop) {
    if (result) result = fib_->set_route(prefix, next_hop);
  };
  route({gateway_address, 32}, local);
  route({peer_address(0), 16}, neighbour(wan_port, 0));
  route(all_tunnel_nets(Side::ours, scenario_.family), neighbour(lan_port, 0));
  for (unsigned tunnel = 0; tunnel < cell.tunnels && result; ++tunnel) {
    const Prefix net = tunnel_net(Side::peers, scenario_.family, tunnel);
    if (cell.direction == Direction::plain) {
      route(net, to_wan(0));
      continue;
    }
    result = hop(into_tunnel(tunnel),
                 {.kind = ipc::NextHopKind::tunnel, .tunnel = ipc::TunnelId(static_cast<uint16_t>(tunnel))});
    route(net, into_tunnel(tunnel));
  }
  return result;
}

// Groups as large as the scenario wants them, one for each neighbour to begin with.
Result<void> Gateway::stage_paths() {
  if (scenario_.paths == 1) return {};
  for (unsigned first = 0; first < neighbours; ++first) {
    NextHopGroup group;
    for (unsigned i = 0; i < ipc::group_buckets; ++i)
      group.buckets[i] = neighbour(wan_port, (first + i % scenario_.paths) % neighbours);
    if (auto set = fib_->set_group(ipc::group_id(static_cast<uint16_t>(first)), group); !set) return set;
  }
  return {};
}

// Where the packets of a plain route go.
ipc::NextHopId Gateway::to_wan(unsigned index) const {
  const unsigned first = index % neighbours;
  return scenario_.paths == 1 ? neighbour(wan_port, first) : ipc::group_id(static_cast<uint16_t>(first));
}

// One route more is none more: the destinations are the tunnels' own prefixes.
Result<void> Gateway::stage_extra_routes(const Cell& cell) {
  destinations_.clear();
  if (cell.routes == 1) return {};
  destinations_ = internet_prefixes(scenario_.family, cell.routes);
  for (size_t i = 0; i < destinations_.size(); ++i) {
    const auto some = static_cast<unsigned>(i);
    const ipc::NextHopId next_hop = cell.direction == Direction::out  ? into_tunnel(some % cell.tunnels)
                                    : cell.direction == Direction::in ? neighbour(lan_port, some % neighbours)
                                                                      : to_wan(some);
    if (auto set = fib_->set_route(destinations_[i], next_hop); !set) return set;
  }
  return {};
}

void Gateway::collect_flows(const Cell& cell) {
  const Side from = cell.direction == Direction::in ? Side::peers : Side::ours;
  const Side to = cell.direction == Direction::in ? Side::ours : Side::peers;
  flows_.clear();
  if (destinations_.empty())
    for (unsigned tunnel = 0; tunnel < cell.tunnels; ++tunnel)
      flows_.push_back(make_flow(host_in(tunnel_net(from, scenario_.family, tunnel)),
                                 host_in(tunnel_net(to, scenario_.family, tunnel)), tunnel));
  for (size_t i = 0; i < destinations_.size(); ++i) {
    const IpAddress destination = host_in(destinations_[i]);
    unsigned tunnel = static_cast<unsigned>(i) % cell.tunnels;
    // A longer prefix may cover the host.
    if (cell.direction == Direction::out) tunnel = fib_->next_hop(fib_->lookup(destination)).tunnel.value();
    flows_.push_back(make_flow(host_in(tunnel_net(from, scenario_.family, tunnel)), destination, tunnel));
  }
}

// ---------------------------------------------------------------------------------------------------------------- SAs

SaName Gateway::current(ipc::Direction direction, unsigned tunnel) const {
  return {direction, tunnel, rekeys_[tunnel].load()};
}

// Ids alternate from rekey to rekey, as far as they suffice.
ipc::SaId Gateway::sa_id(const SaName& sa) const {
  constexpr uint32_t half = ipc::max_sas / 2;
  const uint32_t other = tunnel_count_ <= half / 2 && sa.rekeys % 2 != 0 ? half / 2 : 0;
  return ipc::SaId((sa.direction == ipc::Direction::outbound ? 0 : half) + other + sa.tunnel);
}

uint32_t Gateway::spi(const SaName& sa) const { return (sa.rekeys % 0xffff + 1) * ipc::max_sas | sa_id(sa).value(); }

unsigned Gateway::tunnel_of(uint32_t outbound_spi) const {
  const uint32_t id = ipc::sa_of_spi(outbound_spi).value();
  return tunnel_count_ <= ipc::max_sas / 4 ? id % (ipc::max_sas / 4) : id;
}

SecretBytes Gateway::key(const SaName& sa) const {
  return key_material(scenario_, suite_, sa.direction, sa.tunnel, uint64_t{generation_} << 32 | sa.rekeys);
}

ipc::SaAdd Gateway::describe_sa(const SaName& sa) const {
  const bool out = sa.direction == ipc::Direction::outbound;
  ipc::SaAdd add;
  add.id = sa_id(sa);
  add.spi = spi(sa);
  add.tunnel = ipc::TunnelId(static_cast<uint16_t>(sa.tunnel));
  add.direction = sa.direction;
  add.suite = suite_;
  add.replay_window = out ? 0 : scenario_.replay_window;
  add.source = ipc::from_address(out ? gateway_address : peer_address(sa.tunnel));
  add.destination = ipc::from_address(out ? peer_address(sa.tunnel) : gateway_address);
  const SecretBytes material = key(sa);
  std::ranges::copy(material.view(), add.key.begin());
  // As route-based VPNs negotiate them.
  add.selector_pairs = 2;
  add.selectors[0] = everything(Family::ipv4);
  add.selectors[1] = everything(Family::ipv6);
  return add;
}

Result<void> Gateway::add_sas(unsigned tunnel, uint32_t rekeys) {
  ipc::SaAdd out = describe_sa({ipc::Direction::outbound, tunnel, rekeys});
  ipc::SaAdd in = describe_sa({ipc::Direction::inbound, tunnel, rekeys});
  auto outbound = make_outbound_sa(out, *crypto_);
  auto inbound = make_inbound_sa(in, *crypto_);
  wipe(out.key);
  wipe(in.key);
  if (!outbound) return std::unexpected(std::move(outbound.error()));
  if (!inbound) return std::unexpected(std::move(inbound.error()));
  fib_->set_outer(out.id, peer_address(tunnel));
  sad_->publish(std::move(*outbound));
  sad_->publish(std::move(*inbound));
  tunnels_->set(out.tunnel, {out.id, tunnel_mtu});
  return {};
}

void Gateway::remove_sas() {
  for (unsigned tunnel = 0; tunnel < tunnel_count_; ++tunnel) {
    const ipc::SaId out = sa_id(current(ipc::Direction::outbound, tunnel));
    tunnels_->remove(ipc::TunnelId(static_cast<uint16_t>(tunnel)));
    sad_->unlink_outbound(out);
    sad_->unlink_inbound(sa_id(current(ipc::Direction::inbound, tunnel)));
    fib_->clear_outer(out);
  }
  tunnel_count_ = 0;
}

Result<void> Gateway::set_sas(const Cell& cell) {
  remove_sas();
  if (!cell.suite) return {};
  suite_ = *cell.suite;
  generation_ = next_generation_++;
  tunnel_count_ = cell.tunnels;
  rekeys_ = std::vector<std::atomic<uint32_t>>(tunnel_count_);
  for (unsigned tunnel = 0; tunnel < tunnel_count_; ++tunnel)
    if (auto added = add_sas(tunnel, 0); !added) return added;
  return {};
}

// --------------------------------------------------------------------------------------------- while the workers run

Result<void> Gateway::begin_rekey(unsigned tunnel) {
  const uint32_t rekeys = rekeys_[tunnel].load() + 1;
  if (auto added = add_sas(tunnel, rekeys); !added) return added;
  rekeys_[tunnel].store(rekeys);
  // A worker may have looked up the older one just before: busy() until it is through with it.
  reclaimer_.defer([] {});
  return {};
}

void Gateway::finish_rekey(unsigned tunnel) {
  SaName old = current(ipc::Direction::outbound, tunnel);
  --old.rekeys;
  const ipc::SaId id = sa_id(old);
  reclaimer_.retire(sad_->unlink_outbound(id));
  reclaimer_.defer([this, id] { fib_->clear_outer(id); });
  old.direction = ipc::Direction::inbound;
  reclaimer_.retire(sad_->unlink_inbound(sa_id(old)));
}

Result<void> Gateway::toggle_routes() {
  fib_->begin(false);
  for (unsigned i = 0; i < toggled_routes; ++i) {
    const Prefix prefix = unused_prefix(scenario_.family, i);
    if (auto staged = toggled_ ? fib_->remove_route(prefix) : fib_->set_route(prefix, neighbour(wan_port, 1)); !staged)
      return staged;
  }
  toggled_ = !toggled_;
  return fib_->commit();
}

Result<void> Gateway::poll() {
  reclaimer_.poll();
  return fib_->poll();
}

void Gateway::discard_events() {
  PathEvent event;
  while (events_->pop(event)) {
  }
}

void Gateway::discard_punted() {
  std::array<Handed, 64> items;
  for (const auto& worker : workers_)
    while (const unsigned count = worker->rings().to_kernel.pop(items))
      for (const Handed& item : std::span(items).first(count)) rte_pktmbuf_free(item.mbuf);
}

std::string Gateway::drops() const {
  std::string text;
  for (size_t reason = 0; reason < static_cast<size_t>(ipc::DropReason::count); ++reason) {
    uint64_t count = 0;
    for (unsigned worker = 0; worker < workers_.size(); ++worker)
      count += counters_.table().writers[worker].drops.value[reason];
    if (count != 0)
      text += std::string(ipc::name(static_cast<ipc::DropReason>(reason))) + " " + std::to_string(count) + " ";
  }
  return text.empty() ? "nothing dropped" : text;
}

}  // namespace sekisho::dataplane::bench
