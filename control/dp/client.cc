#include "control/dp/client.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

#include "base/messages/dataplane.h"
#include "control/dp/check.h"
#include "ipc/convert.h"

namespace sekisho::control {
namespace {

constexpr unsigned messages_per_turn = 512;
// An inventory cannot hold more objects than there are ids.
constexpr size_t max_inventory = size_t{ipc::max_ports} + ipc::max_tunnels + ipc::max_sas;

std::unexpected<Error> violation(std::string what) { return fail(messages::channel_peer_violation, std::move(what)); }

Result<UniqueFd> connect_to(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return fail(messages::channel_not_opened, path + ": path is too long");
  path.copy(address.sun_path, path.size());
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket || ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0)
    return fail(messages::channel_not_opened, path + ": " + std::strerror(errno));
  return socket;
}

// The reason is an Error's text, if not cut short: where the catalogue has it, it reaches the operator as that message.
Error refusal_of(const ipc::TransactionResult& result) {
  const std::string reason = *ipc::to_string(result.reason);
  const Message* message = find_message(std::string_view(reason).substr(0, reason.find(':')));
  if (message != nullptr && message->severity != Severity::info) {
    const std::string head = Error{message, {}}.text();
    if (reason == head) return {message, {}};
    if (reason.starts_with(head + ": ")) return {message, reason.substr(head.size() + 2)};
  }
  return {&messages::transaction_refused, "command " + std::to_string(result.command_index) + " (type " +
                                              std::to_string(static_cast<unsigned>(result.command)) + "): " + reason};
}

}  // namespace

DataplaneClient::DataplaneClient(sd_event* loop, std::string path, DataplaneListener& listener, Duration retry)
    : loop_(loop),
      path_(std::move(path)),
      listener_(listener),
      retry_(retry),
      retry_timer_(loop, [this] { connect(); }),
      again_(loop, [this] { work(); }) {
  retry_timer_.set_in(Duration::zero());
}

void DataplaneClient::connect() {
  auto socket = connect_to(path_);
  if (!socket) return unreachable(socket.error());
  // The dataplane speaks first, once it accepts; so opening the channel does not make the loop wait for it.
  const int fd = socket->get();
  auto shared = std::make_shared<UniqueFd>(std::move(*socket));
  socket_watch_ = Watch(loop_, fd, EPOLLIN, [this, shared](uint32_t) { open(std::move(*shared)); });
}

void DataplaneClient::open(UniqueFd socket) {
  socket_watch_ = {};
  auto channel = ipc::Channel::open(std::move(socket), ipc::Side::control);
  if (!channel) return unreachable(channel.error());
  channel_ = std::move(*channel);
  collecting_.emplace();
  last_failure_.clear();
  socket_watch_ = Watch(loop_, channel_->socket_fd(), EPOLLIN, [this](uint32_t) {
    lose({&messages::channel_not_opened, "the dataplane closed the connection"});
  });
  wake_watch_ = Watch(loop_, channel_->wake_fd(), EPOLLIN, [this](uint32_t) { work(); });
  work();
}

void DataplaneClient::unreachable(const Error& error) {
  retry_timer_.set_in(retry_);
  std::string text = error.text();
  if (text == last_failure_) return;
  last_failure_ = std::move(text);
  listener_.dataplane_unreachable(error);
}

void DataplaneClient::lose(const Error& error) {
  socket_watch_ = {};
  wake_watch_ = {};
  again_.cancel();
  channel_.reset();
  outgoing_.clear();
  awaited_.clear();
  collecting_.reset();
  const bool was_up = std::exchange(up_, false);
  retry_timer_.set_in(retry_);
  if (was_up)
    listener_.dataplane_down(error);
  else
    listener_.dataplane_unreachable(error);
}

void DataplaneClient::work() {
  channel_->drain();
  const auto more = take_messages();
  if (!more) return lose(more.error());
  if (!channel_) return;
  pump();
  if (*more) again_.ask();
}

Result<bool> DataplaneClient::take_messages() {
  ipc::ReceivedMessage message;
  for (unsigned i = 0; i < messages_per_turn; ++i) {
    const auto received = channel_->receive(message);
    if (!received) return std::unexpected(received.error());
    if (!*received) return false;
    heard_ = MonotonicClock::now();
    if (auto taken = take(message); !taken) return std::unexpected(taken.error());
  }
  return true;
}

