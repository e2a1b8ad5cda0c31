#include "control/main/network.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <utility>

#include "base/messages/dataplane.h"
#include "base/messages/routing.h"
#include "base/messages/system.h"

namespace sekisho::control {
namespace {

constexpr auto settle_delay = std::chrono::milliseconds(3);
constexpr auto retry_delay = std::chrono::seconds(1);
constexpr auto probe_interval = std::chrono::seconds(1);
constexpr auto room_interval = std::chrono::minutes(1);
constexpr size_t max_probes = 64;
// A few milliseconds of the dataplane's manager, which does one transaction after the other.
constexpr size_t commands_in_piece = 2048;

// What the dataplane found no room for: "10.0.0.0/8", or "10.0.0.0/8 in VRF 3".
std::optional<Network::Destination> find_destination(const Error& refusal) {
  if (refusal.message != &messages::forwarding_table_full) return {};
  constexpr std::string_view between = " in VRF ";
  const std::string_view text = refusal.detail;
  const size_t end = text.find(between);
  const auto prefix = Prefix::parse(text.substr(0, end));
  if (!prefix) return {};
  uint8_t vrf = 0;
  if (end != std::string_view::npos) {
    const std::string_view number = text.substr(end + between.size());
    if (std::from_chars(number.data(), number.data() + number.size(), vrf).ec != std::errc{}) return {};
  }
  return Network::Destination{ipc::VrfId(vrf), *prefix};
}

Error missing_error(const std::pair<std::string, IpAddress>& gateway, const Network::MissingRoutes& missing) {
  const auto& [vrf, address] = gateway;
  const std::string more = missing.count > 1 ? fmt::format(" and {} more", missing.count - 1) : "";
  return {&messages::static_route_unreachable, fmt::format("{}{} by way of {}{}", missing.first.text(), more,
                                                           address.text(), vrf.empty() ? "" : " in VRF " + vrf)};
}

}  // namespace

Network::Network(sd_event* loop, TransactionSink& sink, NetworkHost& host, NamespaceDoor door)
    : loop_(loop),
      sink_(sink),
      host_(host),
      door_(std::move(door)),
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
  plans_[ipc::front_door];
  touch();
  probe_timer_.set_in(probe_interval);
}

Result<std::unique_ptr<Network>> Network::open(sd_event* loop, TransactionSink& sink, NetworkHost& host,
                                               NamespaceDoor door) {
  std::unique_ptr<Network> network(new Network(loop, sink, host, std::move(door)));
  constexpr const char* own = "/proc/self/ns/net";
  kernel::NamespaceSockets sockets;
  sockets.space.reset(::open(own, O_RDONLY | O_CLOEXEC));
  if (!sockets.space) return fail(messages::system_call_failed, std::string(own) + ": " + std::strerror(errno));
  if (auto opened = network->open_side("", std::move(sockets)); !opened) return std::unexpected(opened.error());
  return network;
}

// ---------------------------------------------------------------------------------------------------------- the VRFs

Result<void> Network::open_side(const std::string& vrf, kernel::NamespaceSockets sockets) {
  auto mirror = kernel::Mirror::open(std::move(sockets.monitor), std::move(sockets.requests));
  if (!mirror) return std::unexpected(mirror.error());
  auto configurator = kernel::Configurator::open(std::move(sockets.changes));
  if (!configurator) return std::unexpected(configurator.error());
  const int fd = (*mirror)->fd();
  sides_[vrf] =
      std::unique_ptr<Side>(new Side{.mirror = std::move(*mirror),
                                     .configurator = std::move(*configurator),
                                     .space = std::move(sockets.space),
                                     .watch = Watch(loop_, fd, EPOLLIN, [this](uint32_t) { kernel_event(); })});
  return {};
}

bool Network::holds_twin(const Side& side) const {
  for (const auto& [name, id] : host_.vrf_ids())
    for (const auto& [twin, what] : host_.attachments(name))
      if (side.mirror->state().find_link(twin)) return true;
  return false;
}

