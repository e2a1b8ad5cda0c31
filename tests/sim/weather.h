// What a search over many seeds draws at random, whichever version of IKE it is about.
#pragma once

#include "tests/sim/world.h"

namespace sekisho::sim {

// Up to so much: 0 to 40 % are lost, 0 to 30 % come twice, and each takes 1 to 500 ms, so that they overtake each
// other.
inline Network weather(World& world) {
  Random& random = world.random();
  return {.loss = static_cast<double>(random.below(41)) / 100,
          .duplication = static_cast<double>(random.below(31)) / 100,
          .shortest = 1ms,
          .longest = 1ms + 1ms * static_cast<int>(random.below(500))};
}

struct Ends {
  ike::Connection a, b;
};

// Whoever may begin does: either, or both. Nobody reaches what is behind a NAT first.
inline void choose_start(World& world, Ends& ends) {
  const uint64_t starts = world.nat ? 0 : world.random().below(3);
  if (starts != 0) ends.b.start = ike::StartMode::start;
  if (starts == 1) ends.a.start = ike::StartMode::respond;
}

inline void configure(World& world, Node& node, const Ends& ends) {
  world.step(node, ike::SetConnection{&node == &world.a ? ends.a : ends.b});
}

inline void pause(World& world, Duration longest) {
  world.run_for(Duration(static_cast<int64_t>(world.random().below(static_cast<uint64_t>(longest.count())))));
}

inline Node& either(World& world) { return world.random().below(2) == 0 ? world.a : world.b; }

// A rekey of either kind, or that the tunnel be up: nothing that cuts it.
inline void ask(World& world, Node& node) {
  switch (world.random().below(4)) {
    case 0:
      return world.step(node, ike::RekeyIke{tunnel});
    case 1:
      return world.step(node, ike::Initiate{tunnel});
    default:
      return world.step(node, ike::RekeyChild{tunnel});
  }
}

}  // namespace sekisho::sim
