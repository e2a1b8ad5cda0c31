#include "control/main/probes.h"

#include <fmt/format.h>
#include <sys/epoll.h>

#include <utility>

namespace sekisho::control {
namespace {

Probe::Settings settings(const config::Probe& probe) {
  return {.interval = probe.interval, .timeout = probe.timeout, .loss = probe.loss, .of = probe.of};
}

EchoProtocol to_echo(config::Probe::Protocol protocol) {
  return protocol == config::Probe::Protocol::udp ? EchoProtocol::udp : EchoProtocol::icmp;
}

}  // namespace

Probes::Probes(sd_event* loop, ProbeHost& host, Random& random)
    : loop_(loop), host_(host), random_(random), sockets_(random), timer_(loop, [this] { step(); }) {}

void Probes::watch() {
  if (entries_.empty()) return watches_.clear();
  if (!watches_.empty()) return;
  for (const int fd : sockets_.fds()) watches_.emplace_back(loop_, fd, EPOLLIN, [this](uint32_t) { receive(); });
}

void Probes::set(const std::string& tunnel, const std::optional<config::Probe>& wanted, bool up) {
  const auto known = entries_.find(tunnel);
  if (!wanted) return remove(tunnel);
  if (known != entries_.end() && known->second.wanted == *wanted) return;
  const bool passed = passes(tunnel);
  Entry& entry = entries_[tunnel];
  entry = {.wanted = *wanted};
  if (up) begin(entry, passed ? Probe::State::answering : Probe::State::unproven);
  watch();
}

void Probes::remove(const std::string& tunnel) {
  entries_.erase(tunnel);
  watch();
  arm();
}

void Probes::start(const std::string& tunnel, bool proven) {
  const auto found = entries_.find(tunnel);
  if (found == entries_.end() || found->second.running) return;
  begin(found->second, proven ? Probe::State::answering : Probe::State::unproven);
}

void Probes::begin(Entry& entry, Probe::State initial) {
  entry.running.emplace(settings(entry.wanted), initial, MonotonicClock::now());
  arm();
}

void Probes::stop(const std::string& tunnel) {
  const auto found = entries_.find(tunnel);
  if (found == entries_.end()) return;
  found->second.running.reset();
  found->second.fault.clear();
  arm();
}

bool Probes::passes(std::string_view tunnel) const {
  const auto found = entries_.find(tunnel);
  return found == entries_.end() ||
         (found->second.running && found->second.running->state() == Probe::State::answering);
}

bool Probes::failing(std::string_view tunnel) const {
  const auto found = entries_.find(tunnel);
  return found != entries_.end() && found->second.running && found->second.running->state() == Probe::State::failing;
}

std::string Probes::reason(std::string_view tunnel) const {
  const auto found = entries_.find(tunnel);
  if (found == entries_.end() || !found->second.running) return {};
  const Entry& entry = found->second;
  return fmt::format("{}: {} of the last {} lost{}{}", entry.wanted.target.text(), entry.running->lost_lately(),
                     entry.wanted.of, entry.fault.empty() ? "" : "; ", entry.fault);
}

std::optional<rpc::ProbeView> Probes::view(std::string_view tunnel) const {
  using State = rpc::ProbeView::State;
  const auto found = entries_.find(tunnel);
  if (found == entries_.end()) return {};
  rpc::ProbeView view;
  const auto& running = found->second.running;
  if (!running) return view;
  switch (running->state()) {
    case Probe::State::unproven:
      view.state = State::unproven;
      break;
    case Probe::State::answering:
      view.state = State::answering;
      break;
    case Probe::State::failing:
      view.state = State::failing;
      break;
  }
  const Probe::Counts& counts = running->counts();
  view.sent = counts.sent;
  view.answered = counts.answered;
  view.lost = counts.lost;
  view.round_trip = counts.round_trip;
  return view;
}

void Probes::note(const std::string& tunnel, const Entry& entry, Probe::State before) {
  if (entry.running->state() != before) changed_.push_back(tunnel);
}

void Probes::tell() {
  arm();
  for (const std::string& tunnel : std::exchange(changed_, {}))
    if (entries_.contains(tunnel)) host_.probe_changed(tunnel);
}

// What has come in is looked at first: the loop may have been late, and the answers in time.
void Probes::step() {
  receive();
  const Instant now = MonotonicClock::now();
  for (auto& [tunnel, entry] : entries_) {
    if (!entry.running) continue;
    const Probe::State before = entry.running->state();
    if (const auto request = entry.running->step(now, random_)) send(tunnel, entry, *request);
    note(tunnel, entry, before);
  }
  tell();
}

void Probes::send(const std::string& tunnel, Entry& entry, const Probe::Request& request) {
  const auto link = host_.probe_link(tunnel);
  const auto sent = link ? sockets_.send({.protocol = to_echo(entry.wanted.protocol),
                                          .link = *link,
                                          .target = entry.wanted.target,
                                          .port = entry.wanted.port,
                                          .source = entry.wanted.source,
                                          .sequence = request.sequence,
                                          .token = request.token})
                         : Result<void>();
  entry.fault = sent ? "" : sent.error().detail;
  if (!link || !sent) entry.running->not_sent();
}

void Probes::receive() {
  sockets_.receive([this](const EchoSockets::Reply& reply) { take(reply); });
  tell();
}

// Only what comes back through the tunnel itself shows that it carries both ways.
void Probes::take(const EchoSockets::Reply& reply) {
  for (auto& [tunnel, entry] : entries_) {
    if (!entry.running || to_echo(entry.wanted.protocol) != reply.protocol ||
        reply.from != Endpoint{entry.wanted.target, entry.wanted.port} || host_.probe_link(tunnel) != reply.link)
      continue;
    const Probe::State before = entry.running->state();
    entry.running->answered(reply.sequence, reply.token, MonotonicClock::now());
    return note(tunnel, entry, before);
  }
}

void Probes::arm() {
  std::optional<Instant> next;
  for (const auto& [tunnel, entry] : entries_)
    if (entry.running)
      if (const Instant at = entry.running->next_deadline(); !next || at < *next) next = at;
  if (next)
    timer_.set(*next);
  else
    timer_.cancel();
}

}  // namespace sekisho::control
