// What FRR is told and how its word counts: the section "frr", and "propagate" of tunnels and groups.
#include "base/messages/config.h"
#include "control/config/fields.h"
#include "control/config/sections.h"

namespace sekisho::config {

void read_frr(const Node& node, Context& context) {
  const Object object(node, {"routes_as", "hold_time"});
  Frr& frr = context.config.frr.emplace();
  if (const auto type = object.get("routes_as")) assign(frr.routes_as, type->choice({"babel", "openfabric", "nhrp"}));
  if (const auto hold = object.get("hold_time"))
    if (const auto value = hold->integer(0, 3600)) frr.hold_time = std::chrono::seconds(*value);
}

void read_propagation(const Object& parent, Propagation& propagation) {
  const auto node = parent.get("propagate");
  if (!node) return;
  if (node->is_boolean()) return assign(propagation.wanted, node->boolean());
  const Object object(*node, {"distance", "metric", "tag"});
  // 255 would never be used (as in FRR).
  if (const auto distance = object.get("distance")) assign(propagation.distance, distance->integer(1, 254));
  if (const auto metric = object.get("metric")) assign(propagation.metric, metric->integer(0, UINT32_MAX));
  if (const auto tag = object.get("tag")) assign(propagation.tag, tag->integer(0, UINT32_MAX));
}

void refuse_propagation(const Node& propagate) {
  if (!propagate.is_false()) propagate.fail(messages::config_not_in_vrf, "\"propagate\"");
}

}  // namespace sekisho::config
