#include "dataplane/manager/manager.h"

#include <poll.h>
#include <spdlog/spdlog.h>

#include <array>
#include <utility>

#include "base/messages/dataplane.h"
#include "ipc/convert.h"

namespace sekisho::dataplane {
namespace {

constexpr Duration link_interval = std::chrono::milliseconds(500);

// The interface may have gone since.
std::string interface_of(const PathEvent& event, const Holdings& holdings) {
  if (event.port) {
    const auto port = holdings.ports.find(*event.port);
    return port == holdings.ports.end() ? "" : port->second.name;
  }
  const auto tunnel = holdings.tunnels.find(event.tunnel);
  return tunnel == holdings.tunnels.end() ? "" : tunnel->second.name;
}

ipc::PacketDenied denial(const PathEvent& event, const Holdings& holdings) {
  return {.filter = event.filter,
          .direction = event.direction,
          .reason = event.denial,
          .protocol = event.protocol,
          .has_ports = event.has_ports,
          .source_port = event.denied_source_port,
          .destination_port = event.denied_destination_port,
          .source = ipc::from_address(event.source),
          .destination = ipc::from_address(event.destination),
          .interface = ipc::to_text<16>(interface_of(event, holdings))};
}

ControlSession::Report as_report(const PathEvent& event, const Holdings& holdings) {
  const ipc::Address source = ipc::from_address(event.source);
  if (event.kind == PathEventKind::packet_denied) return denial(event, holdings);
  if (event.kind == PathEventKind::unknown_spi) return ipc::UnknownSpi{.spi = event.spi, .source = source};
  if (event.kind == PathEventKind::traffic_waiting) return ipc::TrafficWaiting{.tunnel = event.tunnel};
  return ipc::SaEvent{.id = event.id,
                      .spi = event.spi,
                      .kind = event.sa_event,
                      .source = source,
                      .source_port = event.source_port.host()};
}

bool readable(int fd) {
  pollfd entry{fd, POLLIN | POLLRDHUP, 0};
  return poll(&entry, 1, 0) > 0;
}

}  // namespace

void Manager::run(int stop_fd) {
  enum { stop, bell, connection, wake, peer, count };
  for (;;) {
    forwarding_.poll();
    watch_links();
    const bool more = serve_session();
    forwarding_.bell().sleep_soon();
    forward_events();

    const bool live = session_ && !session_->hung_up();
    std::array<pollfd, count> fds{};
    fds[stop] = {stop_fd, POLLIN, 0};
    fds[bell] = {forwarding_.bell().fd(), POLLIN, 0};
    fds[connection] = {listener_.fd(), POLLIN, 0};
    fds[wake] = {session_ ? session_->channel().wake_fd() : -1, POLLIN, 0};
    fds[peer] = {live ? session_->channel().socket_fd() : -1, POLLIN | POLLRDHUP, 0};
    poll(fds.data(), fds.size(), timeout(more));
    forwarding_.bell().awake();

    if (fds[stop].revents != 0) return;
    if (fds[wake].revents != 0) session_->channel().drain();
    // Nothing travels on the socket once the channel is open: whatever is readable there is its end.
    if (fds[peer].revents != 0) session_->hang_up();
    if (fds[connection].revents != 0) accept_control();
  }
}

int Manager::timeout(bool more) const {
  if (more) return 0;
  if (forwarding_.busy()) return 1;
  if (session_ && session_->hung_up()) return 1;
  const auto wait = std::chrono::duration_cast<std::chrono::milliseconds>(next_link_check_ - MonotonicClock::now());
  return static_cast<int>(std::max<int64_t>(wait.count() + 1, 0));
}

bool Manager::serve_session() {
  if (!session_) return false;
  const auto more = session_->receive();
  if (!more) {
    end_session(more.error());
    return false;
  }
  session_->send_reports();
  if (session_->finished()) {
    end_session({&messages::control_lost, {}});
    return false;
  }
  return *more;
}

void Manager::end_session(const Error& why) {
  spdlog::log(why.message->severity == Severity::error ? spdlog::level::err : spdlog::level::warn, "{}", why.text());
  session_.reset();
}

void Manager::accept_control() {
  UniqueFd socket = listener_.accept();
  if (!socket) return;
  if (session_ && readable(session_->channel().socket_fd())) {
    // The older one has just gone: what it sent is carried out before the new one is told what there is. That ends: it
    // is no more than one ring, and grace periods pass.
    session_->hang_up();
    while (session_) {
      forwarding_.poll();
      serve_session();
    }
  }
  if (session_) {
    spdlog::warn("{}", Error{&messages::control_busy, {}}.text());
    return;
  }
  auto channel = ipc::Channel::open(std::move(socket), ipc::Side::dataplane, &counters_);
  if (!channel) {
    spdlog::warn("{}", channel.error().text());
    return;
  }
  spdlog::info("{}", Error{&messages::control_connected, {}}.text());
  session_ = std::make_unique<ControlSession>(std::move(*channel), forwarding_);
}

void Manager::forward_events() {
  PathEvent event;
  while (!(session_ && session_->clogged()) && forwarding_.next_event(event))
    if (session_) session_->report(as_report(event, forwarding_.holdings()));
  if (session_) session_->send_reports();
}

void Manager::watch_links() {
  const Instant now = MonotonicClock::now();
  if (now < next_link_check_) return;
  next_link_check_ = now + link_interval;
  forwarding_.poll_links([this](ipc::PortId id) {
    const ipc::PortState state = forwarding_.port_state(id);
    spdlog::info("port {}: link {}", forwarding_.holdings().ports.at(id).name, state.link_up != 0 ? "up" : "down");
    if (session_) session_->report(state);
  });
}

}  // namespace sekisho::dataplane
