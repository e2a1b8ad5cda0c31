// The configured ports as the dataplane holds them.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "control/config/config.h"
#include "control/dp/client.h"
#include "control/rpc/operations.h"
#include "control/tunnel/tunnels.h"

namespace sekisho::control {

class Ports {
 public:
  struct Port {
    config::Port wanted;
    ipc::VrfId vrf;
    std::optional<ipc::PortId> id;  // once the inventory is known
    bool present = false;           // acknowledged
    bool pending = false;           // an answer is awaited
    std::optional<ipc::PortState> state;
    std::optional<rpc::LastError> last_error;
  };

  // `changed` is called when a port was acknowledged, refused or reported.
  // `round` is the network's, as in up_since.h.
  Ports(TransactionSink& sink, std::function<void()> changed, std::function<uint64_t()> round)
      : sink_(sink), changed_(std::move(changed)), round_(std::move(round)) {}

  void set(const std::string& name, const config::Port& wanted, ipc::VrfId vrf);
  // Before dataplane_up(), which tells.
  void set_vrf(const std::string& name, ipc::VrfId vrf);
  void remove(const std::string& name);
  // Takes it away and sets it again: its twin has gone.
  void remake(const std::string& name);
  // Ports are recognized by their twin's name, their device and their VRF.
  void dataplane_up(const Inventory& inventory);
  void dataplane_down();
  void port_changed(const ipc::PortState& state);
  // The dataplane has the routes of that round of the network's.
  void routed(uint64_t round);
  // Those that were refused, once more: a device may have come.
  void retry();
  const std::map<std::string, Port>& all() const { return ports_; }

 private:
  void push(const std::string& name);
  void answered(const std::string& name, const std::optional<Error>& refusal);
  bool in_use(ipc::PortId id) const;
  void take_away(Transaction& transaction, ipc::PortId id);

  TransactionSink& sink_;
  std::function<void()> changed_;
  std::function<uint64_t()> round_;
  std::map<std::string, Port> ports_;
  // Ids of ports that were taken away in that round: the dataplane may have routes out of them still, whose packets
  // must not leave by another port.
  std::map<ipc::PortId, uint64_t> leaving_;
};

}  // namespace sekisho::control
