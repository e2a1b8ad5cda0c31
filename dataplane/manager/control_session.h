// One connected control: its commands become transactions, its transactions are carried out, and what is to be reported
// goes back. A peer that breaks the protocol (an impossible ring, an unknown type, a wrong length, a command outside a
// transaction, a begin inside one) ends the session; a command with a wrong value only refuses its transaction.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <variant>

#include "base/message.h"
#include "dataplane/manager/forwarding.h"
#include "dataplane/manager/staging.h"
#include "ipc/channel.h"
#include "ipc/schema.h"

namespace sekisho::dataplane {

class ControlSession {
 public:
  using Report = std::variant<ipc::TransactionResult, ipc::PortState, ipc::TunnelState, ipc::SaState, ipc::InventoryEnd,
                              ipc::SaEvent, ipc::UnknownSpi, ipc::TrafficWaiting, ipc::PacketDenied>;

  // Begins with the inventory.
  ControlSession(std::unique_ptr<ipc::Channel> channel, Forwarding& forwarding);

  // Takes some of what control has sent. True: there may be more at once. An Error: the session is over.
  Result<bool> receive();
  void report(const Report& report) { reports_.push_back(report); }
  // Sends what there is room for.
  void send_reports();
  // So many reports wait that no more events are to be fetched.
  bool clogged() const { return reports_.size() >= max_waiting_reports; }

  // The peer is gone: what it had sent before is still carried out, then finished() becomes true.
  void hang_up() { hung_up_ = true; }
  bool hung_up() const { return hung_up_; }
  bool finished() const { return finished_; }

  ipc::Channel& channel() { return *channel_; }

 private:
  static constexpr size_t max_waiting_reports = 4096;

  void report_inventory();
  Result<void> take(const ipc::ReceivedMessage& message);
  Result<void> begin(const ipc::ReceivedMessage& message);
  Result<void> commit(const ipc::ReceivedMessage& message);
  void carry_out();
  template <typename T>
  Result<void> stage(const ipc::ReceivedMessage& message);

  std::unique_ptr<ipc::Channel> channel_;
  Forwarding& forwarding_;
  std::optional<Staging> staging_;
  bool committed_ = false;  // staging_ waits for the tables to be ready
  std::deque<Report> reports_;
  bool hung_up_ = false;
  bool finished_ = false;
  uint64_t taken_since_hang_up_ = 0;
};

}  // namespace sekisho::dataplane
