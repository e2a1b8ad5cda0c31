#include "control/kernel/apply.h"

#include <algorithm>

namespace sekisho::kernel {
namespace {

Effect apply_link(State& state, ChangeKind kind, const Link& link) {
  if (kind == ChangeKind::gone) return {.changed = state.links.erase(link.index) > 0, .routes_suspect = true};
  Link& known = state.links[link.index];
  if (known == link) return {};
  const bool went_down = known.up && !link.up;
  known = link;
  return {.changed = true, .routes_suspect = went_down};
}

Effect apply_address(State& state, ChangeKind kind, const LinkAddress& address) {
  if (kind == ChangeKind::present) return {.changed = state.addresses.insert(address).second};
  return {.changed = state.addresses.erase(address) > 0, .routes_suspect = true};
}

void count_use(State& state, const Route& route) {
  if (route.next_hop_object != 0) ++state.next_hop_objects[route.next_hop_object];
}

void count_end_of_use(State& state, const Route& route) {
  const auto found = state.next_hop_objects.find(route.next_hop_object);
  if (found != state.next_hop_objects.end() && --found->second == 0) state.next_hop_objects.erase(found);
}

Effect apply_route(State& state, const Change& change, const Route& route) {
  auto& same_key = state.routes[route.key];
  const auto found = std::ranges::find(same_key, route);
  Effect effect;
  if (change.kind == ChangeKind::gone) {
    // An IPv6 route that lost one of its hops is reported as that hop alone.
    if (found == same_key.end()) {
      effect.routes_suspect = true;
    } else {
      count_end_of_use(state, *found);
      same_key.erase(found);
    }
    effect.changed = true;
  } else if (change.replaces) {
    effect.routes_suspect = same_key.size() > 1;
    effect.changed = found == same_key.end();
    for (const Route& each : same_key) count_end_of_use(state, each);
    same_key = {route};
    count_use(state, route);
  } else if (found == same_key.end()) {
    // An IPv6 route that got another hop is reported whole, beside what is known of it already.
    effect.routes_suspect = route.hops.size() > 1 && !same_key.empty();
    effect.changed = true;
    same_key.push_back(route);
    count_use(state, route);
  }
  // Where a hop encapsulates none of the route is held, so that a part and the whole look alike.
  const bool opaque = route.type == RouteType::unicast && route.hops.empty() && route.next_hop_object == 0;
  effect.routes_suspect |= opaque && !route.key.prefix.address().is_v4();
  if (same_key.empty()) state.routes.erase(route.key);
  return effect;
}

// What a route is made of is no news until there is such a route, which then comes with its hops.
Effect apply_next_hop_object(const State& state, const NextHopObject& object) {
  return {.routes_suspect = state.next_hop_objects.contains(object.id)};
}

Effect apply_neighbour(State& state, ChangeKind kind, const Neighbour& neighbour) {
  // The kernel's states come and go with its probes, of each neighbour several times a minute. What it cannot be sent
  // to by is as good as absent.
  if (kind == ChangeKind::gone) {
    const auto found = state.neighbours.find(neighbour.key);
    const bool was_usable = found != state.neighbours.end() && found->second.usable();
    state.neighbours.erase(neighbour.key);
    return {.changed = was_usable};
  }
  Neighbour& known = state.neighbours[neighbour.key];
  Effect effect{.changed = known.usable() != neighbour.usable() || (neighbour.usable() && known.mac != neighbour.mac)};
  if (neighbour.state == NeighbourState::stale && known.state != NeighbourState::stale)
    effect.turned_stale = neighbour.key;
  known = neighbour;
  return effect;
}

}  // namespace

Effect apply(State& state, const Change& change) {
  if (const auto* link = std::get_if<Link>(&change.object)) return apply_link(state, change.kind, *link);
  if (const auto* address = std::get_if<LinkAddress>(&change.object))
    return apply_address(state, change.kind, *address);
  if (const auto* route = std::get_if<Route>(&change.object)) return apply_route(state, change, *route);
  if (const auto* object = std::get_if<NextHopObject>(&change.object)) return apply_next_hop_object(state, *object);
  return apply_neighbour(state, change.kind, std::get<Neighbour>(change.object));
}

}  // namespace sekisho::kernel
