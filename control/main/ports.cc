#include "control/main/ports.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "base/messages/dataplane.h"
#include "base/printable.h"
#include "ipc/convert.h"

namespace sekisho::control {

bool Ports::in_use(ipc::PortId id) const {
  return leaving_.contains(id) || std::ranges::any_of(ports_, [id](const auto& each) { return each.second.id == id; });
}

void Ports::take_away(Transaction& transaction, ipc::PortId id) {
  transaction.add(ipc::PortRemove{id});
  leaving_[id] = round_();
}

void Ports::routed(uint64_t round) {
  if (std::erase_if(leaving_, [round](const auto& each) { return each.second < round; }) > 0) retry();
}

void Ports::set(const std::string& name, const config::Port& wanted, ipc::VrfId vrf) {
  const auto known = ports_.find(name);
  // A port keeps its device and its VRF for life: its twin is in the VRF's namespace.
  if (known != ports_.end() && (known->second.wanted.device != wanted.device || known->second.wanted.vrf != wanted.vrf))
    remove(name);
  ports_[name].wanted = wanted;
  ports_[name].vrf = vrf;
  if (sink_.ready()) push(name);
}

void Ports::set_vrf(const std::string& name, ipc::VrfId vrf) {
  if (const auto known = ports_.find(name); known != ports_.end()) known->second.vrf = vrf;
}

void Ports::remake(const std::string& name) {
  const auto known = ports_.find(name);
  if (known == ports_.end()) return;
  const Port port = known->second;
  remove(name);
  set(name, port.wanted, port.vrf);
}

void Ports::remove(const std::string& name) {
  auto gone = ports_.extract(name);
  if (gone.empty() || !gone.mapped().id || !sink_.ready()) return;
  Transaction transaction;
  take_away(transaction, *gone.mapped().id);
  sink_.submit(std::move(transaction), [name](const std::optional<Error>& refusal) {
    if (refusal) spdlog::error("port {}: {}", name, printable(refusal->text()));
  });
}

void Ports::push(const std::string& name) {
  Port& port = ports_.at(name);
  for (uint16_t id = 0; !port.id && id < ipc::max_ports; ++id)
    if (!in_use(ipc::PortId(id))) port.id = ipc::PortId(id);
  if (!port.id) return answered(name, Error{&messages::transaction_refused, "too many ports"});
  Transaction transaction;
  transaction.add(ipc::PortSet{.id = *port.id,
                               .mtu = port.wanted.mtu,
                               .vrf = port.vrf,
                               .filtered = !port.wanted.security_groups.empty(),
                               .name = ipc::to_text<16>(name),
                               .device = ipc::to_text<240>(port.wanted.device)});
  port.pending = true;
  sink_.submit(std::move(transaction), [this, name](const std::optional<Error>& refusal) { answered(name, refusal); });
}

void Ports::answered(const std::string& name, const std::optional<Error>& refusal) {
  const auto found = ports_.find(name);
  if (found == ports_.end()) return;
  Port& port = found->second;
  port.pending = false;
  if (refusal) {
    if (!port.last_error || port.last_error->error.detail != refusal->detail)
      spdlog::error("port {}: {}", name, printable(refusal->text()));
    port.last_error = {*refusal, MonotonicClock::now()};
  } else {
    port.present = true;
    port.last_error.reset();
  }
  changed_();
}

void Ports::dataplane_up(const Inventory& inventory) {
  Transaction removal;
  for (auto& [name, port] : ports_) port.id.reset();
  for (const ipc::PortState& held : inventory.ports) {
    const auto wanted = ports_.find(*ipc::to_string(held.name));
    if (wanted == ports_.end() || wanted->second.wanted.device != *ipc::to_string(held.device) ||
        wanted->second.vrf != held.vrf) {
      take_away(removal, held.id);
      continue;
    }
    wanted->second.id = held.id;
    wanted->second.present = true;
    wanted->second.state = held;
  }
  if (!removal.commands().empty())
    sink_.submit(std::move(removal), [](const std::optional<Error>& refusal) {
      if (refusal) spdlog::error("removal of ports that are not configured: {}", printable(refusal->text()));
    });
  for (const auto& [name, port] : ports_) push(name);
}

void Ports::dataplane_down() {
  for (auto& [name, port] : ports_) {
    port.present = port.pending = false;
    port.state.reset();
  }
}

void Ports::port_changed(const ipc::PortState& state) {
  for (auto& [name, port] : ports_) {
    if (port.id != state.id) continue;
    if (!port.state || port.state->link_up != state.link_up)
      spdlog::info("port {}: link {}", name, state.link_up ? "up" : "down");
    port.state = state;
  }
  changed_();
}

void Ports::retry() {
  for (const auto& [name, port] : ports_)
    if (!port.present && !port.pending && sink_.ready()) push(name);
}

}  // namespace sekisho::control
