#include "control/ike/v2/mobike.h"

#include <algorithm>

#include "base/messages/ike.h"
#include "base/outer_address.h"
#include "control/ike/v2/ike_sa_init.h"
#include "control/ike/v2/lifecycle.h"

namespace sekisho::ike::v2 {
namespace {

using wire::NotifyType;

constexpr size_t cookie_length = 32, min_cookie_length = 8, max_cookie_length = 64;  // section 4.2.5

// The path that a request of ours was about; by the time of the answer there may be another one.
struct Path {
  Endpoint local, remote;
  friend bool operator==(const Path&, const Path&) = default;
};
Path path_of(const IkeSa& sa) { return {sa.local, sa.remote}; }

// Tells the peer that we are elsewhere (section 3.5).
class UpdateAddresses final : public Task {
 public:
  Kind kind() const override { return Kind::update_addresses; }
  wire::ExchangeType exchange() const override { return wire::ExchangeType::informational; }

  std::optional<wire::Payloads> request(Context& context, IkeSa& sa) override {
    if (sa.state != IkeState::established) return {};
    path_ = path_of(sa);
    wire::Payloads payloads = {notify(NotifyType::update_sa_addresses)};
    add_nat_detection(context, sa, sa.connection->encapsulation, sa.local, sa.remote, payloads);
    return payloads;
  }

  void response(Context& context, IkeSa& sa, const wire::Payloads& payloads) override {
    // We have moved on since; the update that says so waits in the queue.
    if (sa.state != IkeState::established || path_ != path_of(sa)) return;
    if (wire::find_notify(payloads, NotifyType::unacceptable_addresses) ||
        wire::find_notify(payloads, NotifyType::unexpected_nat_detected)) {
      context.report(messages::ike_address_refused, sa.name(), describe(sa) + " from " + sa.local.text());
      return;
    }
    if (wire::find_notify(payloads, NotifyType::nat_detection_source_ip))
      detect_nat(sa, sa.spi_r, {sa.local, sa.remote, {}}, payloads);
    if (const auto* seen = wire::find_notify(payloads, NotifyType::nat_detection_destination_ip))
      sa.nat_mapping = seen->data;
    move_children(context, sa, sa.remote);
  }

 private:
  Path path_;
};

// Whether the peer receives where it says it is (section 3.7).
class CheckRoutability final : public Task {
 public:
  Kind kind() const override { return Kind::check_routability; }
  wire::ExchangeType exchange() const override { return wire::ExchangeType::informational; }

  std::optional<wire::Payloads> request(Context& context, IkeSa& sa) override {
    if (sa.state != IkeState::established) return {};
    moves_ = sa.moves;
    cookie_ = context.random_bytes(cookie_length);
    return wire::Payloads{notify(NotifyType::cookie2, cookie_)};
  }

  void response(Context& context, IkeSa& sa, const wire::Payloads& payloads) override {
    if (sa.state != IkeState::established) return;
    const auto* shown = wire::find_notify(payloads, NotifyType::cookie2);
    if (!shown || !constant_time_equal(shown->data, cookie_)) {
      context.report(messages::ike_not_routable, sa.name(), describe(sa));
      return begin_delete(context, sa);
    }
    // After a move the cookie went elsewhere too, when it was sent again, and says nothing of where the peer is now, be
    // it where it was then. Another check is in the queue.
    if (moves_ == sa.moves) move_children(context, sa, sa.remote);
  }

