#include "control/ike/engine.h"

#include <algorithm>
#include <utility>

#include "control/ike/answer_limit.h"
#include "control/ike/connection_difference.h"
#include "control/ike/connection_table.h"
#include "control/ike/connection_view.h"
#include "control/ike/v1/lifecycle.h"
#include "control/ike/v1/operations.h"
#include "control/ike/v1/receive.h"
#include "control/ike/v1/timers.h"
#include "control/ike/v2/cookie.h"
#include "control/ike/v2/create_child_sa.h"
#include "control/ike/v2/ike_sa_table.h"
#include "control/ike/v2/informational.h"
#include "control/ike/v2/lifecycle.h"
#include "control/ike/v2/mobike.h"
#include "control/ike/v2/path_probe.h"
#include "control/ike/v2/receive.h"
#include "control/ike/v2/rekey_ike.h"
#include "control/ike/v2/timers.h"

namespace sekisho::ike {

class Engine::Impl {
 public:
  Impl(EngineOptions options, Environment& environment) : options_(options), environment_(environment) {}

  Actions step(Event event, Instant now) {
    Actions actions;
    v2::Context context{{environment_, options_, connections_, anonymous_reports_, answers_, now, actions},
                        sas_,
                        cookies_,
                        local_addresses_};
    std::visit([&](auto& particular) { take(context, particular); }, event);
    sas_.settle();
    v1_sas_.sweep();
    connections_.settle();
    show_keys(actions);
    return actions;
  }

  std::optional<Instant> next_deadline() const {
    std::optional<Instant> earliest;
    for (const auto& candidate : {sas_.next_deadline(), v1::deadline(v1_sas_), connections_.next_attempt()})
      if (candidate && (!earliest || *candidate < *earliest)) earliest = candidate;
    return earliest;
  }

  bool knows(ByteView message) const;

  std::vector<ConnectionView> connections() const {
    const std::vector<IkeSaView> sas = views();
    std::vector<ConnectionView> result;
    for (const auto& [name, entry] : connections_.all()) result.push_back(ike::view(entry, sas));
    return result;
  }

  std::vector<IkeSaView> views() const {
    std::vector<IkeSaView> result;
    sas_.for_each([&](const v2::IkeSa& sa) {
      if (sa.state != v2::IkeState::closed) result.push_back(view(sa));
    });
    v1::add_views(v1_sas_, result);
    return result;
  }

 private:
  using Context = v2::Context;

  v1::Context with_v1(const Context& context) { return {context, v1_sas_}; }
  void show_keys(const Actions& actions) {
    KeyObserver* observer = environment_.key_observer();
    if (!observer) return;
    for (const Action& action : actions)
      if (const auto* child = std::get_if<InstallChildSa>(&action)) observer->child_sa(*child);
  }
  bool speaks_v1(const std::string& name) const;
  void pursue(Context& context, const std::string& name);

  void take(Context& context, const DatagramReceived& event);
  void take(Context& context, const TimerFired&);
  void take(Context& context, SetConnection& event);
  void take(Context& context, const RemoveConnection& event);
  void take(Context& context, const Initiate& event);
  void take(Context& context, const Terminate& event);
  void take(Context& context, const RekeyChild& event);
  void take(Context& context, const RekeyIke& event);
  void take(Context& context, const ChildSaEvent& event);
  void take(Context& context, const TrafficWaiting& event);
  void take(Context& context, const PeerMoved& event);
  void take(Context& context, const AddressesChanged& event);
  void take(Context& context, const WayChanged& event);
  void take(Context& context, const Shutdown&);