Result<void> DataplaneClient::take(const ipc::ReceivedMessage& message) {
  const auto with = [&]<typename T>(auto&& use) -> Result<void> {
    const auto event = message.as<T>();
    if (!event || !plausible(*event)) return violation("malformed event " + std::to_string(message.type()));
    return use(*event);
  };
  const auto collect = [&]<typename T>(std::vector<T> Inventory::*list) {
    return with.template operator()<T>([&](const T& state) -> Result<void> {
      if (!collecting_) return violation("inventory after its end");
      auto& into = (*collecting_).*list;
      if (into.size() == max_inventory) return violation("endless inventory");
      into.push_back(state);
      return {};
    });
  };
  switch (static_cast<ipc::EventType>(message.type())) {
    case ipc::EventType::transaction_result:
      return with.operator()<ipc::TransactionResult>([&](const auto& result) { return take_result(result); });
    case ipc::EventType::port_state:
      if (collecting_) return collect(&Inventory::ports);
      return with.operator()<ipc::PortState>([&](const auto& port) -> Result<void> {
        listener_.port_changed(port);
        return {};
      });
    case ipc::EventType::tunnel_state:
      return collect(&Inventory::tunnels);
    case ipc::EventType::sa_state:
      return collect(&Inventory::sas);
    case ipc::EventType::inventory_end:
      return with.operator()<ipc::InventoryEnd>([&](const auto&) -> Result<void> {
        if (!collecting_) return violation("inventory ended twice");
        const Inventory inventory = std::move(*collecting_);
        collecting_.reset();
        up_ = true;
        listener_.dataplane_up(inventory);
        return {};
      });
    case ipc::EventType::sa_event:
      return with.operator()<ipc::SaEvent>([&](const auto& event) -> Result<void> {
        if (up_) listener_.sa_event(event);
        return {};
      });
    case ipc::EventType::unknown_spi:
      return with.operator()<ipc::UnknownSpi>([&](const auto& report) -> Result<void> {
        if (up_) listener_.unknown_spi(report);
        return {};
      });
    case ipc::EventType::traffic_waiting:
      return with.operator()<ipc::TrafficWaiting>([&](const auto& report) -> Result<void> {
        if (up_) listener_.traffic_waiting(report);
        return {};
      });
    case ipc::EventType::packet_denied:
      return with.operator()<ipc::PacketDenied>([&](const auto& report) -> Result<void> {
        if (up_) listener_.packet_denied(report);
        return {};
      });
  }
  return violation("unknown event " + std::to_string(message.type()));
}

Result<void> DataplaneClient::take_result(const ipc::TransactionResult& result) {
  if (awaited_.empty() || awaited_.front().id != result.id) return violation("result of a transaction not made");
  const Done done = std::move(awaited_.front().done);
  awaited_.pop_front();
  if (result.status == ipc::TransactionStatus::applied) {
    if (done) done({});
    return {};
  }
  if (done) done(refusal_of(result));
  return {};
}

void DataplaneClient::submit(Transaction transaction, Done done) {
  const ipc::TransactionId id(++last_id_);
  if (awaited_.empty()) heard_ = MonotonicClock::now();
  awaited_.push_back({id, std::move(done)});
  const ipc::TransactionBegin begin{id, transaction.replaces_routes()};
  Transaction frame;
  frame.add(begin);
  frame.add(ipc::TransactionCommit{id});
  auto ends = std::move(frame).take();
  outgoing_.push_back(std::move(ends.front()));
  for (StoredCommand& command : std::move(transaction).take()) outgoing_.push_back(std::move(command));
  outgoing_.push_back(std::move(ends.back()));
  pump();
}

// What finds no room waits until the dataplane, having consumed, wakes us. One that consumes as fast as this goes does
// not hold the loop.
void DataplaneClient::pump() {
  unsigned sent = 0;
  while (!outgoing_.empty() && sent < messages_per_turn &&
         channel_->send_bytes(outgoing_.front().type, outgoing_.front().payload())) {
    outgoing_.pop_front();
    ++sent;
  }
  if (sent > 0) heard_ = MonotonicClock::now();  // there is room again, or still some
  if (sent == messages_per_turn && !outgoing_.empty()) again_.ask();
  channel_->flush();
}

}  // namespace sekisho::control
