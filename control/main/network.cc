#include "control/main/network.h"

#include <fmt/format.h>

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
constexpr auto vrf_interval = std::chrono::seconds(1);
constexpr auto longest_pause = std::chrono::minutes(1);
constexpr size_t max_probes = 64;
// A few milliseconds of the dataplane's manager, which does one transaction after the other.
constexpr size_t commands_in_piece = 2048;

Error missing_error(const std::pair<std::string, IpAddress>& gateway, const Network::MissingRoutes& missing) {
  const auto& [vrf, address] = gateway;
  const std::string more = missing.count > 1 ? fmt::format(" and {} more", missing.count - 1) : "";
  return {&messages::static_route_unreachable, fmt::format("{}{} by way of {}{}", missing.first.text(), more,
                                                           address.text(), vrf.empty() ? "" : " in VRF " + vrf)};
}

}  // namespace

Network::Network(sd_event* loop, TransactionSink& sink, NetworkHost& host, Namespaces spaces)
    : sink_(sink),
      host_(host),
      spaces_(std::move(spaces)),
      settle_timer_(loop, [this] { settle(); }),
      retry_timer_(loop,
                   [this] {
                     take_in();
                     settle();
                   }),
      probe_timer_(loop, [this] { probe_wanted(); }),
      room_timer_(loop,
                  [this] {
                    left_out_.clear();
                    if (!full_.empty()) {
                      full_.clear();
                      host_.vrfs_changed();
                    }
                    touch();
                  }),
      vrf_timer_(loop, [this] {
        look_for_vrfs(true);
        look_for_twins();
      }) {
  plans_[ipc::front_door];
  touch();
  probe_timer_.set_in(probe_interval);
  vrf_timer_.set_in(vrf_interval);
}

Result<std::unique_ptr<Network>> Network::open(sd_event* loop, TransactionSink& sink, NetworkHost& host,
                                               NamespaceDoor door) {
  const auto owner = std::make_shared<Network*>(nullptr);
  auto spaces = Namespaces::open(loop, std::move(door), [owner](const std::string& vrf) {
    if (*owner) (*owner)->kernel_event(vrf);
  });
  if (!spaces) return std::unexpected(spaces.error());
  std::unique_ptr<Network> network(new Network(loop, sink, host, std::move(*spaces)));
  *owner = network.get();
  return network;
}

// ---------------------------------------------------------------------------------------------------------- the VRFs

void Network::look_for_vrfs(bool again) {
  vrf_timer_.set_in(vrf_interval);
  std::set<std::string> wanted, gone;
  for (const auto& [vrf, id] : host_.vrf_ids())
    if (!vrf.empty()) wanted.insert(vrf);
  for (const auto& [vrf, space] : spaces_.all())
    if (!vrf.empty() && !wanted.contains(vrf)) gone.insert(vrf);
  for (const std::string& vrf : gone) leave(vrf);
  std::erase_if(full_, [&](const auto& each) { return !wanted.contains(each.first); });
  std::erase_if(left_out_, [&](const auto& each) {
    return std::ranges::none_of(host_.vrf_ids(), [&](const auto& vrf) { return vrf.second == each.first; });
  });
  const Namespaces::Looked looked = spaces_.look(wanted, again);
  for (const Error& fault : looked.faults) host_.network_failed(fault);
  if (!looked.changed && looked.faults.empty() && gone.empty()) return;
  host_.vrfs_changed();
  touch();
}

// Of a VRF without a namespace nothing is known.
void Network::look_for_twins() {
  if (!sink_.ready()) return;
  if (take_in()) touch();
  const auto names = [](const Namespace& space) {
    std::set<std::string_view> all;
    for (const auto& [index, link] : space.state().links) all.insert(link.name);
    return all;
  };
  const Namespace& outside = spaces_.front_door();
  if (!outside.mirror->is_current()) return;
  const std::set<std::string_view> made = names(outside);
  std::set<std::string> gone;
  for (const auto& [vrf, twins] : host_.attachments()) {
    const Namespace* space = spaces_.find(vrf);
    if (!space || !space->mirror->is_current()) continue;
    const std::set<std::string_view> moved = names(*space);
    for (const auto& [twin, what] : twins)
      if (!made.contains(twin) && !moved.contains(twin)) gone.insert(twin);
  }
  if (gone = due_again(gone); !gone.empty()) host_.twins_gone(gone);
}

