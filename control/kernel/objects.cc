#include "control/kernel/objects.h"

#include <array>

namespace sekisho::kernel {

std::string_view name(NeighbourState state) {
  constexpr std::array<std::string_view, 9> names = {"none",  "incomplete", "reachable", "stale",    "delay",
                                                     "probe", "failed",     "noarp",     "permanent"};
  return names.at(static_cast<size_t>(state));
}

bool Neighbour::usable() const {
  switch (state) {
    case NeighbourState::reachable:
    case NeighbourState::stale:
    case NeighbourState::delay:
    case NeighbourState::probe:
    case NeighbourState::permanent:
      return mac.has_value();
    default:
      return false;
  }
}

const Link* State::find_link(std::string_view name) const {
  for (const auto& [index, link] : links)
    if (link.name == name) return &link;
  return nullptr;
}

}  // namespace sekisho::kernel
