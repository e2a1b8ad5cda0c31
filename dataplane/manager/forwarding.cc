#include "dataplane/manager/forwarding.h"

#include <rte_launch.h>
#include <rte_lcore.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <span>
#include <string>
#include <utility>

#include "base/messages/dataplane.h"
#include "base/random.h"
#include "dataplane/worker/processors.h"
#include "ipc/convert.h"

namespace sekisho::dataplane {
namespace {

std::optional<Refusal> refusal(uint32_t index, ipc::CommandType command, const Error& error) {
  return Refusal{index, command, error.text()};
}

// The first-level tables have a fixed size; the rest grows with the memory. A route costs about 512 bytes: two tree
// nodes in each of two replicas. What is not the front door's is left to the other VRFs, of an eighth of its size each.
FibLimits fib_limits(unsigned memory_mb, unsigned vrfs) {
  const unsigned fixed_mb = 160 + 128 * vrfs;
  const unsigned rest = (std::max(memory_mb, fixed_mb + 64) - fixed_mb) * 8 / (8 + vrfs);
  return {.ipv4_routes = std::min(rest * 640, 1U << 20),
          .ipv4_tables = std::min(rest * 16, 32767U),
          .ipv6_routes = std::min(rest * 64, 1U << 18),
          .ipv6_tables = std::min(rest * 32, 32767U)};
}

struct WorkerStart {
  Worker* worker;
  const std::atomic<bool>* stop;
};

int run_worker(void* argument) {
  const std::unique_ptr<WorkerStart> start(static_cast<WorkerStart*>(argument));
  start->worker->run(*start->stop);
  return 0;
}

}  // namespace

// What was done so far and how to take it back; unless it is kept, that happens in reverse order.
class Forwarding::Undo {
 public:
  Undo() = default;
  Undo(const Undo&) = delete;
  Undo& operator=(const Undo&) = delete;
  ~Undo() {
    while (!steps_.empty()) {
      steps_.back()();
      steps_.pop_back();
    }
  }
  void push(std::function<void()> step) { steps_.push_back(std::move(step)); }
  void keep() { steps_.clear(); }

