#include "dataplane/manager/control_session.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "base/messages/dataplane.h"
#include "base/secret_bytes.h"
#include "ipc/convert.h"

namespace sekisho::dataplane {
namespace {

constexpr unsigned messages_a_turn = 512;

ipc::TunnelState state_of(ipc::TunnelId id, const TunnelRecord& record) {
  ipc::TunnelState state{
      .id = id, .mtu = record.mtu, .tx_count = static_cast<uint8_t>(record.tx_sas.size()), .vrf = record.vrf};
  std::ranges::copy(record.tx_sas, state.tx_sas.begin());
  state.name = ipc::to_text<16>(record.name);
  return state;
}

std::unexpected<Error> violation(std::string detail) {
  return fail(messages::channel_peer_violation, std::move(detail));
}

}  // namespace

ControlSession::ControlSession(std::unique_ptr<ipc::Channel> channel, Forwarding& forwarding)
    : channel_(std::move(channel)), forwarding_(forwarding) {
  report_inventory();
}

void ControlSession::report_inventory() {
  const Holdings& held = forwarding_.holdings();
  for (const auto& [id, record] : held.ports) report(forwarding_.port_state(id));
  for (const auto& [id, record] : held.tunnels) report(state_of(id, record));
  for (const auto& [id, record] : held.sas)
    report(ipc::SaState{.id = id, .spi = record.spi, .tunnel = record.tunnel, .direction = record.direction});
  report(ipc::InventoryEnd{});
}

Result<bool> ControlSession::receive() {
  ipc::ReceivedMessage message;
  for (unsigned turn = 0; turn < messages_a_turn; ++turn) {
    if (committed_) {
      if (!forwarding_.ready()) return false;
      carry_out();
    }
    if (clogged() && !hung_up_) return false;
    auto received = channel_->receive(message);
    if (!received) return std::unexpected(received.error());
    // Whoever still holds the ring of a peer that is gone cannot keep the session alive.
    if (!*received || (hung_up_ && ++taken_since_hang_up_ > ipc::ring_capacity)) {
      finished_ = hung_up_;
      return false;
    }
    if (auto taken = take(message); !taken) return std::unexpected(taken.error());
  }
  return true;
}

template <typename T>
Result<void> ControlSession::stage(const ipc::ReceivedMessage& message) {
  if (!staging_) return violation("command " + std::to_string(message.type()) + " outside a transaction");
  auto command = message.as<T>();
  if (!command) return violation("command " + std::to_string(message.type()) + " has a wrong length");
  const bool added = staging_->add(*command);
  wipe({reinterpret_cast<uint8_t*>(&*command), sizeof(T)});
  if (!added) return violation("endless transaction");
  return {};
}

Result<void> ControlSession::take(const ipc::ReceivedMessage& message) {
  switch (static_cast<ipc::CommandType>(message.type())) {
    case ipc::CommandType::transaction_begin:
      return begin(message);
    case ipc::CommandType::transaction_commit:
      return commit(message);
    case ipc::CommandType::port_set:
      return stage<ipc::PortSet>(message);
    case ipc::CommandType::port_remove:
      return stage<ipc::PortRemove>(message);
    case ipc::CommandType::tunnel_set:
      return stage<ipc::TunnelSet>(message);
    case ipc::CommandType::tunnel_remove:
      return stage<ipc::TunnelRemove>(message);
    case ipc::CommandType::next_hop_set:
      return stage<ipc::NextHopSet>(message);
    case ipc::CommandType::next_hop_group_set:
      return stage<ipc::NextHopGroupSet>(message);
    case ipc::CommandType::route_set:
      return stage<ipc::RouteSet>(message);
    case ipc::CommandType::route_remove:
      return stage<ipc::RouteRemove>(message);
    case ipc::CommandType::sa_add:
      return stage<ipc::SaAdd>(message);
    case ipc::CommandType::sa_move:
      return stage<ipc::SaMove>(message);
    case ipc::CommandType::sa_remove:
      return stage<ipc::SaRemove>(message);
    case ipc::CommandType::filters_replace:
      return stage<ipc::FiltersReplace>(message);
    case ipc::CommandType::filter_add:
      return stage<ipc::FilterAdd>(message);
    case ipc::CommandType::filter_rule_add:
      return stage<ipc::FilterRuleAdd>(message);
    case ipc::CommandType::filter_attach:
      return stage<ipc::FilterAttach>(message);
  }
  return violation("unknown command " + std::to_string(message.type()));
}

Result<void> ControlSession::begin(const ipc::ReceivedMessage& message) {
  const auto command = message.as<ipc::TransactionBegin>();
  if (!command || command->replace_routes > 1) return violation("malformed begin of a transaction");
  if (staging_) return violation("transaction within a transaction");
  staging_.emplace(*command, forwarding_.crypto());
  return {};
}

Result<void> ControlSession::commit(const ipc::ReceivedMessage& message) {
  const auto command = message.as<ipc::TransactionCommit>();
  if (!command) return violation("malformed commit of a transaction");
  if (!staging_ || staging_->id() != command->id) return violation("commit of a transaction that is not open");
  committed_ = true;
  return {};
}

void ControlSession::carry_out() {
  ipc::TransactionResult result;
  result.id = staging_->id();
  if (const auto refused = forwarding_.carry_out(*staging_)) {
    result.status = ipc::TransactionStatus::refused;
    result.command_index = static_cast<uint16_t>(std::min<uint32_t>(refused->command_index, UINT16_MAX));
    result.command = refused->command;
    result.reason = ipc::to_text<160>(refused->reason);
    spdlog::warn("{}", Error{&messages::transaction_refused,
                             "command " + std::to_string(refused->command_index) + ": " + refused->reason}
                           .text());
  } else {
    for (const auto& [id, staged] : staging_->ports) report(forwarding_.port_state(id));
  }
  report(result);
  staging_.reset();
  committed_ = false;
}

void ControlSession::send_reports() {
  while (!reports_.empty()) {
    const bool sent = std::visit([this](const auto& each) { return channel_->send(each); }, reports_.front());
    if (!sent) break;
    reports_.pop_front();
  }
  channel_->flush();
}

}  // namespace sekisho::dataplane
