#include "dataplane/bench/scenario.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/messages/bench.h"

namespace sekisho::dataplane::bench {
namespace {

// A tunnel that is rekeyed has, for a moment, two SAs in each direction.
constexpr unsigned max_rekeyed_tunnels = 8192;

std::unexpected<Error> contradiction(const std::string& why) { return fail(messages::scenario_contradiction, why); }

template <typename T>
bool wanted(const std::vector<T>& chosen, const T& value) {
  return chosen.empty() || std::ranges::find(chosen, value) != chosen.end();
}

template <typename T>
std::string unmatched(const std::string& option, const std::vector<T>& chosen, const std::vector<T>& there) {
  if (std::ranges::any_of(there, [&](const T& value) { return wanted(chosen, value); })) return {};
  return fmt::format("{}: the scenario has {}", option, fmt::join(there, ", "));
}

// The first option that matches nothing, and what there is. Cells are all combinations, so where none is left there is
// such an option.
std::string unmatched(const Scenario& scenario, const Filter& filter) {
  std::vector<std::string> suites, sizes, directions;
  for (const EspSuite suite : scenario.suites) suites.emplace_back(info(suite).name);
  for (const FrameSize size : scenario.sizes) sizes.push_back(size_name(size));
  for (const Direction direction : scenario.directions) directions.emplace_back(name(direction));
  for (const std::string& text :
       {suites.empty() ? "" : unmatched("--suite", filter.suites, suites), unmatched("--size", filter.sizes, sizes),
        unmatched("--direction", filter.directions, directions),
        unmatched("--tunnels", filter.tunnels, scenario.tunnels), unmatched("--routes", filter.routes, scenario.routes),
        unmatched("--workers", filter.workers, scenario.workers)})
    if (!text.empty()) return text;
  return {};
}

}  // namespace

std::string_view name(Direction direction) {
  constexpr std::string_view names[] = {"plain", "out", "in"};
  return names[static_cast<size_t>(direction)];
}

std::string_view name(Order order) { return order == Order::turn ? "turn" : "random"; }

std::string_view name(During during) {
  constexpr std::string_view names[] = {"nothing", "rekey", "commit"};
  return names[static_cast<size_t>(during)];
}

std::string size_name(FrameSize size) { return size == imix ? "imix" : std::to_string(size); }

Result<void> override_port(Scenario& scenario, std::string_view assignment) {
  const size_t equals = assignment.find('=');
  const std::string_view port = assignment.substr(0, equals);
  if (equals == assignment.npos || equals + 1 == assignment.size() || (port != "lan" && port != "wan"))
    return fail(messages::scenario_bad_value, "--port: lan=DEVICE or wan=DEVICE is wanted");
  (port == "lan" ? scenario.lan_device : scenario.wan_device) = assignment.substr(equals + 1);
  return {};
}

Result<void> check(const Scenario& scenario) {
  const bool plain = scenario.directions == std::vector{Direction::plain};
  if (plain && !scenario.suites.empty()) return contradiction("/suites: nothing is sealed where direction is plain");
  if (plain && scenario.tunnels != std::vector{1u})
    return contradiction("/tunnels: there are none where direction is plain");
  if (plain && scenario.during == During::rekey)
    return contradiction("/during: there is nothing to rekey where direction is plain");
  if (!plain && scenario.paths != 1) return contradiction("/paths: only where direction is plain");
  const unsigned tunnels = std::ranges::max(scenario.tunnels);
  if (scenario.during == During::rekey && tunnels > max_rekeyed_tunnels)
    return contradiction("/tunnels: at most " + std::to_string(max_rekeyed_tunnels) + " can be rekeyed");
  for (const unsigned routes : scenario.routes)
    if (routes != 1 && routes < tunnels) return contradiction("/routes: fewer than tunnels, so that some would idle");
  if ((scenario.lan_device == memory_device) != (scenario.wan_device == memory_device))
    return contradiction("/ports: one is memory and the other is not");
  if (!scenario.in_memory() && scenario.during != During::nothing)
    return contradiction("/during: only with ports of memory does the sender follow what the manager does");
  return {};
}

Result<std::vector<Cell>> cells_of(const Scenario& scenario, const Filter& filter) {
  std::vector<std::optional<EspSuite>> suites(scenario.suites.begin(), scenario.suites.end());
  if (suites.empty()) suites.emplace_back();
  std::vector<Cell> cells;
  for (const unsigned workers : scenario.workers)
    for (const unsigned routes : scenario.routes)
      for (const unsigned tunnels : scenario.tunnels)
        for (const Direction direction : scenario.directions)
          for (const auto& suite : suites)
            for (const FrameSize size : scenario.sizes)
              if (wanted(filter.workers, workers) && wanted(filter.routes, routes) && wanted(filter.tunnels, tunnels) &&
                  wanted(filter.directions, std::string(name(direction))) &&
                  (!suite || wanted(filter.suites, std::string(info(*suite).name))) &&
                  wanted(filter.sizes, size_name(size)))
                cells.push_back({direction, suite, size, tunnels, routes, workers});
  if (cells.empty()) return fail(messages::scenario_nothing_left, unmatched(scenario, filter));
  return cells;
}

}  // namespace sekisho::dataplane::bench
