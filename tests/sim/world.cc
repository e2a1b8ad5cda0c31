#include "tests/sim/world.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>

#include "base/messages/ike.h"
#include "control/ike/v1/wire/message.h"
#include "control/ike/wire/message.h"

namespace sekisho::sim {
namespace {

IpAddress address(const char* text) { return *IpAddress::parse(text); }

std::string text_of(const Node& node) {
  std::string text = node.name + ":";
  for (const ike::IkeSaView& sa : node.engine->ike_sas()) {
    text += " IKE[" + sa.state + (sa.initiator ? " i" : " r");
    for (const ike::ChildSaView& child : sa.children)
      text += " " + child.name + ":" + child.state + (child.outbound_active ? "*" : "");
    text += "]";
  }
  text += " data path: " + std::to_string(node.data_path->installed().size()) + " SAs, " +
          std::to_string(node.data_path->reserved()) + " reserved;";
  for (const ike::Report& report : node.reports)
    if (report.message->severity != Severity::info)
      text += " " + std::string(report.message->id) + "(" + report.detail + ")";
  return text + "\n";
}

// SEKISHO_SIM_TRACE=1: every action as it is taken.
bool tracing() {
  static const bool on = std::getenv("SEKISHO_SIM_TRACE") != nullptr;
  return on;
}

std::string text_of(const ike::Action& action) {
  const auto spi = [](uint32_t value) { return " " + std::to_string(value); };
  if (const auto* message = std::get_if<ike::SendDatagram>(&action)) {
    if (const auto header = ike::v1::wire::decode_header(message->data))
      return "send " + ike::v1::wire::describe(*header, {});
    const auto header = ike::wire::decode_header(message->data);
    return "send " + (header ? ike::wire::describe(*header, {}) : std::string("what is no message"));
  }
  if (const auto* install = std::get_if<ike::InstallChildSa>(&action))
    return "install" + spi(install->inbound.spi) + (install->outbound_active ? " active" : " passive");
  if (const auto* activate = std::get_if<ike::ActivateOutbound>(&action))
    return "activate" + spi(activate->inbound_spi);
  if (const auto* removed = std::get_if<ike::RemoveChildSa>(&action)) return "remove" + spi(removed->inbound_spi);
  if (const auto* moved = std::get_if<ike::UpdateChildSa>(&action))
    return "move" + spi(moved->inbound_spi) + " to " + moved->remote.text();
  if (const auto* path = std::get_if<ike::SetPathMtu>(&action)) return "path MTU" + spi(path->mtu.value_or(0));
  const auto& report = std::get<ike::Report>(action);
  return "report " + std::string(report.message->title) + ": " + report.detail;
}

// With IPv4, UDP and on port 4500 the non-ESP marker.
size_t datagram_size(const ike::SendDatagram& message) {
  return message.data.size() + 20 + 8 + (message.local.port == 4500 ? 4 : 0);
}

}  // namespace

void World::trace(const Node& node, const ike::Action& action) const {
  std::fprintf(stderr, "%9.3f %s: %s\n", std::chrono::duration<double>(now.time_since_epoch()).count(),
               node.name.c_str(), text_of(action).c_str());
}

size_t Node::count(const Message& message) const {
  size_t count = 0;
  for (const ike::Report& report : reports) count += report.message == &message;
  return count;
}

const ike::Report* Node::last_error() const {
  for (auto report = reports.rbegin(); report != reports.rend(); ++report)
    if (report->message->severity == Severity::error) return &*report;
  return nullptr;
}

World::World(uint64_t seed) : random_(seed) {
  a.name = "a";
  a.address = address("10.9.1.1");
  b.name = "b";
  b.address = address("10.9.2.2");
  restart(a);
  restart(b);
}

void World::restart(Node& node) {
  node.engine.reset();
  node.data_path = std::make_unique<DataPath>(random_, outbound_keys_);
  node.engine = std::make_unique<ike::Engine>(node.options, *node.data_path);
  node.timed_sends.clear();
  node.path_mtu.reset();
  was_up_ = false;
}

double World::chance() { return static_cast<double>(random_.next_u32()) / 4294967296.0; }

void World::at(Instant when, std::function<void()> action) { queue_.push({when, ++order_, std::move(action)}); }

void World::step(Node& node, ike::Event event) {
  if (!observe) return perform(node, std::move(event));
  const ike::Event seen = event;
  const Sas before = node.engine->ike_sas();
  perform(node, std::move(event));
  observe(seen, before, node.engine->ike_sas());
}

void World::perform(Node& node, ike::Event event) {
  const bool timed = std::holds_alternative<ike::TimerFired>(event);
  const ike::Actions actions = node.engine->step(std::move(event), now);
  for (const ike::Action& action : actions) {
    if (tracing()) trace(node, action);
    if (const auto* message = std::get_if<ike::SendDatagram>(&action)) send(node, *message, timed);
    if (const auto* install = std::get_if<ike::InstallChildSa>(&action)) node.data_path->take(*install);
    if (const auto* moved = std::get_if<ike::UpdateChildSa>(&action)) node.data_path->take(*moved);
    if (const auto* activate = std::get_if<ike::ActivateOutbound>(&action)) node.data_path->take(*activate);
    if (const auto* removed = std::get_if<ike::RemoveChildSa>(&action)) node.data_path->take(*removed);
    if (const auto* path = std::get_if<ike::SetPathMtu>(&action)) node.path_mtu = path->mtu;
    if (const auto* report = std::get_if<ike::Report>(&action)) node.reports.push_back(*report);
    check("after an action of " + node.name);
  }
}

void World::expect_somebody_at(const Node& from, const IpAddress& remote) {
  for (const Node* node : {&a, &b}) inhabited_.insert(node->address);
  if (nat) inhabited_.insert(*nat);
  if (!inhabited_.contains(remote) && !strangers.contains(remote))
    throw Violation(from.name + " sends to " + remote.text() + ", where nobody is");
}

void World::send(Node& from, const ike::SendDatagram& message, bool timed) {
  if (message.dont_fragment)
    from.probes.push_back(datagram_size(message));
  else if (timed && ++from.timed_sends[message.data] > 12)
    throw Violation(from.name + " retransmits without end");
  Node& to = peer_of(from);
  expect_somebody_at(from, message.remote.address);
  if (message.local.address != from.address) return;  // the kernel has no such address
  ike::DatagramReceived datagram{message.remote, message.local, message.data};
  if (nat && &from == &a) datagram.remote = {*nat, static_cast<uint16_t>(message.local.port + nat_shift)};
  if (nat && &from == &b) {
    if (message.remote.address != *nat) return;   // nobody reaches what is behind the NAT by its inner address
    if (message.remote.port < nat_shift) return;  // nor by a port that it has not mapped
    datagram.local = {a.address, static_cast<uint16_t>(message.remote.port - nat_shift)};
  }
  if (datagram.local.address != to.address) return;
  if (record) recorded.push_back({&to, datagram});
  if (filter && !filter(from, message.data)) return;
  const bool too_large = network.mtu != 0 && datagram_size(message) > network.mtu;
  if (too_large && (message.dont_fragment || network.loses_fragments)) return;
  const unsigned copies = chance() < network.duplication ? 2 : 1;
  for (unsigned copy = 0; copy < copies; ++copy) {
    if (chance() < network.loss) continue;
    const auto spread = static_cast<uint64_t>((network.longest - network.shortest).count()) + 1;
    const Duration delay = network.shortest + Duration(static_cast<int64_t>(random_.below(spread)));
    at(now + delay, [this, &to, datagram] { deliver(to, datagram); });
  }
}

void World::deliver(Node& to, const ike::DatagramReceived& datagram) {
  if (to.alive) step(to, datagram);
}

// A data packet on whatever `from` sends on, over the same network but for its losses.
void World::send_packet(Node& from, const std::string& connection) {
  const std::string& child = children[children.size() == 1 ? 0 : random_.below(children.size())];
  const DataPath::Installed* sa = from.data_path->sends_on(connection, child);
  if (!sa || !from.alive) return;
  Node& to = peer_of(from);
  const uint32_t spi = sa->outbound_spi;
  count_packet(from, sa->inbound_spi, &DataPath::Installed::sent);
  const auto spread = static_cast<uint64_t>((network.longest - network.shortest).count()) + 1;
  at(now + network.shortest + Duration(static_cast<int64_t>(random_.below(spread))), [this, &to, spi] {
    DataPath::Installed* received_on = to.data_path->find(spi);
    if (!received_on) {
      ++packets_without_sa;
      if (hitless && was_up_) throw Violation("a packet reached " + to.name + " for which it had no SA");
      return;
    }
    ++packets_delivered;
    if (!std::exchange(received_on->seen_packet, true))
      step(to, ike::ChildSaEvent{spi, ike::ChildSaEvent::Kind::first_inbound_packet});
    count_packet(to, spi, &DataPath::Installed::received);
  });
}

void World::count_packet(Node& node, uint32_t inbound_spi, uint64_t DataPath::Installed::*counter) {
  DataPath::Installed* sa = node.data_path->find(inbound_spi);
  if (!sa || sa->hard_packets == 0) return;
  const uint64_t count = ++(sa->*counter);
  if (count == sa->soft_packets)
    step(node, ike::ChildSaEvent{inbound_spi, ike::ChildSaEvent::Kind::soft_expired});
  else if (count == sa->hard_packets)
    step(node, ike::ChildSaEvent{inbound_spi, ike::ChildSaEvent::Kind::hard_expired});
}

// Whether the outer addresses lead to the other node.
bool World::finds_its_way(const Node& from, const DataPath::Installed& sending) {
  if (sending.local.address != from.address) return false;
  if (&from == &a || !nat) return sending.remote.address == peer_of(from).address;
  return sending.remote.address == *nat && sending.remote.port == sending.local.port + nat_shift;
}

bool World::reaches(Node& from, const std::string& connection, const std::string& child) {
  const DataPath::Installed* sending = from.data_path->sends_on(connection, child);
  if (!sending) return false;
  const DataPath::Installed* receiving = peer_of(from).data_path->find(sending->outbound_spi);
  return receiving && receiving->inbound_key == sending->outbound_key &&
         receiving->encapsulated == sending->encapsulated && finds_its_way(from, *sending);
}

bool World::up(const std::string& connection) {
  return std::ranges::all_of(children, [&](const std::string& child) {
    return reaches(a, connection, child) && reaches(b, connection, child);
  });
}

void World::check(const std::string& cause) {
  if (!hitless) return;
  if (was_up_ && !up(tunnel)) throw Violation("traffic was interrupted " + cause);
  was_up_ = up(tunnel);
}

bool World::advance(Instant limit) {
  std::optional<Instant> next;
  Node* timed = nullptr;
  for (Node* node : {&a, &b})
    if (const auto due = node->engine->next_deadline(); node->alive && due && (!next || *due < *next)) {
      next = *due;
      timed = node;
    }
  if (!queue_.empty() && (!next || queue_.top().at <= *next)) {
    next = queue_.top().at;
    timed = nullptr;
  }
  const bool packet = traffic > Duration::zero() && (!next || next_traffic_ <= *next);
  if (packet) next = next_traffic_;
  if (!next || *next > limit) return false;
  now = std::max(now, *next);
  if (packet) {
    next_traffic_ = now + traffic;
    send_packet(random_.below(2) == 0 ? a : b, tunnel);
  } else if (timed) {
    step(*timed, ike::TimerFired{});
  } else {
    const auto action = queue_.top().action;
    queue_.pop();
    action();
  }
  return true;
}

void World::run_for(Duration duration) {
  const Instant limit = now + duration;
  while (advance(limit)) {
  }
  now = limit;
}

bool World::run_until(const std::function<bool()>& condition, Duration limit) {
  const Instant end = now + limit;
  while (!condition())
    if (!advance(end)) {
      now = end;
      return condition();
    }
  return true;
}

void World::settle(Duration time) {
  network = Network{};
  filter = nullptr;
  run_for(time);
}

void World::expect_settled(const std::string& connection) {
  const auto demand = [this](bool holds, const char* what) {
    if (!holds) throw Violation(std::string(what) + "\n" + text_of(a) + text_of(b));
  };
  demand(up(connection), "the tunnel is not up both ways");
  for (Node* node : {&a, &b}) {
    const auto sas = node->engine->ike_sas();
    demand(sas.size() == 1 && sas[0].state == "established", "there is not exactly one IKE SA");
    demand(sas[0].children.size() == children.size(), "there is not exactly one child SA of each definition");
    demand(node->data_path->installed().size() == children.size(), "the data path has other SAs than these");
    demand(node->data_path->reserved() == 0, "an SPI leaked");
  }
}

void World::expect_nothing() {
  for (Node* node : {&a, &b})
    if (!node->engine->ike_sas().empty() || !node->data_path->installed().empty() || node->data_path->reserved() != 0)
      throw Violation("something is left over\n" + text_of(a) + text_of(b));
}

ike::Connection connection_of(const World& world, const Node& node) {
  const bool is_a = &node == &world.a;
  ike::Connection connection;
  connection.name = tunnel;
  connection.local = node.address;
  connection.remote = is_a ? world.b.address : world.nat.value_or(world.a.address);
  connection.local_id = *ike::Identity::parse(is_a ? "a.lab" : "b.lab");
  connection.remote_id = *ike::Identity::parse(is_a ? "b.lab" : "a.lab");
  connection.psk = std::make_shared<const SecretBytes>(SecretBytes::copy_of(as_bytes("swordfish")));
  connection.version = world.version;
  const bool v1 = world.version == ike::IkeVersion::v1;
  connection.ike_proposals = {*ike::IkeProposal::parse(v1 ? "aes128-sha256-ecp256" : "aes128gcm16-prfsha256-x25519")};
  connection.children.front().name = tunnel;
  connection.children.front().esp_proposals = {*ike::EspProposal::parse("aes128gcm16")};
  const auto left = TrafficSelector::from_prefix(*Prefix::parse("10.1.0.0/24"));
  const auto right = TrafficSelector::from_prefix(*Prefix::parse("10.2.0.0/24"));
  connection.children.front().local_selectors = {is_a ? left : right};
  connection.children.front().remote_selectors = {is_a ? right : left};
  connection.start = is_a ? ike::StartMode::start : ike::StartMode::respond;
  connection.dpd_interval = 10s;
  connection.retransmission = {.first = 500ms, .factor = 1.2, .tries = 12};
  connection.retry_interval = 5s;
  return connection;
}

void for_seeds(unsigned count, const std::function<void(World&)>& scenario) {
  const char* only = std::getenv("SEKISHO_SIM_SEED");
  const uint64_t first = only ? std::strtoull(only, nullptr, 0) : 1;
  if (const char* times = std::getenv("SEKISHO_SIM_TIMES"))
    count *= static_cast<unsigned>(std::strtoul(times, nullptr, 0));
  for (uint64_t seed = first; seed < first + (only ? 1 : count); ++seed) {
    World world(seed);
    try {
      scenario(world);
    } catch (const std::exception& violation) {
      FAIL("SEKISHO_SIM_SEED=" << seed << " at " << std::chrono::duration<double>(world.now.time_since_epoch()).count()
                               << " s: " << violation.what() << "\n"
                               << text_of(world.a) << text_of(world.b));
    }
  }
  // A number of times that is none, or no number, would prove nothing.
  CHECK(count > 0);
}

}  // namespace sekisho::sim
