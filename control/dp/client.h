// control's side of the channel to the dataplane: connects and connects again, takes the inventory, sends transactions
// and gives back their results, passes on events.
//
// Attack surface: the dataplane, which parses the internet's packets. Every message is checked in each of its fields
// here (control/dp/check.h); whatever cannot be right ends the connection, and a new one is tried.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/message.h"
#include "control/dp/transaction.h"
#include "control/loop/loop.h"
#include "ipc/channel.h"

namespace sekisho::control {

// What the dataplane holds at the moment of connection.
struct Inventory {
  std::vector<ipc::PortState> ports;
  std::vector<ipc::TunnelState> tunnels;
  std::vector<ipc::SaState> sas;
};

class DataplaneListener {
 public:
  virtual ~DataplaneListener() = default;
  // Connected, and the inventory is complete; transactions may be submitted.
  virtual void dataplane_up(const Inventory& inventory) = 0;
  // The connection is over; transactions without a result will not get one.
  virtual void dataplane_down(const Error& error) = 0;
  // No connection could be made; it is tried again. Said once for a run of equal failures.
  virtual void dataplane_unreachable(const Error& error) = 0;
  virtual void port_changed(const ipc::PortState& port) = 0;
  virtual void sa_event(const ipc::SaEvent& event) = 0;
  virtual void unknown_spi(const ipc::UnknownSpi& report) = 0;
  virtual void traffic_waiting(const ipc::TrafficWaiting& report) = 0;
  virtual void packet_denied(const ipc::PacketDenied& report) = 0;
};

class DataplaneClient {
 public:
  // Tries at once, from the loop, and then every `retry`. The listener is called from the loop alone.
  DataplaneClient(sd_event* loop, std::string path, DataplaneListener& listener,
                  Duration retry = std::chrono::milliseconds(250));

  bool up() const { return up_; }
  // Only while up(). `done` is called with what became of it: nothing, or why it was refused. It is not called after
  // the connection was lost.
  using Done = std::function<void(const std::optional<Error>& refusal)>;
  void submit(Transaction transaction, Done done);
  // Transactions without a result yet.
  size_t pending() const { return awaited_.size(); }
  // While a result is awaited: since when the dataplane has neither said nor taken anything.
  std::optional<Instant> silent_since() const { return awaited_.empty() ? std::nullopt : std::optional(heard_); }
  // nullptr while not connected. Every value is the dataplane's claim.
  const ipc::CounterTable* counters() const { return channel_ ? channel_->peer_counters() : nullptr; }

 private:
  struct Awaited {
    ipc::TransactionId id;
    Done done;
  };
  void connect();
  void open(UniqueFd socket);
  void unreachable(const Error& error);
  void lose(const Error& error);
  void work();
  Result<bool> take_messages();
  Result<void> take(const ipc::ReceivedMessage& message);
  Result<void> take_result(const ipc::TransactionResult& result);
  void pump();

  sd_event* loop_;
  std::string path_;
  DataplaneListener& listener_;
  Duration retry_;
  Timer retry_timer_;
  Turn again_;  // more messages wait than one turn takes
  Watch socket_watch_;
  Watch wake_watch_;
  std::unique_ptr<ipc::Channel> channel_;
  std::optional<Inventory> collecting_;
  bool up_ = false;
  std::deque<StoredCommand> outgoing_;
  std::deque<Awaited> awaited_;
  Instant heard_{};
  uint32_t last_id_ = 0;
  std::string last_failure_;
};

}  // namespace sekisho::control
