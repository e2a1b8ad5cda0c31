#include <random>
#include <set>

#include "tests/unit/control/routing/lab.h"

using namespace sekisho;
using namespace sekisho::routing_lab;

TEST_CASE("a route with several hops goes by those that are usable") {
  Kernel kernel;
  constexpr int absent = 99;
  const Hop dead{absent, address("10.9.1.2")}, second{lan, address("10.1.0.2"), 3}, third{lan, address("10.1.0.3")},
      tunnel{vti, {}};
  kernel.route_by("10.6.0.0/16", {tunnel, dead, third, second, third});
  kernel.route_by("10.7.0.0/16", {second, third, third, tunnel});
  kernel.route_by("10.8.0.0/16", {dead, tunnel});
  kernel.route_by("10.10.0.0/16", {dead, dead});
  Plan plan = kernel.plan();
  const auto group = [&plan](const char* to) { return plan.routes.at(prefix(to)).group; };
  const NextHopKey by_second{.kind = NextHopKind::adjacency, .port = ipc::PortId(1), .address = *second.via};
  const NextHopKey by_third{.kind = NextHopKind::adjacency, .port = ipc::PortId(1), .address = *third.via};
  const NextHopKey by_tunnel{.kind = NextHopKind::tunnel, .tunnel = ipc::TunnelId(7)};
  const Group expected = {{by_second, lan, second.via, 3}, {by_third, lan, third.via, 2}, {by_tunnel, vti, {}, 1}};
  REQUIRE(group("10.6.0.0/16"));
  CHECK(*group("10.6.0.0/16") == expected);
  CHECK(group("10.7.0.0/16") == group("10.6.0.0/16"));
  REQUIRE(group("10.8.0.0/16"));
  CHECK(*group("10.8.0.0/16") == Group{{by_tunnel, vti, {}, 1}});
  CHECK_FALSE(plan.routes.contains(prefix("10.10.0.0/16")));
  CHECK_FALSE(group("0.0.0.0/0"));
  CHECK(plan.groups.size() == 2);
  for (const NextHopKey& key : {by_second, by_third, by_tunnel}) CHECK(plan.next_hops.contains(key));
  // Each gateway is to be resolved.
  CHECK(plan.unresolved.size() == 3);
  kernel.state.links[vti].up = false;
  plan = kernel.plan();
  CHECK(group("10.6.0.0/16")->size() == 2);
  CHECK_FALSE(plan.routes.contains(prefix("10.8.0.0/16")));
}

TEST_CASE("a route whose hops the kernel keeps to itself is the kernel's") {
  Kernel kernel;
  kernel.route_by("10.6.0.0/16", std::vector<Hop>{});
  CHECK(hop_to(kernel.plan(), "10.6.0.1").kind == NextHopKind::punt);
}

namespace {

// Two routes of the same ways, by gateways that are resolved: the even ones out of `wan`, the odd ones out of `lan`,
// which leads nowhere else.
struct Multipath {
  static constexpr const char *one = "10.6.0.0/16", *other = "10.7.0.0/16";
  const MacAddress macs[4] = {{{2, 0, 0, 0, 1, 0}}, {{2, 0, 0, 0, 1, 1}}, {{2, 0, 0, 0, 1, 2}}, {{2, 0, 0, 0, 1, 3}}};

  Multipath() {
    kernel.state.routes.erase({RT_TABLE_MAIN, prefix("10.1.0.0/24"), 0, 0});
    for (int i = 0; i < 4; ++i) resolve(i, macs[i]);
  }
  static int link(int i) { return i % 2 ? lan : wan; }
  static std::string gateway(int i) { return "10.9.1." + std::to_string(10 + i); }
  static Hop by(int i, uint32_t weight = 1) { return {link(i), address(gateway(i).c_str()), weight}; }
  void resolve(int i, const MacAddress& mac) {
    kernel.neighbour(link(i), gateway(i).c_str(), NeighbourState::reachable, mac);
  }
  std::vector<RouteCommand> push() {
    std::vector<RouteCommand> commands = pushed.advance(of_front_door(kernel.plan()));
    dataplane.take(commands);
    return commands;
  }
  std::vector<size_t> shares(const char* to) const {
    std::vector<size_t> all;
    for (const MacAddress& mac : macs) all.push_back(dataplane.share(to, mac));
    return all;
  }

