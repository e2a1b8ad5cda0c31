// The routes of all VRFs as the control socket shows them.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/kernel/objects.h"
#include "control/routing/plan.h"
#include "control/rpc/operations.h"

namespace sekisho::control {

struct VrfRoutes {
  std::string name;
  const kernel::State& kernel;
  const routing::Plan& plan;
};

class RouteViews {
 public:
  // `vrfs` in the order of their names; `own` is the type of the routes that zebra is told. Of a group that lacks room
  // the first way is all that the dataplane has.
  RouteViews(std::vector<VrfRoutes> vrfs, zserv::RouteType own, std::function<bool(const routing::Group&)> lacks_room)
      : vrfs_(std::move(vrfs)), own_(own), lacks_room_(std::move(lacks_room)) {}

  // As rpc::Operations has them.
  rpc::RoutePart part(const std::optional<rpc::RoutePlace>& after, size_t most) const;
  std::vector<rpc::RouteView> to(const Prefix& prefix) const;
  std::vector<rpc::RouteView> taken_by(const IpAddress& address) const;

 private:
  rpc::RouteView view(const VrfRoutes& vrf, const Prefix& prefix, const routing::PlannedRoute& route) const;

  std::vector<VrfRoutes> vrfs_;
  zserv::RouteType own_;
  std::function<bool(const routing::Group&)> lacks_room_;
};

}  // namespace sekisho::control
