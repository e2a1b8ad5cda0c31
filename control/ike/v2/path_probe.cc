#include "control/ike/v2/path_probe.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/messages/ike.h"

namespace sekisho::ike::v2 {
namespace {

bool looks_for_mtu(const IkeSa& sa) {
  return sa.state == IkeState::established && sa.fragmentation && !sa.superseded && !sa.close_at &&
         may_find_path_mtu(*sa.connection);
}

std::optional<wire::Padded> padded(const IkeSa& sa, uint16_t datagram) {
  const size_t headers = outer_headers(sa);
  return datagram > headers ? wire::longest_padded(*sa.sealing, datagram - headers) : std::nullopt;
}

PathMtu::Fit fit(const IkeSa& sa) {
  return [&sa](uint16_t limit) {
    const auto probe = padded(sa, limit);
    return static_cast<uint16_t>(probe ? outer_headers(sa) + probe->length : 0);
  };
}

void conclude(Context& context, IkeSa& sa) {
  const auto conclusion = sa.path_mtu.take_conclusion();
  if (!conclusion) return;
  const PathMtu::Path& path = *sa.path_mtu.path();
  context.actions.push_back(SetPathMtu{sa.name(), path.remote.address, conclusion->mtu});
  if (conclusion->news)
    context.report(messages::ike_path_mtu, sa.name(),
                   fmt::format("{} octets to {}; link {} has {}", *conclusion->mtu, path.remote.address.text(),
                               path.way.link, path.way.mtu));
}

class PathProbe final : public Task {
 public:
  Kind kind() const override { return Kind::path_probe; }
  wire::ExchangeType exchange() const override { return wire::ExchangeType::informational; }
  std::optional<Duration> padded_for() const override { return patience_; }

  std::optional<wire::Payloads> request(Context& context, IkeSa& sa) override {
    if (!looks_for_mtu(sa)) return {};
    watch_path(context, sa);
    const auto size = sa.path_mtu.next(fit(sa), context.now);
    conclude(context, sa);
    const auto probe = size ? padded(sa, *size) : std::nullopt;
    if (!probe) return {};
    path_ = sa.path_mtu.path();
    last_heard_ = sa.last_heard;
    patience_ = sa.path_mtu.patience(sa.connection->retransmission.first);
    return wire::Payloads{notify(wire::NotifyType::path_mtu_probe, Bytes(probe->data))};
  }

  void response(Context& context, IkeSa& sa, const wire::Payloads&) override {
    // Dead peer detection, which looks after a NAT's mapping as well, goes its own way.
    sa.last_heard = last_heard_;
    if (repeated_ || !still_asked(sa)) return;
    sa.path_mtu.answered(fit(sa), context.now);
    conclude(context, sa);
  }

  void repeated(Context& context, IkeSa& sa) override {
    if (std::exchange(repeated_, true) || !still_asked(sa)) return;
    sa.path_mtu.failed(fit(sa), context.now);
    conclude(context, sa);
  }

 private:
  // Not of a path that is no more.
  bool still_asked(const IkeSa& sa) const { return looks_for_mtu(sa) && sa.path_mtu.path() == path_; }

  std::optional<PathMtu::Path> path_;
  Instant last_heard_{};
  Duration patience_{};
  bool repeated_ = false;
};

}  // namespace

std::unique_ptr<Task> path_probe_task() { return std::make_unique<PathProbe>(); }

std::optional<Instant> path_probe_at(const IkeSa& sa) {
  if (!looks_for_mtu(sa) || !sa.requests.idle() || !sa.queue.empty()) return {};
  const auto due = sa.path_mtu.due();
  // What is found is confirmed no more often than the peer is asked whether it lives.
  const Duration longer = sa.connection->dpd_interval - PathMtu::confirm_interval;
  return due && !sa.path_mtu.searching() ? *due + std::max(longer, Duration::zero()) : due;
}

void watch_path(Context& context, IkeSa& sa) {
  if (sa.state == IkeState::established && !sa.fragmentation)
    context.actions.push_back(SetPathMtu{sa.name(), sa.remote.address, {}});  // what another one found
  if (!looks_for_mtu(sa)) return;
  if (const auto way = context.environment.outer_way(sa.remote.address))
    sa.path_mtu.follow({sa.local, sa.remote, *way}, fit(sa), context.now);
}

void inherit_path_mtu(Context& context, const IkeSa& old, IkeSa& heir) {
  if (old.path_mtu.path()) heir.path_mtu = old.path_mtu;
  watch_path(context, heir);
}

PathMtuView path_mtu_view(const IkeSa& sa) {
  using State = PathMtuView::State;
  PathMtuView view{.state = State::waiting};
  if (const auto& found = sa.path_mtu.found()) {
    view.mtu = found->mtu;
    view.proven = found->proven;
  }
  const bool may = sa.connection && may_find_path_mtu(*sa.connection) && sa.fragmentation;
  if (sa.connection && !sa.connection->path_mtu_discovery)
    view.state = State::off;
  else if (sa.state == IkeState::established && !may)
    view.state = State::impossible;
  else if (sa.path_mtu.searching())
    view.state = State::searching;
  else if (sa.path_mtu.path())
    view.state = view.mtu ? State::found : State::not_found;
  return view;
}

}  // namespace sekisho::ike::v2