  Kernel kernel;
  Pushed pushed;
  Dataplane dataplane;
};

size_t moved(const Buckets& a, const Buckets& b) {
  size_t count = 0;
  for (size_t i = 0; i < a.size(); ++i) count += a[i] != b[i];
  return count;
}

using Shares = std::vector<size_t>;

template <typename T>
size_t count(const std::vector<RouteCommand>& commands) {
  return static_cast<size_t>(
      std::ranges::count_if(commands, [](const RouteCommand& command) { return std::holds_alternative<T>(command); }));
}
size_t groups(const std::vector<RouteCommand>& commands) { return count<GroupCommand>(commands); }
size_t routes(const std::vector<RouteCommand>& commands) {
  return count<ipc::RouteSet>(commands) + count<ipc::RouteRemove>(commands);
}

}  // namespace

TEST_CASE("several hops become one group, shared out by weight") {
  Multipath lab;
  lab.kernel.route_by(lab.one, {lab.by(0), lab.by(1, 2), lab.by(2)});
  lab.kernel.route_by(lab.other, {lab.by(2), lab.by(0), lab.by(1, 2)});
  CHECK(groups(lab.push()) == 1);
  CHECK(lab.shares(lab.one) == Shares{64, 128, 64, 0});
  CHECK(lab.dataplane.id_at(lab.one) == lab.dataplane.id_at(lab.other));
  CHECK(lab.push().empty());
}

TEST_CASE("where a way goes or comes, one command redirects all its routes, and only the flows that must") {
  Multipath lab;
  const auto route_both = [&lab](std::vector<Hop> hops) {
    lab.kernel.route_by(lab.one, hops);
    lab.kernel.route_by(lab.other, hops);
  };
  route_both({lab.by(0), lab.by(1), lab.by(2)});
  lab.push();
  const Buckets three = lab.dataplane.buckets_at(lab.one);
  const std::vector<ipc::NextHopSet> ways = lab.dataplane.members(lab.dataplane.id_at(lab.one));
  CHECK(lab.shares(lab.one) == Shares{86, 85, 85, 0});

  SECTION("its link is down, and comes back") {
    lab.kernel.state.links[lan].up = false;
    const auto commands = lab.push();
    CHECK(groups(commands) == 1);
    CHECK(routes(commands) == 0);
    CHECK(lab.shares(lab.other) == Shares{128, 0, 128, 0});
    CHECK(moved(three, lab.dataplane.buckets_at(lab.other)) == 85);
    lab.kernel.state.links[lan].up = true;
    CHECK(routes(lab.push()) == 0);
    const auto again = lab.dataplane.members(lab.dataplane.id_at(lab.other));
    CHECK(std::ranges::equal(ways, again, {}, &ipc::NextHopSet::mac, &ipc::NextHopSet::mac));
  }
  SECTION("the last one left is still a group of the same id") {
    route_both({lab.by(0), lab.by(1)});
    CHECK(routes(lab.push()) == 0);
    lab.kernel.state.links[lan].up = false;
    CHECK(routes(lab.push()) == 0);
    CHECK(lab.shares(lab.one) == Shares{256, 0, 0, 0});
  }
  SECTION("it is withdrawn") {
    route_both({lab.by(0), lab.by(2)});
    CHECK(routes(lab.push()) == 0);
    CHECK(moved(three, lab.dataplane.buckets_at(lab.one)) == 85);
  }
  SECTION("a fourth comes") {
    route_both({lab.by(3), lab.by(0), lab.by(1), lab.by(2)});
    CHECK(routes(lab.push()) == 0);
    CHECK(lab.shares(lab.one) == Shares{64, 64, 64, 64});
    CHECK(moved(three, lab.dataplane.buckets_at(lab.one)) == 64);
  }
  SECTION("of one route alone: that becomes a group beside the other") {
    lab.kernel.route_by(lab.one, {lab.by(0), lab.by(2)});
    const auto commands = lab.push();
    CHECK(groups(commands) == 1);
    CHECK(routes(commands) == 1);
    CHECK(lab.dataplane.buckets_at(lab.other) == three);
    CHECK(moved(three, lab.dataplane.buckets_at(lab.one)) == 85);
  }
  SECTION("of the one route, while the other has but one way left: each is redirected by itself") {
    lab.kernel.route_by(lab.one, {lab.by(0), lab.by(2), lab.by(3)});
    lab.kernel.route_by(lab.other, {lab.by(1)});
    const auto commands = lab.push();
    CHECK(groups(commands) == 1);
    CHECK(routes(commands) == 2);
  }
  SECTION("a neighbour that moves changes its next hop and no group") {
    lab.resolve(1, MacAddress{{2, 7, 7, 7, 7, 7}});
    const auto commands = lab.push();
    CHECK(commands.size() == 1);
    CHECK(count<ipc::NextHopSet>(commands) == 1);
  }
}