// What is taken away each time it is made is made ever more rarely.
std::set<std::string> Network::due_again(const std::set<std::string>& gone) {
  const Instant now = MonotonicClock::now();
  std::erase_if(again_, [now](const auto& each) { return now - each.second.at > longest_pause; });
  std::set<std::string> due;
  for (const std::string& twin : gone) {
    const auto [known, added] = again_.try_emplace(twin, Again{now, vrf_interval});
    if (now < known->second.at) continue;
    if (!added) known->second.pause = std::min<Duration>(2 * known->second.pause, longest_pause);
    known->second.at = now + known->second.pause;
    due.insert(twin);
  }
  return due;
}

// What this gateway has put there does not stay behind.
void Network::leave(const std::string& vrf) {
  Namespace& space = *spaces_.find(vrf);
  for (const KernelChange& change : reconcile({}, space.own_addresses, space.state()))
    (void)carry_out(vrf, space, change);
  spaces_.close(vrf);
}

const Namespaces::Fault* Network::fault(const std::string& vrf) const {
  if (const auto found = spaces_.faults().find(vrf); found != spaces_.faults().end()) return &found->second;
  const auto found = full_.find(vrf);
  return found == full_.end() ? nullptr : &found->second;
}

routing::Attachments Network::twins_in(const std::string& vrf) const {
  const auto found = attachments_.find(vrf);
  routing::Attachments twins = found == attachments_.end() ? routing::Attachments{} : found->second;
  if (!vrf.empty()) std::erase_if(twins, [this](const auto& twin) { return state().find_link(twin.first) != nullptr; });
  return twins;
}

std::vector<VrfRoutes> Network::vrfs() const {
  std::vector<VrfRoutes> vrfs;
  for (const auto& [name, id] : host_.vrf_ids()) {
    const Namespace* space = spaces_.find(name);
    const auto plan = plans_.find(id);
    if (space && plan != plans_.end()) vrfs.push_back({name, space->state(), plan->second});
  }
  return vrfs;
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

bool Network::attached_and_up(const std::string& vrf, const Namespace& space, int link) const {
  const auto found = space.state().links.find(link);
  if (found == space.state().links.end() || !found->second.up) return false;
  const auto twins = attachments_.find(vrf);
  return twins != attachments_.end() && twins->second.contains(found->second.name);
}

void Network::kernel_event(const std::string& vrf) {
  if (Namespace* space = spaces_.find(vrf); space && take_in(vrf, *space)) touch();
}

bool Network::take_in() {
  bool changed = false;
  for (const auto& [vrf, space] : spaces_.all()) changed |= take_in(vrf, *space);
  return changed;
}

bool Network::take_in(const std::string& vrf, Namespace& space) {
  const auto update = space.mirror->process();
  if (!update) {
    host_.network_failed(update.error());
    retry_timer_.set_in(retry_delay);
    return false;
  }
  // The kernel confirms a neighbour that turned stale only when it sends to it itself, and it is the dataplane that
  // sends.
  for (const kernel::NeighbourKey& stale : update->turned_stale)
    if (attached_and_up(vrf, space, stale.link)) (void)space.configurator.probe(stale);
  return update->changed;
}

void Network::settle() {
  const Instant begun = MonotonicClock::now();
  ++round_;
  host_.network_settles();
  look_for_vrfs(push_all_);  // the routes of one that is not open would go from a dataplane that has them
  attachments_ = host_.attachments();
  if (sink_.ready())
    configure_whole();
  else
    guard();
  if (offered() + too_many_ / 16 < too_many_) left_out_.clear();
  plan_all();
  if (sink_.ready()) push_routes();
  settled_ = MonotonicClock::now();
  last_settle_ = settled_ - begun;
  host_.network_changed();
}

// Of a VRF that the dataplane holds no port or tunnel of, it may have no table either, for want of memory.
void Network::plan_all() {
  routing::Plans plans;
  for (const auto& [name, id] : host_.vrf_ids()) {
    const bool outside = id == ipc::front_door;
    const Namespace* space = spaces_.find(name);
    const routing::Attachments twins = twins_in(name);
    if (space && (outside || (!twins.empty() && !full_.contains(name))))
      plans[id] = routing::plan_routes(space->state(), twins, outside ? host_.learnt_routes() : nullptr, left_out_[id]);
  }
  plans_ = std::move(plans);
}

// One change makes room for the next: a route needs its gateway's link to be up. The kernel has told of a change by the
// time it acknowledges it, so all of them, and what the dataplane is to hear of them unless much waits for it already,
// fit into this turn: a tunnel that has come up carries traffic at once.
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
  std::set<std::string> failures;
  for (const auto& [vrf, space] : spaces_.all()) {
    const KernelSpec guards{.twins = {}, .routes = {}, .guards = host_.kernel_spec(vrf).guards};
    for (const KernelChange& change : reconcile(guards, {}, space->state()))
      if (std::holds_alternative<SetRoute>(change))
        if (auto done = carry_out(vrf, *space, change); !done) report_once(failures, done.error());
  }
  failures_ = std::move(failures);
  if (!failures_.empty()) retry_timer_.set_in(retry_delay);
}

