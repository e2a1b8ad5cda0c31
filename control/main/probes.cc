#include "control/main/probes.h"

#include <fmt/format.h>
#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/messages/routing.h"

namespace sekisho::control {
namespace {

Probe::Settings settings(const config::Probe& probe) {
  return {.interval = probe.interval, .timeout = probe.timeout, .loss = probe.loss, .of = probe.of};
}

EchoProtocol to_echo(config::Probe::Protocol protocol) {
  return protocol == config::Probe::Protocol::udp ? EchoProtocol::udp : EchoProtocol::icmp;
}

std::vector<bfd::Session> sessions_with(const std::vector<bfd::Session>& all, const IpAddress& peer,
                                        const std::string& interface) {
  std::vector<bfd::Session> found;
  std::ranges::copy_if(all, std::back_inserter(found),
                       [&](const bfd::Session& each) { return each.peer == peer && each.interface == interface; });
  return found;
}

bool by_bfd(const config::Probe& probe) { return probe.protocol == config::Probe::Protocol::bfd; }

}  // namespace

Probes::Probes(sd_event* loop, ProbeHost& host, Random& random, bfd::SessionWatch::Connect connect)
    : loop_(loop),
      host_(host),
      random_(random),
      sockets_(random),
      timer_(loop, [this] { step(); }),
      sessions_(loop, std::move(connect), [this](const Result<std::vector<bfd::Session>>& said) { take(said); }) {}

void Probes::watch() {
  if (std::ranges::all_of(entries_, [](const auto& each) { return by_bfd(each.second.wanted); }))
    return watches_.clear();
  if (!watches_.empty()) return;
  for (const int fd : sockets_.fds()) watches_.emplace_back(loop_, fd, EPOLLIN, [this](uint32_t) { receive(); });
}

void Probes::set(const std::string& tunnel, const std::optional<config::Probe>& wanted, bool up) {
  const auto known = entries_.find(tunnel);
  if (!wanted) return remove(tunnel);
  if (known != entries_.end() && known->second.wanted == *wanted) return;
  const bool passed = passes(tunnel);
  Entry& entry = entries_[tunnel];
  entry = {.wanted = *wanted, .interface = host_.probe_interface(tunnel)};
  if (up) begin(entry, passed);
  watch();
  arm();
}

void Probes::remove(const std::string& tunnel) {
  entries_.erase(tunnel);
  watch();
  arm();
}

void Probes::start(const std::string& tunnel, bool proven) {
  const auto found = entries_.find(tunnel);
  if (found == entries_.end() || found->second.running || found->second.by_bfd) return;
  begin(found->second, proven);
  arm();
}

void Probes::begin(Entry& entry, bool proven) {
  const Instant now = MonotonicClock::now();
  if (by_bfd(entry.wanted))
    entry.by_bfd.emplace(proven ? bfd::Probe::State::answering : bfd::Probe::State::unproven, now);
  else
    entry.running.emplace(settings(entry.wanted), proven ? Probe::State::answering : Probe::State::unproven, now);
}

void Probes::stop(const std::string& tunnel) {
  const auto found = entries_.find(tunnel);
  if (found == entries_.end()) return;
  found->second.running.reset();
  found->second.by_bfd.reset();
  found->second.fault.clear();
  arm();
}

bool Probes::passes(const Entry& entry) {
  return (entry.running && entry.running->state() == Probe::State::answering) ||
         (entry.by_bfd && entry.by_bfd->passes());
}

const Message* Probes::fault(const Entry& entry) {
  if (entry.running && entry.running->state() == Probe::State::failing) return &messages::probe_unanswered;
  if (!entry.by_bfd) return nullptr;
  if (entry.by_bfd->state() == bfd::Probe::State::unheard) return &messages::bfdd_silent;
  if (entry.by_bfd->state() != bfd::Probe::State::failing) return nullptr;
  return entry.by_bfd->session() ? &messages::bfd_session_down : &messages::bfd_session_missing;
}

bool Probes::is_fault(const Message& message) {
  constexpr std::array all = {&messages::probe_unanswered, &messages::bfd_session_down, &messages::bfd_session_missing,
                              &messages::bfdd_silent};
  return std::ranges::find(all, &message) != all.end();
}

Error Probes::describe(const Entry& entry, const Message& fault) const {
  const std::string target = entry.wanted.target.text();
  if (&fault == &messages::bfdd_silent) return {&fault, silence_};
  if (entry.running)
    return {&fault, fmt::format("{}: {} of the last {} lost{}{}", target, entry.running->lost_lately(), entry.wanted.of,
                                entry.fault.empty() ? "" : "; ", entry.fault)};
  const auto& session = entry.by_bfd->session();
  if (!session) return {&fault, fmt::format("{} on {}", target, entry.interface)};
  return {&fault, fmt::format("{} on {}: {}, {}", target, entry.interface, word(session->status), session->diagnostic)};
}

bool Probes::passes(std::string_view tunnel) const {
  const auto found = entries_.find(tunnel);
  return found == entries_.end() || passes(found->second);
}

std::optional<Error> Probes::fault(std::string_view tunnel) const {
  const auto found = entries_.find(tunnel);
  const Message* message = found == entries_.end() ? nullptr : fault(found->second);
  return message ? std::optional(describe(found->second, *message)) : std::nullopt;
}

rpc::ProbeView Probes::view(const Probe& running) {
  using State = rpc::ProbeView::State;
  rpc::ProbeView view;
  switch (running.state()) {
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
  const Probe::Counts& counts = running.counts();
  view.sent = counts.sent;
  view.answered = counts.answered;
  view.lost = counts.lost;
  view.round_trip = counts.round_trip;
  return view;
}

rpc::ProbeView Probes::view(const bfd::Probe& running) {
  using State = rpc::ProbeView::State;
  rpc::ProbeView view;
  switch (running.state()) {
    case bfd::Probe::State::unproven:
      view.state = State::unproven;
      break;
    case bfd::Probe::State::answering:
      view.state = State::answering;
      break;
    case bfd::Probe::State::failing:
      view.state = State::failing;
      break;
    case bfd::Probe::State::unheard:
      view.state = State::unheard;
      break;
  }
  if (running.session()) view.session = word(running.session()->status);
  return view;
}

std::optional<rpc::ProbeView> Probes::view(std::string_view tunnel) const {
  const auto found = entries_.find(tunnel);
  if (found == entries_.end()) return {};
  const Entry& entry = found->second;
  rpc::ProbeView shown;
  if (entry.running) shown = view(*entry.running);
  if (entry.by_bfd) shown = view(*entry.by_bfd);
  if (const Message* message = fault(entry)) shown.reason = describe(entry, *message).detail;
  return shown;
}

void Probes::note(const std::string& tunnel, const Entry& entry, const Standing& before) {
  if (standing(entry) != before) changed_.push_back(tunnel);
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
    const Standing before = standing(entry);
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
    const Standing before = standing(entry);
    entry.running->answered(reply.sequence, reply.token, MonotonicClock::now());
    return note(tunnel, entry, before);
  }
}

void Probes::take(const Result<std::vector<bfd::Session>>& said) {
  const Instant now = MonotonicClock::now();
  silence_ = said ? "" : said.error().detail;
  for (auto& [tunnel, entry] : entries_) {
    if (!entry.by_bfd) continue;
    const Standing before = standing(entry);
    if (said)
      entry.by_bfd->heard(sessions_with(*said, entry.wanted.target, entry.interface), now);
    else
      entry.by_bfd->unheard(now);
    note(tunnel, entry, before);
  }
  tell();
}

void Probes::arm() {
  sessions_.want(std::ranges::any_of(entries_, [](const auto& each) { return each.second.by_bfd.has_value(); }));
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