TEST_CASE("buckets are laid out alike by whoever begins, whatever was known of the next hops before") {
  Multipath before, after;
  for (int i = 3; i >= 0; --i) {
    before.kernel.route_by(("10.20." + std::to_string(i) + ".0/24").c_str(), {before.by(i)});
    before.push();
  }
  for (Multipath* lab : {&before, &after}) {
    lab->kernel.route_by(lab->one, {lab->by(0, 3), lab->by(1), lab->by(2), lab->by(3)});
    lab->push();
  }
  CHECK(std::ranges::equal(before.dataplane.members(before.dataplane.id_at(before.one)),
                           after.dataplane.members(after.dataplane.id_at(after.one)), {}, &ipc::NextHopSet::mac,
                           &ipc::NextHopSet::mac));
}

TEST_CASE("groups are reused, though never within the round that freed them; without room the first way is taken") {
  Multipath lab;
  lab.pushed = Pushed(ipc::max_next_hops, 2);
  for (int round = 0; round < 20; ++round) {
    const int away = round % 3;
    lab.kernel.state.routes.erase({RT_TABLE_MAIN, prefix(lab.one), 0, 0});
    lab.kernel.state.routes.erase({RT_TABLE_MAIN, prefix(lab.other), 0, 0});
    std::set<uint16_t> before;
    for (const auto& [to, id] : lab.dataplane.routes) before.insert(id);
    // Another prefix each time, so that no group takes over from another.
    lab.kernel.route_by(round % 2 ? lab.one : lab.other, {lab.by(away), lab.by(away + 1)});
    const auto commands = lab.push();
    REQUIRE(groups(commands) == 1);
    const auto group = std::ranges::find(commands, size_t{1}, &RouteCommand::index);
    CHECK_FALSE(before.contains(std::get<GroupCommand>(*group)->id.value()));
    REQUIRE(lab.pushed.overflow() == 0);
  }
  lab.kernel.route_by(lab.one, {lab.by(0), lab.by(1)});
  lab.kernel.route_by(lab.other, {lab.by(1), lab.by(2)});
  lab.kernel.route_by("10.8.0.0/16", {lab.by(2), lab.by(3)});
  lab.push();
  CHECK(lab.pushed.overflow() >= 1);
  size_t single = 0;
  for (const char* to : {lab.one, lab.other, "10.8.0.0/16"})
    single += lab.dataplane.next_hops.contains(lab.dataplane.id_at(to));
  CHECK(single == lab.pushed.overflow());
  lab.push();
  CHECK(lab.pushed.overflow() == 1);
}