// While the dataplane is away its twins are too, and with them whatever they lead to.
void Network::look_for_missing_routes() {
  std::map<std::pair<std::string, IpAddress>, MissingRoutes> found;
  for (const auto& [vrf, space] : spaces_.all()) {
    if (!sink_.ready()) break;
    for (const StaticRoute& route : unreachable_routes(host_.kernel_spec(vrf), space->state()))
      ++found.try_emplace({vrf, route.via}, route.prefix).first->second.count;
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
  std::set<std::string> failures;
  bool changed = false;
  for (const auto& [vrf, space] : spaces_.all()) changed |= configure(vrf, *space, failures);
  failures_ = std::move(failures);
  if (!failures_.empty()) retry_timer_.set_in(retry_delay);
  return changed;
}

bool Network::configure(const std::string& vrf, Namespace& space, std::set<std::string>& failures) {
  KernelSpec spec = host_.kernel_spec(vrf);
  if (vrf.empty()) {
    // Twins are made here. What bears the name of one in a VRF's namespace is not ours to move.
    for (const auto& [other, twins] : attachments_)
      if (!other.empty() && spaces_.find(other))
        for (const auto& [twin, what] : twins) spec.elsewhere.emplace(twin, other);
    enable_forwarding(spec, failures);
  } else {
    std::erase_if(spec.twins, [this](const auto& twin) { return state().find_link(twin.first) != nullptr; });
  }
  const auto changes = reconcile(spec, space.own_addresses, space.state());
  bool guarded = true;
  for (const KernelChange& change : changes)
    if (auto done = carry_out(vrf, space, change); !done) {
      report_once(failures, done.error());
      const auto* route = std::get_if<SetRoute>(&change);
      guarded &= !route || !route->route.blackhole;
    }
  space.own_addresses.clear();
  for (const auto& [name, twin] : spec.twins)
    space.own_addresses[name].insert(twin.addresses.begin(), twin.addresses.end());
  // A VRF's namespace forwards as a whole, and once its guards are there.
  if (!vrf.empty() && guarded)
    if (auto done = spaces_.let_forward(vrf, space); !done) report_once(failures, done.error());
  return !changes.empty();
}

Result<void> Network::carry_out(const std::string& vrf, Namespace& space, const KernelChange& change) {
  auto done = control::carry_out(space.configurator, change,
                                 [this](const std::string& target) { return spaces_.find(target)->fd.get(); });
  if (!done && !vrf.empty()) done.error().detail = "VRF " + vrf + ": " + done.error().detail;
  return done;
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
  to_push_ = pushed_.advance(plans_);
  next_to_push_ = 0;
  pushed_round_ = round_;
  size_t wanted = 0;
  for (const auto& [vrf, plan] : plans_) wanted += plan.next_hops.size() + plan.groups.size();
  if (pushed_.ran_out())
    host_.network_failed({&messages::next_hops_exhausted,
                          fmt::format("{} of {} next hops and groups of them", pushed_.overflow(), wanted)});
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
  size_t routes = learnt ? learnt->routes().size() : 0;
  for (const auto& [vrf, space] : spaces_.all()) routes += space->state().routes.size();
  return routes;
}

size_t Network::left_out() const {
  size_t routes = 0;
  for (const auto& [vrf, prefixes] : left_out_) routes += prefixes.size();
  return routes;
}

// Which of FRR's routes are to be left out for the one that the dataplane found no room for.
std::set<Prefix> Network::in_the_way(const routing::Destination& failing) const {
  const auto plan = plans_.find(failing.vrf);
  if (plan == plans_.end()) return {};
  std::set<Prefix> found =
      routing::without_room(failing.prefix, pushed_.added(to_push_, piece_begin_, failing.vrf), plan->second);
  // A plan that is newer may have no need of it.
  if (found.empty() && round_ == pushed_round_) found = routing::to_make_room(failing.prefix.family(), plan->second);
  return found;
}

// One VRF's routes are not to keep those of all others from the dataplane.
void Network::give_up(ipc::VrfId vrf, const Error& refusal) {
  for (const auto& [name, id] : host_.vrf_ids())
    if (id == vrf)
      full_.emplace(name,
                    Namespaces::Fault{{&messages::vrf_full, name + ": " + refusal.detail}, MonotonicClock::now()});
  for (const auto& [name, fault] : full_) host_.network_failed(fault.error);
  host_.vrfs_changed();
}

void Network::refused(const Error& refusal) {
  const auto failing =
      refusal.message == &messages::forwarding_table_full ? routing::failing_destination(refusal.detail) : std::nullopt;
  // A flood of them is one event.
  if (!failing || left_out() == 0) host_.network_failed(refusal);
  std::set<Prefix> found = failing ? in_the_way(*failing) : std::set<Prefix>{};
  bool helpless = found.empty() && round_ == pushed_round_;
  if (helpless && failing && failing->vrf != ipc::front_door) {
    give_up(failing->vrf, refusal);
    helpless = false;
  }
  if (helpless || piece_is_all_)
    forget_pushed();
  else
    pushed_.undo(to_push_, piece_begin_);
  to_push_.clear();
  if (helpless) return retry_timer_.set_in(retry_delay);
  if (failing) left_out_[failing->vrf].merge(found);
  too_many_ = offered();
  // Of all routes at once nothing went in; of as many as fit, some will.
  if (left_out() > 0 || !full_.empty())
    room_timer_.set_in(piece_is_all_ && full_.empty() ? Duration(retry_delay) : Duration(room_interval));
  touch();
}

// Gateways in use and peers on a link, as far as they are not resolved: the dataplane cannot resolve them, and the
// kernel tries only for what it sends itself.
void Network::probe_wanted() {
  probe_timer_.set_in(probe_interval);
  const auto vrfs = host_.vrf_ids();
  for (const auto& [vrf, space] : spaces_.all()) {
    const auto id = vrfs.find(vrf);
    const auto plan = id == vrfs.end() ? plans_.end() : plans_.find(id->second);
    if (plan == plans_.end()) continue;
    std::vector<kernel::NeighbourKey> wanted = plan->second.unresolved;
    if (vrf.empty()) add_peers(wanted);
    if (wanted.size() > max_probes) wanted.resize(max_probes);
    for (const kernel::NeighbourKey& neighbour : wanted)
      if (attached_and_up(vrf, *space, neighbour.link)) (void)space->configurator.probe(neighbour);
  }
}

void Network::add_peers(std::vector<kernel::NeighbourKey>& wanted) const {
  for (const IpAddress& peer : host_.peers()) {
    const auto* route = routing::find_route(plan(), peer);
    if (!route || route->second.group || route->second.next_hop.kind != ipc::NextHopKind::punt || route->second.via)
      continue;
    wanted.push_back({route->second.link, peer});
  }
}

}  // namespace sekisho::control