 private:
  std::vector<std::function<void()>> steps_;
};

Result<std::unique_ptr<Forwarding>> Forwarding::start(const ForwardingOptions& options, const PacketPools& pools,
                                                      ipc::CounterTable& counters) {
  std::unique_ptr<Forwarding> forwarding(new Forwarding(options.workers));
  if (auto made = forwarding->make_tables(options); !made) return std::unexpected(made.error());
  if (auto made = forwarding->make_workers(options, pools.packets, counters); !made)
    return std::unexpected(made.error());
  std::vector<WorkerRings*> rings;
  for (const auto& worker : forwarding->workers_) rings.push_back(&worker->rings());
  auto slow_path = SlowPath::create(std::move(rings), forwarding->slow_path_bell_, *forwarding->tunnels_, pools,
                                    counters.writers[ipc::slow_path_slot]);
  if (!slow_path) return std::unexpected(slow_path.error());
  forwarding->slow_path_ = std::move(*slow_path);
  forwarding->ports_ =
      std::make_unique<Ports>(forwarding->workers_, *forwarding->slow_path_, forwarding->reclaimer_, pools.packets);
  forwarding->ports_->publish();
  forwarding->launch_workers();
  return forwarding;
}

Result<void> Forwarding::make_tables(const ForwardingOptions& options) {
  crypto_ = crypto::EspCrypto::create(options.backend);
  auto fib = Fib::create(fib_limits(options.memory_mb, options.vrfs), qsbr_, SystemRandom().next_u64());
  if (!fib) return std::unexpected(fib.error());
  fib_ = std::move(*fib);
  sad_ = std::make_unique<Sad>();
  tunnels_ = std::make_unique<TunnelTable>();
  auto events = EventRing::create();
  if (!events) return std::unexpected(events.error());
  events_ = std::move(*events);
  auto filters = FilterTable::create();
  if (!filters) return std::unexpected(filters.error());
  filters_ = std::move(*filters);
  return {};
}

Result<void> Forwarding::make_workers(const ForwardingOptions& options, rte_mempool* packets,
                                      ipc::CounterTable& counters) {
  // A helper that shares its processor with another worker would hold up those whom it helps.
  WorkBoard* board = options.workers > 1 && workers_have_own_processors(options.workers) ? &board_ : nullptr;
  const SharedTables shared{qsbr_, *fib_,           *sad_,   *tunnels_, *events_,
                            bell_, slow_path_bell_, packets, board,     filters_.get()};
  counters_ = &counters;
  counters.flow_places = static_cast<uint32_t>(filters_->flows().places());
  counters.workers = options.workers;
  for (unsigned i = 0; i < options.workers; ++i) {
    auto worker = Worker::create({i, options.busy_poll, options.backend}, shared, counters.writers[i]);
    if (!worker) return std::unexpected(worker.error());
    workers_.push_back(std::move(*worker));
  }
  return {};
}

void Forwarding::launch_workers() {
  launched_ = true;
  for (unsigned i = 0; i < workers_.size(); ++i)
    rte_eal_remote_launch(run_worker, new WorkerStart{workers_[i].get(), &stop_}, i + 1);
}

Forwarding::~Forwarding() {
  stop_.store(true);
  if (launched_) rte_eal_mp_wait_lcore();
}

ipc::PortState Forwarding::port_state(ipc::PortId id) const {
  const PortRecord& record = holdings_.ports.at(id);
  const Port& port = ports_->at(id);
  ipc::PortState state;
  state.id = id;
  state.mtu = record.mtu;
  state.link_up = port.link_up ? 1 : 0;
  state.vrf = record.vrf;
  state.mac = port.device->mac().bytes;
  state.name = ipc::to_text<16>(record.name);
  state.device = ipc::to_text<240>(record.device);
  return state;
}

void Forwarding::poll() {
  // Forwarding goes on with the copy that is complete.
  if (const auto polled = fib_->poll(); !polled) spdlog::error("{}", polled.error().text());
  reclaimer_.poll();
  count_flows();
}

std::optional<Refusal> Forwarding::carry_out(Staging& staging) {
  if (auto refused = staging.check(holdings_)) return refused;
  // Tables that are made stay, whatever becomes of the rest.
  if (auto refused = make_vrfs(staging)) return refused;
  {
    Undo undo;
    if (auto refused = prepare_ports(staging, undo)) return refused;
    if (auto refused = prepare_tunnels(staging, undo)) return refused;
    if (auto refused = commit_routes(staging)) return refused;
    undo.keep();
  }
  publish_filters(staging);
  publish_ports(staging);
  publish_vrfs(staging);
  publish_sas(staging);
  move_sas(staging);
  publish_tunnels(staging);
  remove_sas(staging);
  remove_tunnels(staging);
  return {};
}

std::optional<Refusal> Forwarding::make_vrfs(const Staging& staging) {
  std::vector<ipc::VrfId> made;
  for (const auto& [vrf, named] : staging.vrfs) {
    if (fib_->has_vrf(vrf)) continue;
    if (auto added = fib_->add_vrf(vrf); !added) {
      for (const ipc::VrfId each : made) fib_->drop_vrf(each);
      return refusal(named.index, named.command, added.error());
    }
    made.push_back(vrf);
  }
  return {};
}

std::optional<Refusal> Forwarding::prepare_ports(const Staging& staging, Undo& undo) {
  for (const auto& [key, staged] : staging.ports) {
    const ipc::PortId id = key;
    const auto refused = [&, index = staged.index](const Error& error) {
      return refusal(index, ipc::CommandType::port_set, error);
    };
    const auto held = holdings_.ports.find(id);
    if (held == holdings_.ports.end()) {
      auto opened = ports_->open(id, staged.value);
      if (!opened) return refused(opened.error());
      if (auto added = ports_->add(id, std::move(*opened)); !added) return refused(added.error());
      undo.push([this, id] { ports_->remove(id); });
    } else if (const uint16_t before = held->second.mtu; before != staged.value.mtu) {
      if (auto set = ports_->set_mtu(id, staged.value.mtu); !set) return refused(set.error());
      undo.push([this, id, before] { static_cast<void>(ports_->set_mtu(id, before)); });
    }
  }
  return {};
}

std::optional<Refusal> Forwarding::prepare_tunnels(const Staging& staging, Undo& undo) {
  for (const auto& [key, staged] : staging.tunnels) {
    const uint16_t id = key.value();
    const auto refused = [&, index = staged.index](const Error& error) {
      return refusal(index, ipc::CommandType::tunnel_set, error);
    };
    const auto held = holdings_.tunnels.find(key);
    if (held == holdings_.tunnels.end()) {
      auto twin = KernelTwin::make_tun(staged.value.name, staged.value.mtu);
      if (!twin) return refused(twin.error());
      if (auto added = slow_path_->add(Via::tunnel, id, std::move(*twin)); !added) return refused(added.error());
      undo.push([this, id] { slow_path_->remove(Via::tunnel, id); });
    } else if (const uint16_t before = held->second.mtu; before != staged.value.mtu) {
      if (auto set = slow_path_->set_mtu(Via::tunnel, id, staged.value.mtu); !set) return refused(set.error());
      undo.push([this, id, before] { static_cast<void>(slow_path_->set_mtu(Via::tunnel, id, before)); });
    }
  }
  return {};
}

std::optional<Refusal> Forwarding::commit_routes(const Staging& staging) {
  if (staging.next_hops.empty() && staging.groups.empty() && staging.routes.empty() && !staging.replace_routes())
    return {};
  fib_->begin(staging.replace_routes());
  const auto refused = [&](uint32_t index, ipc::CommandType command, const Error& error) {
    fib_->discard();
    return refusal(index, command, error);
  };
  for (const auto& [id, staged] : staging.next_hops)
    if (auto set = fib_->set_next_hop(id, staged.value); !set)
      return refused(staged.index, ipc::CommandType::next_hop_set, set.error());
  for (const auto& [id, staged] : staging.groups)
    if (auto set = fib_->set_group(id, staged.value); !set)
      return refused(staged.index, ipc::CommandType::next_hop_group_set, set.error());
  for (const Staging::RouteChange& route : staging.routes) {
    if (route.next_hop) {
      if (auto set = fib_->set_route(route.prefix, *route.next_hop, route.vrf); !set)
        return refused(route.index, ipc::CommandType::route_set, set.error());
    } else if (auto removed = fib_->remove_route(route.prefix, route.vrf); !removed) {
      return refused(route.index, ipc::CommandType::route_remove, removed.error());
    }
  }
  if (auto committed = fib_->commit(); !committed)
    return refused(staging.count(), ipc::CommandType::transaction_commit, committed.error());
  return {};
}

// Before an interface is there its filter is.
void Forwarding::publish_filters(const Staging& staging) {
  auto change = filter_sets_.take(staging, holdings_);
  if (!change) return;
  filters_moving_ = true;
  reclaimer_.retire(filters_->exchange(std::move(change->filters)));
  reclaimer_.defer([this] { filters_moving_ = false; });
}

// A part of the table at a time.
void Forwarding::count_flows() {
  constexpr size_t parts = 8;
  constexpr Duration interval = std::chrono::milliseconds(100);
  const Instant now = MonotonicClock::now();
  if (now < next_flow_count_) return;
  next_flow_count_ = now + interval;
  const FlowTable& flows = filters_->flows();
  if (filters_->active() == nullptr && counters_->flows == 0) return;
  const size_t end = counted_places_ + flows.places() / parts;
  counted_flows_ += flows.count(counted_places_, end, filters_->now());
  counted_places_ = end;
  if (counted_places_ < flows.places()) return;
  __atomic_store_n(&counters_->flows, static_cast<uint32_t>(counted_flows_), __ATOMIC_RELAXED);
  counted_places_ = counted_flows_ = 0;
}

void Forwarding::publish_ports(const Staging& staging) {
  for (const auto& [id, staged] : staging.ports) {
    holdings_.ports[id] = staged.value;
    ports_->set_vrf(id, staged.value.vrf);
  }
  for (const auto& [id, index] : staging.removed_ports) {
    ports_->remove(id);
    holdings_.ports.erase(id);
  }
  if (!staging.ports.empty()) ports_->publish();
}

// Before their SAs: what an SA's first packet carries goes by its own VRF's routes already.
void Forwarding::publish_vrfs(const Staging& staging) {
  for (const auto& [id, staged] : staging.tunnels) tunnels_->set_vrf(id, staged.value.vrf);
}

void Forwarding::publish_sas(Staging& staging) {
  for (auto& [id, staged] : staging.sas) {
    Staging::NewSa& made = staged.value;
    if (auto* inbound = std::get_if<InboundSaPtr>(&made.sa)) {
      sad_->publish(std::move(*inbound));
    } else {
      fib_->set_outer(id, made.destination);
      sad_->publish(std::move(std::get<OutboundSaPtr>(made.sa)));
    }
    holdings_.sas[id] = made.record;
  }
}

// The way to an outbound SA's new address is there before the address is. Whatever a worker makes of both while they
// change is sealed all the same, and at worst lost.
void Forwarding::move_sas(const Staging& staging) {
  if (staging.moved_sas.empty()) return;
  std::vector<InboundSa*> inbound;
  for (const auto& [id, staged] : staging.moved_sas) {
    const OuterAddresses& outer = staged.value.outer;
    if (InboundSa* sa = sad_->inbound(id)) {
      sa->set_outer(outer);
      inbound.push_back(sa);
    } else {
      fib_->set_outer(id, outer.destination);
      sad_->outbound(id)->set_outer(outer);
    }
  }
  // A source that changes once more is reported once more; but one that a worker compared with the old is not.
  hold([inbound = std::move(inbound)] {
    for (InboundSa* sa : inbound)
      sa->raised.fetch_and(static_cast<uint8_t>(~raised_source_changed), std::memory_order_relaxed);
  });
}

void Forwarding::hold(std::function<void()> then) {
  ++holds_;
  reclaimer_.defer([this, then = std::move(then)] {
    then();
    --holds_;
  });
}

void Forwarding::publish_tunnels(const Staging& staging) {
  for (const auto& [id, staged] : staging.tunnels) {
    holdings_.tunnels[id] = staged.value;
    publish_tunnel(id, staged.value);
    if (!staged.value.tx_sas.empty()) slow_path_->tunnel_has_sa(id);
  }
}

void Forwarding::publish_tunnel(ipc::TunnelId id, const TunnelRecord& record) {
  const std::span<const ipc::SaId> all = record.tx_sas;
  const ipc::SaId first = all.empty() ? ipc::no_sa : all.front();
  tunnels_->set(id, {first, record.mtu, record.on_traffic, record.df}, all.empty() ? all : all.subspan(1), record.mss);
}

void Forwarding::remove_sas(const Staging& staging) {
  for (const auto& [key, index] : staging.removed_sas) {
    const ipc::SaId id = key;
    const auto held = holdings_.sas.find(id);
    if (held == holdings_.sas.end()) continue;
    if (const auto tunnel = holdings_.tunnels.find(held->second.tunnel);
        tunnel != holdings_.tunnels.end() && std::erase(tunnel->second.tx_sas, id) > 0)
      publish_tunnel(tunnel->first, tunnel->second);
    if (held->second.direction == ipc::Direction::inbound) {
      reclaimer_.retire(sad_->unlink_inbound(id));
    } else {
      reclaimer_.retire(sad_->unlink_outbound(id));
      // The id may have a new owner by then.
      reclaimer_.defer([this, id] {
        if (sad_->outbound(id) == nullptr) fib_->clear_outer(id);
      });
    }
    holdings_.sas.erase(held);
  }
}

void Forwarding::remove_tunnels(const Staging& staging) {
  for (const auto& [id, index] : staging.removed_tunnels) {
    tunnels_->remove(id);
    slow_path_->remove(Via::tunnel, id.value());
    holdings_.tunnels.erase(id);
  }
  // What a worker has just taken out of the tunnel goes by its VRF's routes, and not by those of the id's next owner.
  if (!staging.removed_tunnels.empty()) hold([] {});
}

}  // namespace sekisho::dataplane
