#include "control/main/network.h"

#include <fmt/format.h>
#include <sys/epoll.h>

#include <algorithm>
#include <utility>

#include "base/messages/dataplane.h"
#include "base/messages/routing.h"

namespace sekisho::control {
namespace {

constexpr auto settle_delay = std::chrono::milliseconds(3);
constexpr auto retry_delay = std::chrono::seconds(1);
constexpr auto probe_interval = std::chrono::seconds(1);
constexpr auto room_interval = std::chrono::minutes(1);
constexpr size_t max_probes = 64;
// A few milliseconds of the dataplane's manager, which does one transaction after the other.
constexpr size_t commands_in_piece = 2048;

Error missing_error(const IpAddress& gateway, const Network::MissingRoutes& missing) {
  const std::string more = missing.count > 1 ? fmt::format(" and {} more", missing.count - 1) : "";
  return {&messages::static_route_unreachable,
          fmt::format("{}{} by way of {}", missing.first.text(), more, gateway.text())};
}

}  // namespace

Network::Network(sd_event* loop, TransactionSink& sink, NetworkHost& host, std::unique_ptr<kernel::Mirror> mirror,
                 kernel::Configurator configurator)
    : sink_(sink),
      host_(host),
      mirror_(std::move(mirror)),
      configurator_(std::move(configurator)),
      watch_(loop, mirror_->fd(), EPOLLIN, [this](uint32_t) { kernel_event(); }),
      settle_timer_(loop, [this] { settle(); }),
      retry_timer_(loop,
                   [this] {
                     kernel_event();
                     settle();
                   }),
      probe_timer_(loop, [this] { probe_wanted(); }),
      room_timer_(loop, [this] {
        left_out_.clear();
        touch();
      }) {
  touch();
  probe_timer_.set_in(probe_interval);
}

Result<std::unique_ptr<Network>> Network::open(sd_event* loop, TransactionSink& sink, NetworkHost& host) {
  auto mirror = kernel::Mirror::open();
  if (!mirror) return std::unexpected(mirror.error());
  auto configurator = kernel::Configurator::open();
  if (!configurator) return std::unexpected(configurator.error());
  return std::unique_ptr<Network>(new Network(loop, sink, host, std::move(*mirror), std::move(*configurator)));
}

void Network::touch() {
  // A large table takes its time to plan; while it is filled, most of the time goes into taking changes in. But a
  // change that comes after a quiet time, as when a tunnel goes down, waits no longer than planning takes: what belongs
  // to it, such as the kernel's word and then zebra's, is one change.
  if (settle_timer_.armed()) return;
  const Instant soon = MonotonicClock::now() + std::max<Duration>(settle_delay, last_settle_);
  settle_timer_.set(std::max<Instant>(soon, settled_ + 4 * last_settle_));
}

void Network::forget_pushed() {
  pushed_.forget();
  to_push_.clear();
  push_all_ = true;
  push_in_flight_ = false;
}

bool Network::has_address(const IpAddress& address) const {
  return std::ranges::any_of(state().addresses,
                             [&](const kernel::LinkAddress& each) { return each.address.address == address; });
}

std::vector<IpAddress> Network::usable_addresses() const {
  std::vector<IpAddress> usable;
  for (const kernel::LinkAddress& each : state().addresses) {
    const auto link = state().links.find(each.link);
    if (link != state().links.end() && link->second.up) usable.push_back(each.address.address);
  }
  return usable;
}

bool Network::attached_and_up(int link) const {
  const auto found = state().links.find(link);
  return found != state().links.end() && found->second.up && host_.attachments().contains(found->second.name);
}

void Network::kernel_event() {
  if (take_in()) touch();
}

bool Network::take_in() {
  const auto update = mirror_->process();
  if (!update) {
    host_.network_failed(update.error());
    retry_timer_.set_in(retry_delay);
    return false;
  }
  // The kernel confirms a neighbour that turned stale only when it sends to it itself, and it is the dataplane that
  // sends.
  for (const kernel::NeighbourKey& stale : update->turned_stale)
    if (attached_and_up(stale.link)) (void)configurator_.probe(stale);
  return update->changed;
}

void Network::settle() {
  const Instant begun = MonotonicClock::now();
  ++round_;
  if (sink_.ready())
    configure_whole();
  else
    guard();
  if (offered() + too_many_ / 16 < too_many_) left_out_.clear();
  plan_ = routing::plan_routes(state(), host_.attachments(), host_.learnt_routes(), left_out_);
  if (sink_.ready()) push_routes();
  settled_ = MonotonicClock::now();
  last_settle_ = settled_ - begun;
  host_.network_changed();
}

// One change makes room for the next: a route needs its gateway's link to be up. The kernel has told of a change by the
// time it acknowledges it, so all of them, and what the dataplane is to hear of them, fit into this turn: a tunnel that
// has come up carries traffic at once.
void Network::configure_whole() {
  constexpr unsigned max_rounds = 4;
  for (unsigned round = 0; round < max_rounds; ++round) {
    if (!configure()) return;
    take_in();
  }
  if (failures_.empty()) touch();  // else the retry timer runs
}

// Without the dataplane the twins stay as they are: it may be forwarding still. But what is to go into a tunnel must
// not find another way through the kernel meanwhile.
void Network::guard() {
  const KernelSpec guards{.twins = {}, .routes = {}, .guards = host_.kernel_spec().guards};
  std::set<std::string> failures;
  for (const KernelChange& change : reconcile(guards, {}, state()))
    if (std::holds_alternative<SetRoute>(change))
      if (auto done = carry_out(configurator_, change); !done) report_once(failures, done.error());
  failures_ = std::move(failures);
  if (!failures_.empty()) retry_timer_.set_in(retry_delay);
}

// While the dataplane is away its twins are too, and with them whatever they lead to.
void Network::look_for_missing_routes() {
  std::map<IpAddress, MissingRoutes> found;
  if (sink_.ready())
    for (const StaticRoute& route : unreachable_routes(host_.kernel_spec(), state())) {
      MissingRoutes& missing = found.try_emplace(route.via, route.prefix).first->second;
      ++missing.count;
    }
  for (auto& [gateway, missing] : found) {
    const auto known = missing_.find(gateway);
    missing.since = known == missing_.end() ? MonotonicClock::now() : known->second.since;
    missing.told = known != missing_.end();
    if (missing.told && !known->second.told) host_.route_missing(missing_error(gateway, missing));
  }
  missing_ = std::move(found);
}

std::vector<std::pair<Error, Instant>> Network::missing_routes() const {
  std::vector<std::pair<Error, Instant>> all;
  for (const auto& [gateway, missing] : missing_)
    if (missing.told) all.emplace_back(missing_error(gateway, missing), missing.since);
  return all;
}

// What fails is tried again with the next change, and after a second.
bool Network::configure() {
  const KernelSpec spec = host_.kernel_spec();
  std::set<std::string> failures;
  enable_forwarding(spec, failures);
  const auto changes = reconcile(spec, own_addresses_, state());
  for (const KernelChange& change : changes)
    if (auto done = carry_out(configurator_, change); !done) report_once(failures, done.error());
  failures_ = std::move(failures);
  if (!failures_.empty()) retry_timer_.set_in(retry_delay);
  own_addresses_.clear();
  for (const auto& [name, twin] : spec.twins) own_addresses_[name].insert(twin.addresses.begin(), twin.addresses.end());
  return !changes.empty();
}

void Network::report_once(std::set<std::string>& known, const Error& error) {
  const std::string text = error.text();
  if (!failures_.contains(text)) host_.network_failed(error);
  known.insert(text);
}

void Network::enable_forwarding(const KernelSpec& spec, std::set<std::string>& failures) {
  std::set<int> present;
  for (const auto& [name, twin] : spec.twins) {
    const kernel::Link* link = state().find_link(name);
    if (!link) continue;
    if (forwarding_.contains(link->index)) {
      present.insert(link->index);
      continue;
    }
    const bool ipv6 = std::ranges::any_of(twin.addresses, [](const auto& each) { return !each.address.is_v4(); });
    auto enabled = kernel::enable_forwarding(name);
    if (enabled && ipv6) enabled = kernel::enable_ipv6_forwarding();
    if (enabled)
      present.insert(link->index);
    else
      report_once(failures, enabled.error());
  }
  forwarding_ = std::move(present);
}

void Network::push_routes() {
  // One transaction at a time: a dataplane that hangs gets the latest state afterwards, not a queue of all the ones
  // before.
  if (push_in_flight_) {
    push_waits_ = true;
    return;
  }
  to_push_ = pushed_.advance(plan_);
  next_to_push_ = 0;
  pushed_round_ = round_;
  if (pushed_.ran_out())
    host_.network_failed(
        {&messages::next_hops_exhausted, fmt::format("{} of {} next hops and groups of them", pushed_.overflow(),
                                                     plan_.next_hops.size() + plan_.groups.size())});
  if (to_push_.empty() && !push_all_) return host_.routed(round_);
  push_piece();
}

// All routes anew are one piece: what it does not name goes. In any other a next hop comes before the groups and
// routes that use it, and what replaces a route before those that go.
void Network::push_piece() {
  const size_t left = to_push_.size() - next_to_push_;
  const size_t end = next_to_push_ + (push_all_ ? left : std::min(left, commands_in_piece));
  piece_begin_ = next_to_push_;
  piece_is_all_ = push_all_;
  Transaction transaction(push_all_);
  for (; next_to_push_ < end; ++next_to_push_)
    routing::visit_message(to_push_[next_to_push_], [&](const auto& message) { transaction.add(message); });
  push_all_ = false;
  push_in_flight_ = true;
  sink_.submit(std::move(transaction), [this](const std::optional<Error>& refusal) { piece_pushed(refusal); });
}

void Network::piece_pushed(const std::optional<Error>& refusal) {
  push_in_flight_ = false;
  const bool done = next_to_push_ == to_push_.size();
  if (!refusal && !done && !push_waits_) return push_piece();
  if (std::exchange(push_waits_, false)) touch();
  if (refusal) return refused(*refusal);
  // The rest of a plan that is old by now waits for no one.
  if (!done) pushed_.undo(to_push_, next_to_push_);
  to_push_.clear();
  if (done) host_.routed(pushed_round_);
}

size_t Network::offered() const {
  const zserv::Table* learnt = host_.learnt_routes();
  return state().routes.size() + (learnt ? learnt->routes().size() : 0);
}

void Network::refused(const Error& refusal) {
  const auto failing = Prefix::parse(refusal.detail);
  const bool full = refusal.message == &messages::forwarding_table_full && failing;
  // A flood of them is one event.
  if (!full || left_out_.empty()) host_.network_failed(refusal);
  std::set<Prefix> found;
  if (full) {
    found = routing::without_room(*failing, pushed_.added(to_push_, piece_begin_), plan_);
    // A plan that is newer may have no need of it.
    if (found.empty() && round_ == pushed_round_) found = routing::to_make_room(failing->family(), plan_);
  }
  const bool helpless = found.empty() && round_ == pushed_round_;
  if (helpless || piece_is_all_)
    forget_pushed();
  else
    pushed_.undo(to_push_, piece_begin_);
  to_push_.clear();
  if (helpless) return retry_timer_.set_in(retry_delay);
  left_out_.merge(found);
  too_many_ = offered();
  // Of all routes at once nothing went in; of as many as fit, some will.
  if (!left_out_.empty()) room_timer_.set_in(piece_is_all_ ? Duration(retry_delay) : Duration(room_interval));
  touch();
}

// Gateways in use and peers on a link, as far as they are not resolved: the dataplane cannot resolve them, and the
// kernel tries only for what it sends itself.
void Network::probe_wanted() {
  probe_timer_.set_in(probe_interval);
  std::vector<kernel::NeighbourKey> wanted = plan_.unresolved;
  for (const IpAddress& peer : host_.peers()) {
    const auto* route = routing::find_route(plan_, peer);
    if (!route || route->second.group || route->second.next_hop.kind != ipc::NextHopKind::punt || route->second.via)
      continue;
    wanted.push_back({route->second.link, peer});
  }
  if (wanted.size() > max_probes) wanted.resize(max_probes);
  for (const kernel::NeighbourKey& neighbour : wanted)
    if (attached_and_up(neighbour.link)) (void)configurator_.probe(neighbour);
}

}  // namespace sekisho::control