void Network::look_for_vrfs() {
  const auto wanted = host_.vrf_ids();
  std::erase_if(sides_, [&](const auto& each) { return !wanted.contains(each.first) && !holds_twin(*each.second); });
  std::map<std::string, Fault> unusable;
  for (const auto& [name, id] : wanted) {
    if (sides_.contains(name)) continue;
    auto sockets = door_.enter(name);
    const Result<void> opened = sockets ? open_side(name, std::move(*sockets)) : std::unexpected(sockets.error());
    if (opened) continue;
    const auto known = unusable_vrfs_.find(name);
    const bool told = known != unusable_vrfs_.end();
    if (!told) host_.network_failed(opened.error());
    unusable.emplace(name, Fault{opened.error(), told ? known->second.since : MonotonicClock::now()});
  }
  unusable_vrfs_ = std::move(unusable);
  if (!unusable_vrfs_.empty()) retry_timer_.set_in(retry_delay);
}

void Network::for_each_vrf(const std::function<void(const std::string& name, const kernel::State& state,
                                                    const routing::Plan& plan)>& look) const {
  for (const auto& [name, id] : host_.vrf_ids()) {
    const auto side = sides_.find(name);
    const auto plan = plans_.find(id);
    if (side != sides_.end() && plan != plans_.end()) look(name, side->second->mirror->state(), plan->second);
  }
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

bool Network::attached_and_up(const std::string& vrf, const Side& side, int link) const {
  const auto& links = side.mirror->state().links;
  const auto found = links.find(link);
  return found != links.end() && found->second.up && host_.attachments(vrf).contains(found->second.name);
}

void Network::kernel_event() {
  if (take_in()) touch();
}

bool Network::take_in() {
  bool changed = false;
  for (const auto& [vrf, side] : sides_) changed |= take_in(vrf, *side);
  return changed;
}

bool Network::take_in(const std::string& vrf, Side& side) {
  const auto update = side.mirror->process();
  if (!update) {
    host_.network_failed(update.error());
    retry_timer_.set_in(retry_delay);
    return false;
  }
  // The kernel confirms a neighbour that turned stale only when it sends to it itself, and it is the dataplane that
  // sends.
  for (const kernel::NeighbourKey& stale : update->turned_stale)
    if (attached_and_up(vrf, side, stale.link)) (void)side.configurator.probe(stale);
  return update->changed;
}

void Network::settle() {
  const Instant begun = MonotonicClock::now();
  ++round_;
  look_for_vrfs();
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
    const auto side = sides_.find(name);
    const routing::Attachments attachments = host_.attachments(name);
    if (side != sides_.end() && (outside || !attachments.empty()))
      plans[id] = routing::plan_routes(side->second->mirror->state(), attachments,
                                       outside ? host_.learnt_routes() : nullptr, left_out_[id]);
  }
  plans_ = std::move(plans);
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
  std::set<std::string> failures;
  for (const auto& [vrf, side] : sides_) {
    const KernelSpec guards{.twins = {}, .routes = {}, .guards = host_.kernel_spec(vrf).guards};
    for (const KernelChange& change : reconcile(guards, {}, side->mirror->state()))
      if (std::holds_alternative<SetRoute>(change))
        if (auto done = carry_out(*side, change); !done) report_once(failures, done.error());
  }
  failures_ = std::move(failures);
  if (!failures_.empty()) retry_timer_.set_in(retry_delay);
}

