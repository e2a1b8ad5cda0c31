// docs/ike-states.md is what the simulator saw: every change of an SA's state, and what caused it. The states are those
// of `show ike-sa` and `show child-sa`.
//
// SEKISHO_STATE_DIAGRAMS=FILE writes the document there; script/state-diagrams does that.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "control/ike/v1/wire/message.h"
#include "control/ike/wire/message.h"
#include "tests/sim/world.h"

namespace sekisho::sim {
namespace {

constexpr const char* absent = "[*]";

std::string text_of(const ike::DatagramReceived& datagram) {
  if (const auto header = ike::v1::wire::decode_header(datagram.data)) return name(header->exchange);
  const auto header = ike::wire::decode_header(datagram.data);
  if (!header) return "a datagram";
  return name(header->exchange) + (header->response ? " response" : " request");
}
std::string text_of(const ike::ChildSaEvent& event) {
  using Kind = ike::ChildSaEvent::Kind;
  if (event.kind == Kind::first_inbound_packet) return "first packet";
  return event.kind == Kind::soft_expired ? "soft limit" : "hard limit";
}
std::string text_of(const ike::TimerFired&) { return "timer"; }
std::string text_of(const ike::SetConnection&) { return "configuration"; }
std::string text_of(const ike::RemoveConnection&) { return "configuration"; }
std::string text_of(const ike::Initiate&) { return "up"; }
std::string text_of(const ike::Terminate&) { return "down"; }
std::string text_of(const ike::RekeyChild&) { return "rekey child"; }
std::string text_of(const ike::RekeyIke&) { return "rekey IKE SA"; }
std::string text_of(const ike::TrafficWaiting&) { return "traffic"; }
std::string text_of(const ike::PeerMoved&) { return "the peer moved"; }
std::string text_of(const ike::AddressesChanged&) { return "addresses changed"; }
std::string text_of(const ike::WayChanged&) { return "another way"; }
std::string text_of(const ike::Shutdown&) { return "shutdown"; }

// From, to -> causes.
using Graph = std::map<std::pair<std::string, std::string>, std::set<std::string>>;
using States = std::map<uint64_t, std::string>;  // by own SPI

void add_changes(const States& before, const States& after, const std::string& cause, Graph& graph) {
  const auto state = [](const States& states, uint64_t spi) {
    const auto found = states.find(spi);
    return found == states.end() ? absent : found->second;
  };
  States either = before;
  either.insert(after.begin(), after.end());
  for (const auto& [spi, unused] : either)
    if (state(before, spi) != state(after, spi)) graph[{state(before, spi), state(after, spi)}].insert(cause);
}

struct Graphs {
  Graph initiator, responder, child;

  void add(const std::vector<ike::IkeSaView>& before, const std::vector<ike::IkeSaView>& after,
           const std::string& cause) {
    add_changes(ike_states(before, true), ike_states(after, true), cause, initiator);
    add_changes(ike_states(before, false), ike_states(after, false), cause, responder);
    add_changes(child_states(before), child_states(after), cause, child);
  }

 private:
  static States ike_states(const std::vector<ike::IkeSaView>& views, bool initiator) {
    States states;
    for (const ike::IkeSaView& sa : views)
      if (sa.initiator == initiator && sa.initiator_spi != 0)
        states[initiator ? sa.initiator_spi : sa.responder_spi] = sa.state;
    return states;
  }
  static States child_states(const std::vector<ike::IkeSaView>& views) {
    States states;
    for (const ike::IkeSaView& sa : views)
      for (const ike::ChildSaView& child : sa.children) states[child.inbound_spi] = child.state;
    return states;
  }
};

void print(std::ostream& out, const char* title, const Graph& graph) {
  out << "\n## " << title << "\n\n```mermaid\nstateDiagram-v2\n";
  for (const auto& [edge, causes] : graph) {
    out << "  " << edge.first << " --> " << edge.second << ": ";
    const char* separator = "";
    for (const std::string& cause : causes) out << std::exchange(separator, ", ") << cause;
    out << "\n";
  }
  out << "```\n";
}

// Everything that can happen to a tunnel of two ends, from both.
void live(World& world, ike::IkeVersion version) {
  Random& random = world.random();
  world.version = version;
  const bool aggressive = version == ike::IkeVersion::v1 && random.below(3) == 0;
  world.network = {.loss = 0.1, .duplication = 0.1, .shortest = 5ms, .longest = 200ms};
  for (Node* node : {&world.b, &world.a}) {
    ike::Connection connection = connection_of(world, *node);
    connection.aggressive = aggressive;
    if (random.below(2) == 0) connection.start = ike::StartMode::start;
    world.step(*node, ike::SetConnection{std::move(connection)});
  }
  world.traffic = 100ms;
  for (int round = 0; round < 8; ++round) {
    world.run_for(1ms * static_cast<int>(random.below(6000)));
    Node& node = random.below(2) == 0 ? world.a : world.b;
    const auto& installed = node.data_path->installed();
    using Kind = ike::ChildSaEvent::Kind;
    switch (random.below(8)) {
      case 0:
        world.step(node, ike::Terminate{tunnel});
        break;
      case 1:
        world.step(node, ike::Initiate{tunnel});
        break;
      case 2:
        world.step(node, ike::RekeyIke{tunnel});
        break;
      case 3:
        if (!installed.empty())
          world.step(node, ike::ChildSaEvent{installed.begin()->first,
                                             random.below(2) == 0 ? Kind::soft_expired : Kind::hard_expired});
        break;
      case 4:
        world.filter = [](const Node&, ByteView) { return false; };
        world.run_for(90s);
        world.filter = nullptr;
        break;
      default:
        world.step(node, ike::RekeyChild{tunnel});
    }
  }
}

Graphs observed(ike::IkeVersion version) {
  Graphs graphs;
  for_seeds(300, [&](World& world) {
    world.observe = [&](const ike::Event& event, const auto& before, const auto& after) {
      graphs.add(before, after, std::visit([](const auto& each) { return text_of(each); }, event));
    };
    live(world, version);
  });
  return graphs;
}

std::string document() {
  const Graphs v2 = observed(ike::IkeVersion::v2), v1 = observed(ike::IkeVersion::v1);
  std::ostringstream out;
  out << "# IKE: the states of SAs\n\n"
         "What `show ike-sa` and `show child-sa` call a state, and each change of it that two engines went through in "
         "the\n"
         "simulator (300 seeds, 10 % loss), with its causes. `script/state-diagrams` writes this file;\n"
         "`script/test seeds` sees that it is up to date.\n";
  print(out, "An IKE SA that this end initiated", v2.initiator);
  print(out, "An IKE SA that the peer initiated", v2.responder);
  print(out, "A child SA", v2.child);
  print(out, "IKEv1: an ISAKMP SA that this end initiated", v1.initiator);
  print(out, "IKEv1: an ISAKMP SA that the peer initiated", v1.responder);
  print(out, "IKEv1: a child SA", v1.child);
  return out.str();
}

TEST_CASE("the diagrams of docs/ike-states.md are what happens", "[.][states]") {
  const std::string now = document();
  if (const char* file = std::getenv("SEKISHO_STATE_DIAGRAMS")) {
    CHECK((std::ofstream(file) << now << std::flush).good());
    return;
  }
  std::ifstream file(STATE_DIAGRAMS);
  std::stringstream written;
  written << file.rdbuf();
  INFO("script/state-diagrams writes it anew");
  CHECK(written.str() == now);
}

}  // namespace
}  // namespace sekisho::sim