TEST_CASE("a learnt route shares out by weight, also over gateways that several ways lead to") {
  Multipath lab;
  Zebra zebra;
  const auto weighted = [](zserv::NextHop hop, uint64_t weight) {
    hop.weight = weight;
    return hop;
  };
  const auto way = [](int i) { return routing_lab::by(Multipath::link(i), Multipath::gateway(i).c_str()); };
  zebra.route(zserv::RouteType::bgp, lab.one, {weighted(way(0), 3), weighted(way(1), 1)});
  zebra.route(zserv::RouteType::ospf, "192.0.2.0/24", {way(1), way(2)});
  zebra.route(zserv::RouteType::bgp, lab.other, {weighted(routing_lab::by(0, "192.0.2.1"), 3), weighted(way(3), 2)});
  zebra.route(zserv::RouteType::bgp, "10.8.0.0/16", {weighted(way(0), UINT64_MAX), weighted(way(1), UINT64_MAX / 3)});
  zebra.route(zserv::RouteType::bgp, "10.10.0.0/16", {weighted(way(0), UINT64_MAX), weighted(way(1), 0)});
  lab.dataplane.take(lab.pushed.advance(of_front_door(lab.kernel.plan(&zebra.table))));
  CHECK(lab.shares(lab.one) == Shares{192, 64, 0, 0});
  CHECK(lab.shares(lab.other) == Shares{0, 96, 96, 64});
  CHECK(lab.shares("10.8.0.0/16") == Shares{192, 64, 0, 0});
  CHECK(lab.shares("10.10.0.0/16") == Shares{255, 1, 0, 0});
}

TEST_CASE("of groups too, what was not carried out is said again") {
  Multipath lab;
  lab.kernel.route_by(lab.one, {lab.by(0), lab.by(1), lab.by(2)});
  lab.kernel.route_by(lab.other, {lab.by(0), lab.by(1), lab.by(2)});
  lab.kernel.route_by("10.8.0.0/16", {lab.by(0), lab.by(3)});
  lab.push();
  // Two groups come in the place of one, and one goes; of that only the first `carried` commands arrive.
  lab.kernel.route_by(lab.one, {lab.by(0), lab.by(1)});
  lab.kernel.route_by(lab.other, {lab.by(2), lab.by(3)});
  lab.kernel.state.routes.erase({RT_TABLE_MAIN, prefix("10.8.0.0/16"), 0, 0});
  const auto commands = lab.pushed.advance(of_front_door(lab.kernel.plan()));
  REQUIRE(groups(commands) == 2);
  REQUIRE(routes(commands) == 3);
  const auto carried = static_cast<size_t>(GENERATE(range(0, 5)));
  lab.dataplane.take({commands.begin(), commands.begin() + static_cast<ptrdiff_t>(carried)});
  lab.pushed.undo(commands, carried);

  SECTION("of the same plan") {
    lab.push();
    CHECK(lab.shares(lab.one) == Shares{128, 128, 0, 0});
    CHECK(lab.shares(lab.other) == Shares{0, 0, 128, 128});
    CHECK(lab.dataplane.routes.size() == lab.kernel.plan().routes.size());
  }
  SECTION("of the plan before") {
    lab.kernel.route_by(lab.one, {lab.by(0), lab.by(1), lab.by(2)});
    lab.kernel.route_by(lab.other, {lab.by(0), lab.by(1), lab.by(2)});
    lab.kernel.route_by("10.8.0.0/16", {lab.by(0), lab.by(3)});
    lab.push();
    for (const char* to : {lab.one, lab.other}) {
      const Shares shares = lab.shares(to);
      CHECK(shares[3] == 0);
      for (int i = 0; i < 3; ++i) CHECK((shares[static_cast<size_t>(i)] == 85 || shares[static_cast<size_t>(i)] == 86));
    }
    CHECK(lab.shares("10.8.0.0/16") == Shares{128, 0, 0, 128});
  }
  CHECK(lab.push().empty());
}

