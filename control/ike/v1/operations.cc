#include "control/ike/v1/operations.h"

#include <algorithm>
#include <set>

#include "control/ike/v1/informational.h"
#include "control/ike/v1/lifecycle.h"

namespace sekisho::ike::v1 {
namespace {

ChildSaView view(const ChildSa& child) {
  return {.name = child.name,
          .inbound_spi = child.inbound_spi,
          .outbound_spi = child.outbound_spi,
          .suite = child.suite,
          .esn = false,
          .udp_encapsulation = child.udp_encapsulation,
          .outbound_active = child.outbound_active,
          .pfs = child.pfs,
          .state = std::string(name(child.state)),
          .local_selectors = child.selectors.local,
          .remote_selectors = child.selectors.remote,
          .created = child.created,
          .rekey_at = child.rekey_at,
          .expires_at = child.expires_at};
}

IkeSaView view(const IkeSa& sa) {
  IkeSaView result{.connection = sa.half_open() ? std::string() : sa.name(),
                   .version = IkeVersion::v1,
                   .state = std::string(name(sa.state)),
                   .initiator_spi = sa.cookies.initiator,
                   .responder_spi = sa.cookies.responder,
                   .initiator = sa.initiator,
                   .local = sa.local,
                   .remote = sa.remote,
                   .proposal = sa.keys.d.empty() ? std::string() : sa.proposal.text(),
                   .local_behind_nat = sa.local_behind_nat,
                   .remote_behind_nat = sa.remote_behind_nat,
                   .created = sa.created,
                   .established_at = sa.established_at,
                   .rekey_at = sa.rekey_at,
                   .expires_at = sa.expires_at,
                   .certified_until = sa.certified_until};
  if (!sa.half_open()) {
    result.local_id = sa.connection->local_id.text();
    result.remote_id = sa.connection->remote_id.text();
  }
  return result;
}

}  // namespace

void rekey_children(Context& context, const std::string& connection, const std::string& name) {
  std::vector<uint32_t> spis;
  for (const ChildSa& child : context.sas.children())
    if (child.connection == connection && (name.empty() || child.name == name)) spis.push_back(child.inbound_spi);
  for (const uint32_t spi : spis)
    if (ChildSa* child = context.sas.find_child(spi)) rekey_child(context, *child);
}

void rekey_ike(Context& context, const std::string& connection) {
  if (context.sas.newest(connection)) begin_ike_sa(context, connection);
}

bool take_child_event(Context& context, const ChildSaEvent& event) {
  ChildSa* child = context.sas.find_child(event.inbound_spi);
  if (!child) return false;
  switch (event.kind) {
    case ChildSaEvent::Kind::first_inbound_packet:
      confirm_child(context, *child);
      break;
    case ChildSaEvent::Kind::soft_expired:
      rekey_child(context, *child);
      break;
    case ChildSaEvent::Kind::hard_expired:
      hard_expire_child(context, *child);
      break;
    case ChildSaEvent::Kind::refused:
      refuse_child(context, *child);
      break;
  }
  return true;
}

bool take_move(Context& context, const PeerMoved& event) {
  const ChildSa* child = context.sas.find_child(event.inbound_spi);
  if (!child) return false;
  IkeSa* sa = context.sas.newest(child->connection);
  if (!sa || !sa->remote_behind_nat || !child->udp_encapsulation || !encapsulates(*sa)) return true;
  if (event.remote.address.family() != sa->remote.address.family()) return true;
  sa->remote = event.remote;
  move_children(context, *sa);
  return true;
}

void redefine(Context& context, const std::shared_ptr<const Connection>& connection) {
  context.sas.for_each([&](IkeSa& sa) {
    if (sa.name() == connection->name) sa.connection = connection;
  });
}

void shut_down(Context& context) {
  std::set<std::string> connections;
  context.sas.for_each([&](const IkeSa& sa) { connections.insert(sa.name()); });
  for (const ChildSa& child : context.sas.children()) connections.insert(child.connection);
  for (const std::string& connection : connections) terminate(context, connection);
  context.sas.for_each([&](IkeSa& sa) { drop(context, sa); });
}

// A child stands with the newest ISAKMP SA of its connection. Where there is none for the moment, it stands alone.
void add_views(const SaTable& sas, std::vector<IkeSaView>& views) {
  std::map<std::string, size_t> newest;
  sas.for_each([&](const IkeSa& sa) {
    views.push_back(view(sa));
    if (sa.state != IkeState::established) return;
    const auto [known, added] = newest.emplace(sa.name(), views.size() - 1);
    if (!added && views[known->second].established_at <= sa.established_at) known->second = views.size() - 1;
  });
  for (const ChildSa& child : sas.children()) {
    const auto [owner, added] = newest.emplace(child.connection, views.size());
    if (added) views.push_back({.connection = child.connection, .version = IkeVersion::v1, .state = "closed"});
    views[owner->second].children.push_back(view(child));
  }
}

}  // namespace sekisho::ike::v1
