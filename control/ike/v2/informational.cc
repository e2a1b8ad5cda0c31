#include "control/ike/v2/informational.h"

#include <fmt/format.h>

#include "base/messages/ike.h"
#include "control/ike/v2/lifecycle.h"
#include "control/ike/v2/mobike.h"
#include "control/ike/v2/rekey_ike.h"

namespace sekisho::ike::v2 {
namespace {

class Probe final : public Task {
 public:
  Kind kind() const override { return Kind::probe; }
  wire::ExchangeType exchange() const override { return wire::ExchangeType::informational; }
  std::optional<wire::Payloads> request(Context& context, IkeSa& sa) override {
    wire::Payloads payloads;
    add_mapping_probe(context, sa, payloads);
    return payloads;
  }
  // That it came is all there is to know, but for what a NAT shows of us.
  void response(Context&, IkeSa& sa, const wire::Payloads& payloads) override { notice_mapping(sa, payloads); }
};

class DeleteIke final : public Task {
 public:
  Kind kind() const override { return Kind::delete_ike; }
  wire::ExchangeType exchange() const override { return wire::ExchangeType::informational; }
  std::optional<wire::Payloads> request(Context&, IkeSa&) override {
    return wire::Payloads{wire::Delete{.protocol = wire::Protocol::ike, .spis = {}}};
  }
  void response(Context& context, IkeSa& sa, const wire::Payloads&) override {
    if (sa.state == IkeState::deleting) context.report(messages::ike_closed, sa.name(), describe(sa));
    close(context, sa);
  }
};

class DeleteChild final : public Task {
 public:
  DeleteChild(uint32_t inbound_spi, Installed installed) : inbound_spi_(inbound_spi), installed_(installed) {}
  Kind kind() const override { return Kind::delete_child; }
  wire::ExchangeType exchange() const override { return wire::ExchangeType::informational; }

  std::optional<wire::Payloads> request(Context&, IkeSa& sa) override {
    if (installed_ == Installed::yes) {
      ChildSa* child = find_inbound(sa, inbound_spi_);
      if (!child || child->state == ChildState::lingering) return {};  // the peer was first
      child->state = ChildState::deleting;
    }
    return wire::Payloads{wire::Delete{.protocol = wire::Protocol::esp, .spis = {inbound_spi_}}};
  }
  void response(Context& context, IkeSa& sa, const wire::Payloads&) override {
    if (installed_ != Installed::yes) return abandon(context, sa);
    const ChildSa* child = find_inbound(sa, inbound_spi_);
    const std::string name = child ? child->name : std::string();
    retire_child(context, sa, inbound_spi_);
    if (child && sa.state == IkeState::established && !has_live_child(sa, name))
      retry_child(context, sa.name(), name, Duration::zero());
  }
  void abandon(Context& context, IkeSa&) override {
    if (installed_ == Installed::no) context.environment.release_inbound_spi(inbound_spi_);
  }

 private:
  uint32_t inbound_spi_;
  Installed installed_;
};

// The peer closes its inbound SAs, so ours outbound (section 1.4.1). Answers with our inbound ones of the same pairs,
// but for those that our own delete in flight covers already.
void delete_children(Context& context, IkeSa& sa, const wire::Delete& request, std::vector<uint32_t>& closed) {
  for (const uint32_t spi : request.spis) {
    ChildSa* child = find_outbound(sa, spi);
    if (!child) continue;
    const uint32_t inbound = child->inbound_spi;
    const std::string name = child->name;
    if (child->state != ChildState::deleting) closed.push_back(inbound);
    ChildSa* successor = find_inbound(sa, child->peers_successor);
    if (child->peers_successor != 0 && successor && !successor->outbound_active && successor->live())
      activate_outbound(context, sa, *successor);
    if (child->state == ChildState::redundant)
      remove_child(context, sa, inbound);
    else
      retire_child(context, sa, inbound);
    if (has_live_child(sa, name)) continue;
    context.report(messages::child_closed, sa.name(), fmt::format("{}: SPI {:08x} in", name, inbound));
    if (sa.state == IkeState::established) retry_child(context, sa.name(), name, sa.connection->retry_interval);
  }
}

void peer_deletes_ike(Context& context, IkeSa& sa, const wire::Payloads& payloads) {
  const bool refused = wire::find_notify(payloads, wire::NotifyType::authentication_failed) != nullptr;
  if (refused)
    context.report(messages::ike_authentication_failed, sa.name(), describe(sa));
  else if (sa.state == IkeState::established && !yield_to_peers_rekey(context, sa))
    context.report(messages::ike_closed_by_peer, sa.name(), describe(sa));
  const std::string connection = sa.name();
  close(context, sa);
  if (const ConnectionEntry* entry = context.connections.find(connection))
    retry(context, connection, entry->connection->retry_interval);
}

}  // namespace

bool deletes_ike(const wire::Payloads& payloads) {
  for (const wire::Payload& payload : payloads)
    if (const auto* request = std::get_if<wire::Delete>(&payload); request && request->protocol == wire::Protocol::ike)
      return true;
  // Section 2.21.2: the peer found our AUTH wrong after it had answered.
  return wire::find_notify(payloads, wire::NotifyType::authentication_failed) != nullptr;
}

std::unique_ptr<Task> probe_task() { return std::make_unique<Probe>(); }
std::unique_ptr<Task> delete_ike_task() { return std::make_unique<DeleteIke>(); }
std::unique_ptr<Task> delete_child_task(uint32_t inbound_spi, Installed installed) {
  return std::make_unique<DeleteChild>(inbound_spi, installed);
}

void receive_informational_request(Context& context, IkeSa& sa, const DatagramReceived& datagram,
                                   const wire::Message& message) {
  if (deletes_ike(message.payloads)) {
    send_reply(context, sa, datagram, message.header, {});
    return peer_deletes_ike(context, sa, message.payloads);
  }
  take_auth_lifetime(context, sa, message.payloads);
  std::vector<uint32_t> closed;
  bool asked = false;
  for (const wire::Payload& payload : message.payloads)
    if (const auto* request = std::get_if<wire::Delete>(&payload);
        request && request->protocol == wire::Protocol::esp) {
      asked = true;
      delete_children(context, sa, *request, closed);
    }
  wire::Payloads answer;
  if (asked && !closed.empty())
    answer.push_back(wire::Delete{.protocol = wire::Protocol::esp, .spis = std::move(closed)});
  answer_mobike(context, sa, datagram, message.payloads, answer);
  send_reply(context, sa, datagram, message.header, answer);
}

}  // namespace sekisho::ike::v2
