#include "control/routing/zserv/session.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/messages/routing.h"

namespace sekisho::zserv {
namespace {

// Between two looks at everything else that the loop has to do.
constexpr unsigned reads_per_turn = 8;
constexpr size_t read_size = 65536;
constexpr size_t max_banner = 4096;
// zebra reads as fast as it can; one that does not is not going to.
constexpr size_t max_outgoing = size_t{32} << 20;
constexpr Duration longest_retry = std::chrono::seconds(60);
constexpr Duration release_patience = std::chrono::seconds(2);

Error lost(std::string detail) { return {&messages::zebra_lost, std::move(detail)}; }

}  // namespace

Session::Session(sd_event* loop, Connect connect, SessionListener& listener, Settings settings)
    : loop_(loop),
      connect_(std::move(connect)),
      listener_(listener),
      settings_(settings),
      retry_(settings.retry),
      retry_timer_(loop, [this] {
        if (phase_ == Phase::asking_release)
          end(lost("zebra does not say its release"));
        else
          this->connect();
      }) {
  retry_timer_.set_in(Duration::zero());
}

std::optional<Release> Session::release() const {
  if (!dialect_) return {};
  return dialect_->release();
}

void Session::connect() {
  auto socket = connect_(Door::vty);
  if (!socket) return end(socket.error());
  constexpr std::string_view question("show version\0", 13);
  if (::send(socket->get(), question.data(), question.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(question.size()))
    return end(lost(std::string("show version: ") + std::strerror(errno)));
  socket_ = std::move(*socket);
  phase_ = Phase::asking_release;
  banner_.clear();
  retry_timer_.set_in(release_patience);
  watch_ = control::Watch(loop_, socket_.get(), EPOLLIN, [this](uint32_t) { read_release(); });
}

void Session::read_release() {
  std::array<char, 1024> buffer;
  const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0 || banner_.size() > max_banner) return end(lost("zebra does not say its release"));
  banner_.append(buffer.data(), static_cast<size_t>(got));
  // Three zeros and a status end an answer.
  if (banner_.find(std::string_view("\0\0\0", 3)) == std::string::npos) return;
  retry_timer_.cancel();
  const auto release = parse_release(banner_);
  if (!release) return end(lost("zebra does not say its release"));
  auto dialect = Dialect::of(*release);
  if (!dialect) return end(dialect.error());
  greet(*dialect);
}

void Session::greet(Dialect dialect) {
  watch_ = {};
  auto socket = connect_(Door::zserv);
  if (!socket) return end(socket.error());
  socket_ = std::move(*socket);
  dialect_ = dialect;
  incoming_ = {};
  outgoing_.clear();
  phase_ = Phase::dumping;
  last_failure_.clear();
  watching_output_ = false;
  watch();
  send(hello(dialect, settings_.own_type));
  send(ask_for_notices(dialect));
  send(keep_routes(dialect, settings_.keep_seconds));
  for (const Family family : {Family::ipv4, Family::ipv6}) send(routes_follow(dialect, family));
  listener_.zebra_up();
  for (const Family family : {Family::ipv4, Family::ipv6}) send(subscribe(dialect, family));
  send(barrier());
  flush();
}

void Session::watch() {
  const bool output = !outgoing_.empty();
  watch_ = {};  // a descriptor has one watch at a time
  watch_ = control::Watch(loop_, socket_.get(), EPOLLIN | (output ? EPOLLOUT : 0u),
                          [this](uint32_t events) { ready(events); });
  watching_output_ = output;
}

void Session::ready(uint32_t events) {
  if (events & EPOLLOUT) flush();
  if (up() && (events & (EPOLLIN | EPOLLHUP | EPOLLERR))) read();
}

void Session::read() {
  std::array<uint8_t, read_size> buffer;
  for (unsigned i = 0; i < reads_per_turn; ++i) {
    const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got < 0) return end(lost(std::strerror(errno)));
    if (got == 0) return end(lost("zebra closed the connection"));
    incoming_.append(ByteView(buffer).first(static_cast<size_t>(got)));
    for (;;) {
      const auto message = incoming_.next();
      if (!message) return end(message.error());
      if (message->empty()) break;
      const auto decoded = decode(*dialect_, *message);
      if (!decoded) return end(decoded.error());
      if (!take(*decoded)) return;
    }
  }
}

// False where the listener, or what it sent, has ended the session.
bool Session::take(const FromZebra& message) {
  if (const auto* added = std::get_if<RouteAdded>(&message)) {
    if (!added->route.source) listener_.zebra_route(added->route);
  } else if (const auto* deleted = std::get_if<RouteDeleted>(&message)) {
    if (!deleted->route.source) listener_.zebra_route_gone(deleted->route.prefix);
  } else if (const auto* notified = std::get_if<OwnerNotified>(&message)) {
    listener_.zebra_notice(notified->notice, notified->prefix);
  } else if (std::holds_alternative<Barrier>(message) && phase_ == Phase::dumping) {
    phase_ = Phase::synchronized;
    listener_.zebra_synchronized();
  }
  return up();
}

void Session::add(const Route& route) {
  Route own = route;
  own.type = settings_.own_type;
  send(add_route(*dialect_, own));
  flush();
}

void Session::remove(const Prefix& prefix) {
  send(delete_route(*dialect_, settings_.own_type, prefix));
  flush();
}

void Session::complete() {
  for (const Family family : {Family::ipv4, Family::ipv6}) send(routes_complete(*dialect_, family));
  flush();
}

void Session::begin_anew() { end({&messages::zebra_asked_anew, {}}); }

void Session::farewell() {
  if (!up()) return;
  send(drop_routes_at_end(*dialect_));
  flush();
}

void Session::send(const Bytes& message) { outgoing_.insert(outgoing_.end(), message.begin(), message.end()); }

// What finds no room waits until zebra has read; an error shows when the socket is read.
void Session::flush() {
  size_t sent = 0;
  while (sent < outgoing_.size()) {
    const ssize_t count = ::send(socket_.get(), outgoing_.data() + sent, outgoing_.size() - sent, MSG_NOSIGNAL);
    if (count <= 0) break;
    sent += static_cast<size_t>(count);
  }
  outgoing_.erase(outgoing_.begin(), outgoing_.begin() + static_cast<ptrdiff_t>(sent));
  if (outgoing_.size() > max_outgoing) {
    // Shut, not ended: this may be in the middle of the listener's work.
    outgoing_.clear();
    ::shutdown(socket_.get(), SHUT_RDWR);
  }
  if (watching_output_ != !outgoing_.empty()) watch();
}

void Session::end(const Error& error) {
  const bool was_up = up();
  watch_ = {};
  socket_.reset();
  phase_ = Phase::down;
  dialect_.reset();
  // What is not understood comes again with the next dump.
  retry_ = error.message == &messages::zebra_nonsense ? std::min(2 * retry_, longest_retry) : settings_.retry;
  retry_timer_.set_in(retry_);
  if (was_up) return listener_.zebra_down(error);
  std::string text = error.text();
  if (text == last_failure_) return;
  last_failure_ = std::move(text);
  listener_.zebra_unreachable(error);
}

}  // namespace sekisho::zserv
