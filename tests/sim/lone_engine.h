// One engine without a network: a test hands it each event, and finds what it said and did. Nothing is lost, and no
// time passes but by pass().
#pragma once

#include <deque>
#include <optional>

#include "tests/sim/data_path.h"

namespace sekisho::sim {

using namespace std::chrono_literals;

class LoneEngine {
 public:
  explicit LoneEngine(ike::Connection connection, ike::EngineOptions options = {});

  void step(ike::Event event);
  void pass(Duration duration);

  // From the peer to the engine.
  void deliver(Bytes datagram) { deliver(std::move(datagram), remote); }
  void deliver(Bytes datagram, const Endpoint& from) { step(ike::DatagramReceived{local, from, std::move(datagram)}); }
  // From the engine to the peer, in the order of sending; throws where there is nothing.
  ike::SendDatagram take();
  bool silent() const { return outbox.empty(); }

  size_t reports(const Message& message) const;
  size_t ike_sas() const { return engine->ike_sas().size(); }

  ike::Connection connection;
  std::set<Bytes> outbound_keys;
  SeededRandom random{7};
  DataPath data_path{random, outbound_keys};
  std::unique_ptr<ike::Engine> engine;
  Instant now{};
  std::deque<ike::SendDatagram> outbox;
  std::vector<ike::Report> reported;
  Endpoint local, remote;  // as the engine sees them
};

}  // namespace sekisho::sim
