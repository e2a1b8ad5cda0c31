// An installed child SA in the dataplane's terms: two SaAdd, one a direction, and two SaMove where the peer moves.
#pragma once

#include <vector>

#include "control/ike/engine.h"
#include "ipc/schema.h"

namespace sekisho::control {

// The pairs of source and destination that the selectors allow: every local with every remote one of the same family
// and protocol. More than an SA can hold are cut off, which narrows what it carries.
std::vector<ipc::SelectorPair> pair_selectors(const std::vector<TrafficSelector>& source,
                                              const std::vector<TrafficSelector>& destination);

// `child` gives everything but the ids; the key material is that of the direction. Whoever calls this wipes the result.
ipc::SaAdd make_sa_add(const ike::InstallChildSa& child, ipc::Direction direction, ipc::SaId id, ipc::TunnelId tunnel);

ipc::SaMove make_sa_move(const ike::UpdateChildSa& update, ipc::Direction direction, ipc::SaId id, uint32_t spi);

}  // namespace sekisho::control