TEST_CASE("a group brings no packet into the clear on its way to another plan") {
  Kernel before;
  constexpr int vti1 = 6;
  before.state.links[vti1] = {vti1, "vti1", true, 1500, {}};
  before.attachments["vti1"] = ipc::TunnelId(8);
  Kernel after = before;
  const std::vector<Hop> tunnels = {{vti, {}}, {vti1, {}}}, mixed = {{vti, {}}, {wan, address("10.9.1.254")}};
  const char* const inner[] = {"10.80.0.0/16", "10.81.0.0/16", "10.82.0.0/16", "10.83.0.0/16"};
  before.route_by("10.64.0.0/10", tunnels);
  for (const char* to : inner) before.route_by(to, tunnels);
  after.route_by("10.64.0.0/10", mixed);
  after.route_by(inner[0], {{vti1, {}}});
  after.route_by(inner[1], {{vti, {}}, {vti1, {}, 2}});
  after.route(inner[2], Hop{0, {}}, 0, RouteType::blackhole);
  const bool there = GENERATE(true, false);
  const Plan from = there ? before.plan() : after.plan(), to = there ? after.plan() : before.plan();
  Pushed pushed;
  Dataplane dataplane;
  dataplane.take(pushed.advance(of_front_door(from)));
  for (const RouteCommand& command : pushed.advance(of_front_door(to))) {
    dataplane.take({command});
    for (const char* whom : {"10.64.0.9", "10.80.0.9", "10.81.0.9", "10.82.0.9", "10.83.0.9"}) {
      const bool planned =
          find_route(from, address(whom))->second.in_clear() || find_route(to, address(whom))->second.in_clear();
      if (!planned) CHECK_FALSE(in_clear(dataplane.all_for(address(whom))));
    }
  }
}

namespace {

// What a packet may meet, told apart.
using Way = std::tuple<NextHopKind, uint16_t, std::array<uint8_t, 6>>;
using Ways = std::set<Way>;

// Routes of two VRFs, which change from plan to plan: all of some ways at once, or one by one.
struct Changes {
  static constexpr size_t schemes = 4, prefixes = 10;
  static constexpr ipc::VrfId vrfs[] = {ipc::front_door, ipc::VrfId(1)};

  explicit Changes(unsigned seed) : random(seed) {
    for (Kernel& kernel : kernels) {
      kernel.state.routes.clear();
      for (int i = 1; i < 4; ++i) {
        const std::string name = "vti" + std::to_string(i);
        kernel.state.links[10 + i] = {10 + i, name, true, 1500, {}};
        kernel.attachments[name] = ipc::TunnelId(static_cast<uint16_t>(7 + i));
      }
      for (int i = 0; i < 2; ++i)
        kernel.neighbour(wan, gateways[i], NeighbourState::reachable,
                         MacAddress{{2, 0, 0, 0, 9, static_cast<uint8_t>(i)}});
    }
    for (auto& hops : ways) hops = any_hops();
  }
  unsigned below(unsigned bound) { return static_cast<unsigned>(random() % bound); }
  std::vector<Hop> any_hops() {
    const std::vector<Hop> all = {
        {vti, {}}, {11, {}}, {12, {}}, {13, {}}, {wan, address(gateways[0])}, {wan, address(gateways[1])}};
    std::vector<Hop> some;
    std::ranges::sample(all, std::back_inserter(some), 1 + below(3), random);
    return some;
  }
  static std::string to(size_t i) { return "10." + std::to_string(64 + i) + ".0.0/16"; }

