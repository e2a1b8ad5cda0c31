#include "control/ike/suite/selectors.h"

#include <algorithm>

namespace sekisho::ike::suite {
namespace {

using List = std::vector<TrafficSelector>;

// Bounds the work that a peer's lists can cause.
constexpr size_t max_list = 64;
constexpr size_t most_texts = 32;

bool compatible_protocols(const TrafficSelector& a, const TrafficSelector& b) {
  return a.protocol == 0 || b.protocol == 0 || a.protocol == b.protocol;
}

bool can_pair(const TrafficSelector& local, const TrafficSelector& remote) {
  return local.first.family() == remote.first.family() && compatible_protocols(local, remote);
}

// Keeps a list free of selectors that lie within others of it.
void add(List& list, const TrafficSelector& selector) {
  if (std::ranges::any_of(list, [&](const TrafficSelector& outer) { return contains(outer, selector); })) return;
  std::erase_if(list, [&](const TrafficSelector& inner) { return contains(selector, inner); });
  if (list.size() < max_list) list.push_back(selector);
}

List narrow(const List& offered, const List& configured) {
  List list;
  for (const TrafficSelector& theirs : offered)
    for (const TrafficSelector& ours : configured)
      if (const auto both = intersect(theirs, ours)) add(list, *both);
  std::ranges::stable_partition(
      list, [&](const TrafficSelector& selector) { return intersect(selector, offered.front()).has_value(); });
  return list;
}

// A selector that pairs with none of the other side carries nothing.
void remove_single(Selectors& selectors) {
  std::erase_if(selectors.local, [&](const TrafficSelector& local) {
    return std::ranges::none_of(selectors.remote, [&](const auto& remote) { return can_pair(local, remote); });
  });
  std::erase_if(selectors.remote, [&](const TrafficSelector& remote) {
    return std::ranges::none_of(selectors.local, [&](const auto& local) { return can_pair(local, remote); });
  });
}

std::vector<std::string> texts(const Selectors& selectors) {
  std::vector<std::string> list;
  const auto add = [&](std::string_view side, const List& some) {
    for (const TrafficSelector& selector : some)
      if (list.size() < most_texts) list.push_back(std::string(side) + " " + selector.text());
  };
  add("local", selectors.local);
  add("remote", selectors.remote);
  return list;
}

}  // namespace

std::optional<TrafficSelector> intersect(const TrafficSelector& a, const TrafficSelector& b) {
  if (a.first.family() != b.first.family() || !compatible_protocols(a, b)) return {};
  TrafficSelector both;
  both.first = std::max(a.first, b.first);
  both.last = std::min(a.last, b.last);
  both.protocol = a.protocol != 0 ? a.protocol : b.protocol;
  both.first_port = std::max(a.first_port, b.first_port);
  both.last_port = std::min(a.last_port, b.last_port);
  if (both.last < both.first || both.last_port < both.first_port) return {};
  return both;
}

bool contains(const TrafficSelector& outer, const TrafficSelector& inner) { return intersect(outer, inner) == inner; }

size_t count_pairs(const Selectors& selectors) {
  size_t count = 0;
  for (const TrafficSelector& local : selectors.local)
    count += static_cast<size_t>(
        std::ranges::count_if(selectors.remote, [&](const auto& remote) { return can_pair(local, remote); }));
  return count;
}

std::optional<Selectors> narrow(const Selectors& offered, const Selectors& configured) {
  if (offered.local.empty() || offered.remote.empty()) return {};
  Selectors result{narrow(offered.local, configured.local), narrow(offered.remote, configured.remote)};
  remove_single(result);
  if (count_pairs(result) == 0) return {};
  return result;
}

bool cut_to_limit(Selectors& selectors) {
  bool cut = false;
  for (; count_pairs(selectors) > max_selector_pairs; cut = true) {
    (selectors.local.size() >= selectors.remote.size() ? selectors.local : selectors.remote).pop_back();
    remove_single(selectors);
  }
  return cut;
}

bool within(const Selectors& inner, const Selectors& outer) {
  const auto all_within = [](const List& some, const List& others) {
    return std::ranges::all_of(some, [&](const TrafficSelector& selector) {
      return std::ranges::any_of(others, [&](const TrafficSelector& other) { return contains(other, selector); });
    });
  };
  return all_within(inner.local, outer.local) && all_within(inner.remote, outer.remote);
}

Fit fit(const Selectors& offered, const Selectors& configured) {
  if (!narrow(offered, configured)) return Fit::none;
  const bool whole = within(offered, configured), contained = within(configured, offered);
  if (whole) return contained ? Fit::exact : Fit::whole;
  return contained ? Fit::contained : Fit::overlap;
}

bool acceptable(const Selectors& chosen, const Selectors& offered) {
  const size_t pairs = count_pairs(chosen);
  return pairs > 0 && pairs <= max_selector_pairs && within(chosen, offered);
}

Mismatch mismatch(const Selectors& offered, const Selectors& configured) {
  return {.kind = Mismatch::Kind::selectors, .ours = texts(configured), .theirs = texts(offered)};
}

}  // namespace sekisho::ike::suite