 private:
  unsigned moves_ = 0;
  Bytes cookie_;
};

// In front of the queue, unless one of its kind is there; one in flight is about a path that is no more.
void enqueue_once(IkeSa& sa, std::unique_ptr<Task> task) {
  const auto same = [&](const auto& other) { return other->kind() == task->kind(); };
  if (std::ranges::none_of(sa.queue, same)) enqueue_first(sa, std::move(task));
}

bool is_ours(const Connection& connection, const IpAddress& address) {
  return connection.local.is_any() || connection.local == address ||
         std::ranges::find(connection.other_locals, address) != connection.other_locals.end();
}

bool acceptable(const IkeSa& sa, const DatagramReceived& datagram) {
  const IpAddress& remote = datagram.remote.address;
  return is_ours(*sa.connection, datagram.local.address) && remote.family() == sa.remote.address.family() &&
         remote != datagram.local.address && outer_address_fault(remote).empty();
}

void take_update(Context& context, IkeSa& sa, const DatagramReceived& datagram, const wire::Payloads& request,
                 wire::Payloads& answer) {
  if (!acceptable(sa, datagram)) {
    context.report(messages::ike_address_unacceptable, sa.name(),
                   datagram.remote.text() + " to " + datagram.local.text());
    answer.push_back(notify(NotifyType::unacceptable_addresses));
    return;
  }
  const bool moved = sa.local != datagram.local || sa.remote != datagram.remote;
  const bool encapsulated = encapsulates(sa);
  sa.local = datagram.local;
  sa.remote = datagram.remote;
  sa.moves += moved;
  if (wire::find_notify(request, NotifyType::nat_detection_source_ip)) detect_nat(sa, sa.spi_r, datagram, request);
  if (moved || encapsulated != encapsulates(sa)) enqueue_once(sa, std::make_unique<CheckRoutability>());
}

}  // namespace

void add_mobike_offer(const IkeSa& sa, wire::Payloads& payloads) {
  // Without NAT traversal section 3.9 would want NATs forbidden; such a peer is met without MOBIKE.
  if (!sa.connection->mobike || !sa.nat_detection) return;
  payloads.push_back(notify(NotifyType::mobike_supported));
  for (const IpAddress& address : sa.connection->other_locals) {
    const auto type = address.is_v4() ? NotifyType::additional_ip4_address : NotifyType::additional_ip6_address;
    const ByteView bytes = address.bytes();
    payloads.push_back(notify(type, Bytes(bytes.begin(), bytes.end())));
  }
}

void agree_on_mobike(IkeSa& sa, const wire::Payloads& theirs) {
  sa.mobike =
      sa.connection->mobike && sa.nat_detection && wire::find_notify(theirs, NotifyType::mobike_supported) != nullptr;
}

bool breaks_nat_prohibition(const wire::Payloads& payloads, const DatagramReceived& datagram) {
  const auto* prohibition = wire::find_notify(payloads, NotifyType::no_nats_allowed);
  if (!prohibition) return false;
  ByteWriter expected;  // section 4.2.6
  expected.bytes(datagram.remote.address.bytes());
  expected.bytes(datagram.local.address.bytes());
  expected.u16(datagram.remote.port);
  expected.u16(datagram.local.port);
  return !std::ranges::equal(prohibition->data, expected.view());
}

void answer_mobike(Context& context, IkeSa& sa, const DatagramReceived& datagram, const wire::Payloads& request,
                   wire::Payloads& answer) {
  if (!sa.mobike || sa.state != IkeState::established) return;
  if (breaks_nat_prohibition(request, datagram)) {
    answer.push_back(notify(NotifyType::unexpected_nat_detected));
    return;
  }
  const auto* cookie = wire::find_notify(request, NotifyType::cookie2);
  if (cookie && cookie->data.size() >= min_cookie_length && cookie->data.size() <= max_cookie_length)
    answer.push_back(notify(NotifyType::cookie2, cookie->data));
  if (wire::find_notify(request, NotifyType::nat_detection_source_ip))
    add_nat_detection(context, sa, sa.connection->encapsulation, datagram.local, datagram.remote, answer);
  if (wire::find_notify(request, NotifyType::update_sa_addresses) && !sa.may_move)
    take_update(context, sa, datagram, request, answer);
}

void add_mapping_probe(Context& context, const IkeSa& sa, wire::Payloads& request) {
  if (sa.mobike && sa.may_move && sa.local_behind_nat)
    add_nat_detection(context, sa, sa.connection->encapsulation, sa.local, sa.remote, request);
}

void notice_mapping(IkeSa& sa, const wire::Payloads& answer) {
  if (!sa.mobike || !sa.may_move || sa.state != IkeState::established) return;
  const auto* seen = wire::find_notify(answer, NotifyType::nat_detection_destination_ip);
  if (!seen) return;
  const bool changed = !sa.nat_mapping.empty() && sa.nat_mapping != seen->data;
  sa.nat_mapping = seen->data;
  if (changed) enqueue_once(sa, std::make_unique<UpdateAddresses>());
}

void follow_local_addresses(Context& context, IkeSa& sa, const LocalAddresses& before) {
  const auto best = context.local_addresses.best(*sa.connection);
  if (!best) return;
  if (sa.state == IkeState::init_sent && best != before.best(*sa.connection)) {
    const std::string connection = sa.name();
    drop(context, sa, Farewell::silent);
    return pursue(context, connection);
  }
  if (sa.state != IkeState::established || !sa.mobike || !sa.may_move || *best == sa.local.address) return;
  sa.local.address = *best;
  enqueue_once(sa, std::make_unique<UpdateAddresses>());
  pump(context, sa);
}

}  // namespace sekisho::ike::v2