  Plans next() {
    if (below(2)) ways[below(schemes)] = any_hops();
    for (size_t vrf = 0; vrf < 2; ++vrf)
      for (size_t i = 0; i < prefixes; ++i) {
        if (below(8) == 0) scheme[vrf][i] = below(schemes + 2);
        const kernel::RouteKey key{RT_TABLE_MAIN, prefix(to(i).c_str()), 0, 0};
        kernels[vrf].state.routes.erase(key);
        if (scheme[vrf][i] == schemes) kernels[vrf].route(to(i).c_str(), Hop{0, {}}, 0, RouteType::blackhole);
        if (scheme[vrf][i] < schemes) kernels[vrf].route_by(to(i).c_str(), ways[scheme[vrf][i]]);
      }
    return {{vrfs[0], kernels[0].plan()}, {vrfs[1], kernels[1].plan()}};
  }

  static constexpr const char* gateways[] = {"10.9.1.254", "10.9.1.253"};
  std::mt19937 random;
  Kernel kernels[2];
  std::vector<Hop> ways[schemes];
  size_t scheme[2][prefixes] = {};
};

using Destinations = std::map<Dataplane::Destination, Ways>;

Destinations planned(const Plans& plans) {
  Destinations all;
  for (const auto& [vrf, plan] : plans)
    for (const auto& [to, route] : plan.routes) {
      Ways& ways = all[Dataplane::destination(to, vrf)];
      const auto add = [&](const NextHopKey& key) {
        const NextHop& hop = plan.next_hops.at(key);
        ways.emplace(hop.kind, hop.tunnel.value(), hop.mac.bytes);
      };
      if (!route.group) add(route.next_hop);
      if (route.group)
        for (const PlannedHop& hop : *route.group) add(hop.next_hop);
    }
  return all;
}

Destinations met(const Dataplane& dataplane) {
  Destinations all;
  for (const auto& [to, id] : dataplane.routes)
    for (const ipc::NextHopSet& hop : dataplane.members(id)) all[to].emplace(hop.kind, hop.tunnel.value(), hop.mac);
  return all;
}

void merge(Destinations& into, const Destinations& from) {
  for (const auto& [to, ways] : from) into[to].insert(ways.begin(), ways.end());
}

}  // namespace

TEST_CASE("on the way from plan to plan a route leads where the one or the other has it, and nowhere else") {
  const auto seed = GENERATE(range(1u, 5u));
  // With room for few of them ids are soon used again.
  const uint16_t room = GENERATE(uint16_t{ipc::max_next_hop_groups}, uint16_t{5});
  Changes changes(seed);
  Pushed pushed(ipc::max_next_hops, room);
  Dataplane dataplane;
  Destinations before;
  size_t redirected = 0;
  for (int round = 0; round < 150; ++round) {
    const Plans plans = changes.next();
    const Destinations after = planned(plans);
    Destinations allowed = before;
    merge(allowed, after);
    const auto commands = pushed.advance(plans);
    const size_t end = changes.below(3) ? commands.size() : changes.below(static_cast<unsigned>(commands.size()) + 1);
    for (size_t i = 0; i < end; ++i) {
      if (const auto* group = std::get_if<GroupCommand>(&commands[i]))
        redirected += std::ranges::any_of(dataplane.routes,
                                          [group](const auto& route) { return route.second == (*group)->id.value(); });
      dataplane.take({commands[i]});
      const Destinations now = met(dataplane);
      for (const auto& [to, ways] : now) REQUIRE(std::ranges::includes(allowed[to], ways));
      for (const auto& [to, ways] : after)
        if (before.contains(to) && dataplane.routes.contains(to)) REQUIRE(now.contains(to));
    }
    if (end == commands.size()) {
      const Destinations now = met(dataplane);
      if (pushed.overflow() == 0) REQUIRE(now == after);
      REQUIRE(now.size() == after.size());
      before = after;
    } else {
      pushed.undo(commands, end);
      before = met(dataplane);
      for (auto& [to, ways] : before)
        if (const auto wanted = after.find(to); wanted != after.end())
          ways.insert(wanted->second.begin(), wanted->second.end());
    }
  }
  CHECK(redirected > 5);
}