// While the dataplane is away its twins are too, and with them whatever they lead to.
void Network::look_for_missing_routes() {
  std::map<std::pair<std::string, IpAddress>, MissingRoutes> found;
  for (const auto& [vrf, side] : sides_) {
    if (!sink_.ready()) break;
    for (const StaticRoute& route : unreachable_routes(host_.kernel_spec(vrf), side->mirror->state()))
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
  for (const auto& [vrf, side] : sides_) changed |= configure(vrf, *side, failures);
  failures_ = std::move(failures);
  if (!failures_.empty()) retry_timer_.set_in(retry_delay);
  return changed;
}

bool Network::configure(const std::string& vrf, Side& side, std::set<std::string>& failures) {
  KernelSpec spec = host_.kernel_spec(vrf);
  for (const auto& [other, id] : host_.vrf_ids())
    if (other != vrf && sides_.contains(other))
      for (const auto& [twin, what] : host_.attachments(other)) spec.elsewhere.emplace(twin, other);
  // A VRF's namespace forwards as a whole.
  if (vrf.empty()) enable_forwarding(spec, failures);
  const auto changes = reconcile(spec, side.own_addresses, side.mirror->state());
  for (const KernelChange& change : changes)
    if (auto done = carry_out(side, change); !done) report_once(failures, done.error());
  side.own_addresses.clear();
  for (const auto& [name, twin] : spec.twins)
    side.own_addresses[name].insert(twin.addresses.begin(), twin.addresses.end());
  return !changes.empty();
}

Result<void> Network::carry_out(Side& side, const KernelChange& change) {
  return control::carry_out(side.configurator, change,
                            [this](const std::string& vrf) { return sides_.at(vrf)->space.get(); });
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
  for (const auto& [vrf, side] : sides_) routes += side->mirror->state().routes.size();
  return routes;
}

size_t Network::left_out() const {
  size_t routes = 0;
  for (const auto& [vrf, prefixes] : left_out_) routes += prefixes.size();
  return routes;
}

// Which of FRR's routes are to be left out for the one that the dataplane found no room for.
std::set<Prefix> Network::in_the_way(const Destination& failing) const {
  const auto plan = plans_.find(failing.vrf);
  if (plan == plans_.end()) return {};
  std::set<Prefix> found =
      routing::without_room(failing.prefix, pushed_.added(to_push_, piece_begin_, failing.vrf), plan->second);
  // A plan that is newer may have no need of it.
  if (found.empty() && round_ == pushed_round_) found = routing::to_make_room(failing.prefix.family(), plan->second);
  return found;
}

void Network::refused(const Error& refusal) {
  const auto failing = find_destination(refusal);
  // A flood of them is one event.
  if (!failing || left_out() == 0) host_.network_failed(refusal);
  std::set<Prefix> found = failing ? in_the_way(*failing) : std::set<Prefix>{};
  const bool helpless = found.empty() && round_ == pushed_round_;
  if (helpless || piece_is_all_)
    forget_pushed();
  else
    pushed_.undo(to_push_, piece_begin_);
  to_push_.clear();
  if (helpless) return retry_timer_.set_in(retry_delay);
  if (failing) left_out_[failing->vrf].merge(found);
  too_many_ = offered();
  // Of all routes at once nothing went in; of as many as fit, some will.
  if (left_out() > 0) room_timer_.set_in(piece_is_all_ ? Duration(retry_delay) : Duration(room_interval));
  touch();
}

// Gateways in use and peers on a link, as far as they are not resolved: the dataplane cannot resolve them, and the
// kernel tries only for what it sends itself.
void Network::probe_wanted() {
  probe_timer_.set_in(probe_interval);
  size_t probed = 0;
  const auto vrfs = host_.vrf_ids();
  for (const auto& [vrf, side] : sides_) {
    const auto id = vrfs.find(vrf);
    const auto plan = id == vrfs.end() ? plans_.end() : plans_.find(id->second);
    if (plan == plans_.end()) continue;
    std::vector<kernel::NeighbourKey> wanted = plan->second.unresolved;
    if (vrf.empty()) add_peers(wanted);
    for (const kernel::NeighbourKey& neighbour : wanted) {
      if (++probed > max_probes) return;
      if (attached_and_up(vrf, *side, neighbour.link)) (void)side->configurator.probe(neighbour);
    }
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
