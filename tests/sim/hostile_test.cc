// A hostile network: real messages, recorded from the simulator, come back mutated. Nothing crashes, nothing is
// reported without end, and an established SA stays as it is.
#include <catch2/catch.hpp>

#include "tests/sim/world.h"

namespace sekisho::sim {
namespace {

Bytes mutate(World& world, const std::vector<World::Recorded>& corpus, Bytes data) {
  Random& random = world.random();
  for (uint64_t rounds = 1 + random.below(3); rounds > 0 && !data.empty(); --rounds) switch (random.below(6)) {
      case 0:  // a bit
        data[random.below(data.size())] ^= static_cast<uint8_t>(1U << random.below(8));
        break;
      case 1:  // a byte
        data[random.below(data.size())] = static_cast<uint8_t>(random.next_u32());
        break;
      case 2:  // the end is missing, and the header says so, or not
        data.resize(random.below(data.size() + 1));
        if (data.size() >= 28 && random.below(2) == 0)
          for (size_t i = 0; i < 4; ++i) data[24 + i] = static_cast<uint8_t>(data.size() >> (24 - 8 * i));
        break;
      case 3: {  // the head of one and the tail of another
        const Bytes& other = corpus[random.below(corpus.size())].datagram.data;
        const size_t cut = random.below(std::min(data.size(), other.size()) + 1);
        data.resize(cut);
        data.insert(data.end(), other.begin() + static_cast<ptrdiff_t>(cut), other.end());
        break;
      }
      case 4:  // a length that cannot be
        if (data.size() >= 32) data[28 + random.below(data.size() - 28)] = random.below(2) == 0 ? 0xff : 0;
        break;
      case 5:  // the SPIs, exchange, flags and id of another
        if (data.size() >= 28) {
          const Bytes& other = corpus[random.below(corpus.size())].datagram.data;
          std::copy_n(other.begin(), std::min<size_t>(24, other.size()), data.begin());
        }
        break;
    }
  return data;
}

// A corpus of everything that is ever said: handshakes with cookie and other group, rekeys, deletes, probes.
std::vector<World::Recorded> record_corpus(World& world) {
  world.record = true;
  auto at_a = connection_of(world, world.a), at_b = connection_of(world, world.b);
  at_a.ike_proposals.insert(at_a.ike_proposals.begin(), *ike::IkeProposal::parse("aes128gcm16-prfsha256-ecp256"));
  at_b.start = ike::StartMode::start;
  world.step(world.b, ike::SetConnection{std::move(at_b)});
  world.step(world.a, ike::SetConnection{std::move(at_a)});
  world.run_for(30s);
  for (Node* node : {&world.a, &world.b}) {
    world.step(*node, ike::RekeyChild{tunnel});
    world.run_for(2s);
    world.step(*node, ike::RekeyIke{tunnel});
    world.run_for(2s);
  }
  world.run_for(30s);
  world.record = false;
  return world.recorded;
}

TEST_CASE("mutated messages leave both ends alive and an established SA unmoved") {
  for_seeds(1, [](World& world) {
    const auto corpus = record_corpus(world);
    world.expect_settled(tunnel);
    const uint32_t spi = world.a.data_path->installed().begin()->first;
    const uint64_t ike_spi = world.a.engine->ike_sas()[0].initiator_spi;
    world.a.reports.clear();
    world.b.reports.clear();
    for (int i = 0; i < 100'000; ++i) {
      const World::Recorded& original = corpus[world.random().below(corpus.size())];
      ike::DatagramReceived datagram = original.datagram;
      datagram.data = mutate(world, corpus, std::move(datagram.data));
      if (world.random().below(4) == 0) datagram.remote.port = static_cast<uint16_t>(world.random().next_u32());
      Node& to = world.random().below(8) == 0 ? world.peer_of(*original.to) : *original.to;
      world.step(to, std::move(datagram));
      if (i % 50 == 0) world.run_for(100ms);
      for (const Node* node : {&world.a, &world.b})
        if (node->engine->ike_sas().size() > 64) throw Violation("memory grows without a limit");
    }
    for (const Node* node : {&world.a, &world.b})
      if (node->reports.size() > 1000) throw Violation("reports without a limit");
    world.settle(60s);
    world.expect_settled(tunnel);
    if (!world.a.data_path->find(spi) || world.a.engine->ike_sas()[0].initiator_spi != ike_spi)
      throw Violation("the established SA was moved");
  });
}

TEST_CASE("mutated messages do not keep a handshake from succeeding") {
  for_seeds(40, [](World& world) {
    world.record = true;
    world.step(world.b, ike::SetConnection{connection_of(world, world.b)});
    world.step(world.a, ike::SetConnection{connection_of(world, world.a)});
    for (int i = 0; i < 400; ++i) {
      world.run_for(1ms);
      const World::Recorded original = world.recorded[world.random().below(world.recorded.size())];
      ike::DatagramReceived datagram = original.datagram;
      datagram.data = mutate(world, world.recorded, std::move(datagram.data));
      world.step(*original.to, std::move(datagram));
    }
    world.record = false;
    world.settle(60s);
    world.expect_settled(tunnel);
  });
}

TEST_CASE("old messages that are sent again change nothing") {
  for_seeds(5, [](World& world) {
    const auto corpus = record_corpus(world);
    world.hitless = true;
    const IpAddress elsewhere = *IpAddress::parse("10.9.66.6");
    world.strangers = {elsewhere};  // has repeated answers sent there, few of them
    for (int i = 0; i < 5000; ++i) {
      const World::Recorded& original = corpus[world.random().below(corpus.size())];
      ike::DatagramReceived datagram = original.datagram;
      if (world.random().below(2) == 0) datagram.remote = {elsewhere, 4500};
      world.step(*original.to, std::move(datagram));
      if (i % 50 == 0) world.run_for(100ms);
    }
    world.settle(60s);
    world.expect_settled(tunnel);
    for (const Node* node : {&world.a, &world.b})
      if (node->engine->ike_sas()[0].remote.address != world.peer_of(*node).address)
        throw Violation("a replay moved the peer");
  });
}

}  // namespace
}  // namespace sekisho::sim