  void delete_all_of(Context& context, const std::string& name) {
    for (v2::IkeSa* sa : sas_.of(name)) v2::remove_all_children(context, *sa);
    for (v2::IkeSa* sa : sas_.closed_of(name)) v2::remove_all_children(context, *sa);
    for (v2::IkeSa* sa : sas_.of(name)) v2::begin_delete(context, *sa);
    v1::Context v1_context = with_v1(context);
    v1::terminate(v1_context, name);
  }
  static void forget_attempts(ConnectionEntry& entry) {
    entry.attempt_at.reset();
    entry.not_before = {};
    for (auto& [name, child] : entry.children) {
      child.attempt_at.reset();
      child.not_before = {};
    }
  }
  static IkeSaView view(const v2::IkeSa& sa);
  static ChildSaView view(const v2::ChildSa& child);

  const EngineOptions options_;
  Environment& environment_;
  ConnectionTable connections_;
  v2::IkeSaTable sas_;
  v1::SaTable v1_sas_;
  v2::CookieJar cookies_;
  AnswerLimit answers_;
  ReportLimit anonymous_reports_;
  LocalAddresses local_addresses_;
};

namespace {

// The header has the cookies or SPIs first, then the first payload's type, then the version (RFC 2408 section 3.1, RFC
// 7296 section 3.1).
bool is_v1(ByteView message) {
  constexpr size_t version_at = 17;
  return message.size() > version_at && message[version_at] >> 4 == 1;
}

}  // namespace

void Engine::Impl::take(Context& context, const DatagramReceived& event) {
  if (!is_v1(event.data)) return v2::receive(context, event);
  v1::Context v1_context = with_v1(context);
  v1::receive(v1_context, event);
}

bool Engine::Impl::knows(ByteView message) const {
  if (is_v1(message)) {
    const auto header = v1::wire::decode_header(message);
    return header && v1_sas_.find(*header);
  }
  const auto header = wire::decode_header(message);
  return header && sas_.contains(header->initiator_spi, header->responder_spi);
}

bool Engine::Impl::speaks_v1(const std::string& name) const {
  const auto found = connections_.all().find(name);
  return found != connections_.all().end() && found->second.connection->version == IkeVersion::v1;
}

void Engine::Impl::pursue(Context& context, const std::string& name) {
  if (!speaks_v1(name)) return v2::pursue(context, name);
  v1::Context v1_context = with_v1(context);
  v1::pursue(v1_context, name);
}

void Engine::Impl::take(Context& context, const TimerFired&) {
  for (v2::IkeSa* sa : sas_.due(context.now))
    if (sa->state != v2::IkeState::gone) v2::on_timer(context, *sa);
  v1::Context v1_context = with_v1(context);
  v1::on_timers(v1_context);
  for (const std::string& name : connections_.due(context.now)) {
    const auto at = connections_.find(name)->next_attempt();
    if (!at || context.now < *at) continue;
    if (speaks_v1(name))
      pursue(context, name);
    else
      v2::on_attempt_timer(context, name);
  }
}

void Engine::Impl::take(Context& context, SetConnection& event) {
  const std::string name = event.connection.name;
  const bool start = event.connection.start == StartMode::start;
  ConnectionEntry* known = connections_.find(name);
  const Difference difference = known ? compare(*known->connection, event.connection) : Difference::negotiated;
  if (difference == Difference::none) return;
  if (known && difference == Difference::negotiated) {
    delete_all_of(context, name);
    known->children.clear();
  }
  // A tunnel that the operator took down stays down, unless what changed is that it is to start.
  const bool start_changed = !known || (known->connection->start == StartMode::start) != start;
  ConnectionEntry& entry = connections_.set(std::move(event.connection));
  entry.last_failure.reset();  // the former definition's
  entry.unproven_since.reset();
  if (start_changed) entry.wanted = start;
  if (difference == Difference::local) {
    for (v2::IkeSa* sa : sas_.of(name)) {
      sa->connection = entry.connection;
      v2::watch_path(context, *sa);
    }
    v1::Context v1_context = with_v1(context);
    v1::redefine(v1_context, entry.connection);
  }
  if (!entry.wanted)
    forget_attempts(entry);
  else
    pursue(context, name);
}

void Engine::Impl::take(Context& context, const RemoveConnection& event) {
  delete_all_of(context, event.name);
  connections_.erase(event.name);
}

void Engine::Impl::take(Context& context, const Initiate& event) {
  ConnectionEntry* entry = connections_.find(event.name);
  if (!entry) return;
  entry->wanted = entry->connection->start == StartMode::start;
  entry->held_down = false;
  forget_attempts(*entry);
  pursue(context, event.name);
}

void Engine::Impl::take(Context& context, const Terminate& event) {
  ConnectionEntry* entry = connections_.find(event.name);
  if (!entry) return;
  entry->wanted = false;
  entry->held_down = true;
  forget_attempts(*entry);
  delete_all_of(context, event.name);
}

void Engine::Impl::take(Context& context, const RekeyChild& event) {
  v1::Context v1_context = with_v1(context);
  v1::rekey_children(v1_context, event.name, event.child);
  for (v2::IkeSa* sa : sas_.of(event.name)) {
    std::vector<uint32_t> spis;
    for (const v2::ChildSa& child : sa->children)
      if (event.child.empty() || child.name == event.child) spis.push_back(child.inbound_spi);
    for (const uint32_t spi : spis)
      if (v2::ChildSa* child = v2::find_inbound(*sa, spi)) v2::rekey_child(context, *sa, *child);
  }
}

void Engine::Impl::take(Context& context, const RekeyIke& event) {
  v1::Context v1_context = with_v1(context);
  v1::rekey_ike(v1_context, event.name);
  for (v2::IkeSa* sa : sas_.of(event.name)) {
    if (sa->state != v2::IkeState::established || sa->pending(v2::Task::Kind::rekey_ike)) continue;
    v2::enqueue(*sa, v2::rekey_ike_task());
    v2::pump(context, *sa);
  }
}

void Engine::Impl::take(Context& context, const ChildSaEvent& event) {
  v1::Context v1_context = with_v1(context);
  if (v1::take_child_event(v1_context, event)) return;
  v2::IkeSa* owner = sas_.owner_of(event.inbound_spi);
  if (!owner) return;
  v2::ChildSa& child = *v2::find_inbound(*owner, event.inbound_spi);
  switch (event.kind) {
    case ChildSaEvent::Kind::first_inbound_packet:
      child.confirmed = true;
      if (!child.outbound_active && child.live()) v2::activate_outbound(context, *owner, child);
      break;
    case ChildSaEvent::Kind::soft_expired:
      v2::rekey_child(context, *owner, child);
      break;
    case ChildSaEvent::Kind::hard_expired:
      v2::hard_expire_child(context, *owner, event.inbound_spi);
      break;
    case ChildSaEvent::Kind::refused:
      v2::refuse_child(context, *owner, event.inbound_spi);
      break;
  }
}

void Engine::Impl::take(Context& context, const TrafficWaiting& event) {
  ConnectionEntry* entry = connections_.find(event.connection);
  if (!entry || entry->held_down || entry->connection->start == StartMode::respond) return;
  // It failed lately: packets do not make it come sooner.
  if (context.now < entry->not_before)
    entry->attempt_at = entry->not_before;
  else
    pursue(context, event.connection);
}

// RFC 7296 section 2.23. With MOBIKE only ESP follows; IKE goes where the peer's update says (RFC 4555 section 3.8).
void Engine::Impl::take(Context& context, const PeerMoved& event) {
  v1::Context v1_context = with_v1(context);
  if (v1::take_move(v1_context, event)) return;
  v2::IkeSa* owner = sas_.owner_of(event.inbound_spi);
  if (!owner || owner->state != v2::IkeState::established || !owner->remote_behind_nat) return;
  // While it is asked whether the peer is where it says it is, nothing else moves its children.
  if (owner->pending(v2::Task::Kind::check_routability)) return;
  if (!v2::encapsulates(*owner) || event.remote.address.family() != owner->remote.address.family()) return;
  if (!owner->mobike) owner->remote = event.remote;
  v2::move_children(context, *owner, event.remote);
}

void Engine::Impl::take(Context& context, const AddressesChanged& event) {
  const LocalAddresses before = std::exchange(local_addresses_, LocalAddresses(event.usable));
  sas_.for_each([&](v2::IkeSa& sa) {
    if (sa.connection) v2::follow_local_addresses(context, sa, before);
  });
  // What could not be reached for want of an address is tried now that it has one.
  std::vector<std::string> back;
  for (const auto& [name, entry] : connections_.all())
    if (entry.attempt_at && !before.best(*entry.connection) && local_addresses_.best(*entry.connection))
      back.push_back(name);
  for (const std::string& name : back) pursue(context, name);
}

void Engine::Impl::take(Context& context, const WayChanged& event) {
  for (v2::IkeSa* sa : sas_.of(event.connection)) v2::watch_path(context, *sa);
}

void Engine::Impl::take(Context& context, const Shutdown&) {
  v1::Context v1_context = with_v1(context);
  v1::shut_down(v1_context);
  sas_.for_each([&](v2::IkeSa& sa) { v2::drop(context, sa, v2::Farewell::send_delete); });
  // A peer that begins again at once must find nobody: what it made would outlive the daemon.
  connections_.clear();
}

ChildSaView Engine::Impl::view(const v2::ChildSa& child) {
  return {.name = child.name,
          .inbound_spi = child.inbound_spi,
          .outbound_spi = child.outbound_spi,
          .suite = child.suite,
          .esn = child.esn,
          .udp_encapsulation = child.udp_encapsulation,
          .outbound_active = child.outbound_active,
          .pfs = child.pfs,
          .state = std::string(v2::name(child.state)),
          .local_selectors = child.selectors.local,
          .remote_selectors = child.selectors.remote,
          .created = child.created,
          .rekey_at = child.rekey_at,
          .expires_at = child.expires_at};
}

IkeSaView Engine::Impl::view(const v2::IkeSa& sa) {
  IkeSaView result{.connection = sa.name(),
                   .state = std::string(v2::name(sa.state)),
                   .initiator_spi = sa.spi_i,
                   .responder_spi = sa.spi_r,
                   .initiator = sa.initiator,
                   .local = sa.local,
                   .remote = sa.remote,
                   .proposal = sa.sealing ? sa.proposal.text() : std::string(),
                   .local_behind_nat = sa.local_behind_nat,
                   .remote_behind_nat = sa.remote_behind_nat,
                   .created = sa.created,
                   .established_at = sa.established_at,
                   .rekey_at = sa.rekey_at,
                   .expires_at = sa.expires_at,
                   .certified_until = sa.certified_until,
                   .path_mtu = v2::path_mtu_view(sa)};
  if (sa.connection) {
    result.local_id = sa.connection->local_id.text();
    result.remote_id = sa.connection->remote_id.text();
  }
  if (sa.state == v2::IkeState::established && sa.pending(v2::Task::Kind::rekey_ike)) result.state = "rekeying";
  for (const v2::ChildSa& child : sa.children) result.children.push_back(view(child));
  return result;
}

Engine::Engine(EngineOptions options, Environment& environment) : impl_(std::make_unique<Impl>(options, environment)) {}
Engine::~Engine() = default;

Actions Engine::step(Event event, Instant now) { return impl_->step(std::move(event), now); }
std::optional<Instant> Engine::next_deadline() const { return impl_->next_deadline(); }
bool Engine::knows(ByteView message) const { return impl_->knows(message); }
std::vector<IkeSaView> Engine::ike_sas() const { return impl_->views(); }
std::vector<ConnectionView> Engine::connections() const { return impl_->connections(); }

}  // namespace sekisho::ike
