// What the manager does while the workers are measured: one step a millisecond or so, from its own thread.
#pragma once

#include <vector>

#include "dataplane/bench/gateway.h"
#include "dataplane/bench/source.h"

namespace sekisho::dataplane::bench {

class Background {
 public:
  // `sources`: where the sealed packets come from.
  Background(Gateway& gateway, const Scenario& scenario, const Cell& cell, std::vector<const PacketSource*> sources);

  // Sleeps a little, then goes on with what is under way or begins something new. What fails is remembered.
  void step();
  // Brings what is under way to its end, when no worker runs any more. How many tunnels were rekeyed, or how many
  // commits made; or what failed.
  Result<unsigned> finish();

 private:
  void rekey();
  void commit();

  Gateway& gateway_;
  const Scenario& scenario_;
  const Cell cell_;
  const std::vector<const PacketSource*> sources_;
  unsigned changes_ = 0;
  std::optional<Error> error_;

  // The tunnel whose inbound SA is being replaced; nothing: none. The peers seal with the new one as soon as they seal
  // anew, and the old one goes once every source has done so.
  std::optional<unsigned> rekeyed_;
  std::vector<unsigned> sealed_before_;
};

}  // namespace sekisho::dataplane::bench
