// Two IKE engines, a network that loses, delays, repeats and reorders, and a clock that only moves when nothing is left
// to do at its present time. Everything random comes from one seed, so a run can be repeated exactly.
//
// After every step of an engine the invariants are checked; a breach throws Violation.
#pragma once

#include <functional>
#include <memory>
#include <queue>

#include "tests/sim/data_path.h"

namespace sekisho::sim {

using namespace std::chrono_literals;

struct Network {
  double loss = 0, duplication = 0;
  Duration shortest = 5ms, longest = 5ms;  // delay; uniform between, so that messages overtake each other
  // Of IP datagrams, in octets: a larger one is lost, or goes in fragments if it may. 0: there is none.
  size_t mtu = 0;
  bool loses_fragments = false;
};

struct Node {
  std::string name;
  IpAddress address;
  ike::EngineOptions options;
  std::unique_ptr<DataPath> data_path;
  std::unique_ptr<ike::Engine> engine;
  std::vector<ike::Report> reports;
  std::map<Bytes, unsigned> timed_sends;  // how often a timer sent the same bytes
  std::optional<uint16_t> path_mtu;       // as the engine said last
  std::vector<size_t> probes;             // of the path: how large each was
  bool alive = true;

  size_t count(const Message& message) const;
  // The last report of an error, or nullptr.
  const ike::Report* last_error() const;
};

class World {
 public:
  explicit World(uint64_t seed);

  Node a, b;
  ike::IkeVersion version = ike::IkeVersion::v2;  // of the connections that connection_of() makes
  Network network;
  Instant now{};
  // The address and the shift of ports that a NAT before `a` shows to `b`.
  std::optional<IpAddress> nat;
  uint16_t nat_shift = 10000;
  // Whoever else may be sent something. An IKE message to an address that neither a node nor a NAT has ever had is a
  // Violation: an engine has nothing to say to anybody else.
  std::set<IpAddress> strangers;
  // Once both ends are up they must stay able to reach each other at every instant.
  bool hitless = false;
  // Test packets in both directions every so often; 0: none.
  Duration traffic = Duration::zero();
  size_t packets_delivered = 0, packets_without_sa = 0;
  // Every IKE message that was sent, as the receiver would get it.
  struct Recorded {
    Node* to;
    ike::DatagramReceived datagram;
  };
  std::vector<Recorded> recorded;
  bool record = false;
  // Called for each message; false: it is lost.
  std::function<bool(const Node& from, ByteView data)> filter;
  // Called after each step of an engine, with its SAs before and after.
  using Sas = std::vector<ike::IkeSaView>;
  std::function<void(const ike::Event& event, const Sas& before, const Sas& after)> observe;

  Random& random() { return random_; }
  Node& peer_of(const Node& node) { return &node == &a ? b : a; }
  void step(Node& node, ike::Event event);
  void run_for(Duration duration);
  // Whether `condition` became true in time.
  bool run_until(const std::function<bool()>& condition, Duration limit);
  // The process ends at once and another one starts, with nothing remembered.
  void restart(Node& node);

  // The children that both ends are to have, by name; what is up, sent on and expected concerns each of them.
  std::vector<std::string> children = {"tunnel"};

  bool up(const std::string& connection);
  // With a perfect network and time for every timer: one IKE SA and one child SA of each definition on each side that
  // fit each other, and nothing else.
  void settle(Duration time = 90s);
  void expect_settled(const std::string& connection);
  void expect_nothing();

 private:
  struct Delivery {
    Instant at{};
    uint64_t order = 0;
    std::function<void()> action;
    friend bool operator>(const Delivery& x, const Delivery& y) {
      return std::tie(x.at, x.order) > std::tie(y.at, y.order);
    }
  };
  void perform(Node& node, ike::Event event);
  bool advance(Instant limit);
  void at(Instant when, std::function<void()> action);
  void send(Node& from, const ike::SendDatagram& message, bool timed);
  void expect_somebody_at(const Node& from, const IpAddress& remote);
  void deliver(Node& to, const ike::DatagramReceived& datagram);
  void send_packet(Node& from, const std::string& connection);
  // What a data path says once one more packet has gone through an SA.
  void count_packet(Node& node, uint32_t inbound_spi, uint64_t DataPath::Installed::*counter);
  void check(const std::string& cause);
  bool finds_its_way(const Node& from, const DataPath::Installed& sending);
  bool reaches(Node& from, const std::string& connection, const std::string& child);
  double chance();
  void trace(const Node& node, const ike::Action& action) const;

  SeededRandom random_;
  std::set<Bytes> outbound_keys_;
  std::set<IpAddress> inhabited_;
  std::priority_queue<Delivery, std::vector<Delivery>, std::greater<>> queue_;
  uint64_t order_ = 0;
  Instant next_traffic_{};
  bool was_up_ = false;
};

inline constexpr const char* tunnel = "tunnel";
// The connection of `world.a` or `world.b` with the defaults of these tests: x25519, short times.
ike::Connection connection_of(const World& world, const Node& node);
// Runs `scenario` under `count` seeds, or under the one that SEKISHO_SIM_SEED names; a failing seed is named.
// SEKISHO_SIM_TIMES=N multiplies the count, for a long search; SEKISHO_SIM_TRACE=1 prints every action.
void for_seeds(unsigned count, const std::function<void(World&)>& scenario);

}  // namespace sekisho::sim
