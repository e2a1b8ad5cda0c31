// What becomes of a connection of IKEv1 when its peer goes, comes from elsewhere, or its definition changes meanwhile.
#include <algorithm>
#include <catch2/catch.hpp>

#include "base/messages/ike.h"
#include "control/ike/v1/wire/message.h"
#include "tests/sim/world.h"

namespace sekisho::sim {
namespace {

namespace wire = ike::v1::wire;

ike::Connection connection_for(World& world, const Node& node) {
  world.version = ike::IkeVersion::v1;
  return connection_of(world, node);
}

void bring_up(World& world, const std::function<void(ike::Connection&)>& at_a = {},
              const std::function<void(ike::Connection&)>& at_b = {}) {
  ike::Connection a = connection_for(world, world.a), b = connection_for(world, world.b);
  if (at_a) at_a(a);
  if (at_b) at_b(b);
  world.step(world.b, ike::SetConnection{std::move(b)});
  world.step(world.a, ike::SetConnection{std::move(a)});
  if (!world.run_until([&] { return world.up(tunnel); }, 10s)) throw Violation("not up in time");
  world.run_for(1s);
}

bool opens_phase1(ByteView data) {
  const auto header = wire::decode_header(data);
  return header && header->responder_cookie == 0 && header->exchange != wire::ExchangeType::informational;
}

}  // namespace

TEST_CASE("v1: without probes it is a rekey that shows that the peer has started anew") {
  for_seeds(10, [](World& world) {
    bring_up(world, [](ike::Connection& connection) {
      connection.dpd_action = ike::DpdAction::none;
      connection.children.front().lifetime = 100s;
    });
    world.restart(world.b);
    world.step(world.b, ike::SetConnection{connection_for(world, world.b)});
    if (!world.run_until([&] { return world.up(tunnel); }, 150s)) throw Violation("the dead ISAKMP SA was kept");
  });
}

TEST_CASE("v1: an end that only responds does not begin, whatever runs out") {
  for_seeds(10, [](World& world) {
    bring_up(world, {}, [](ike::Connection& connection) {
      connection.dpd_action = ike::DpdAction::none;
      connection.children.front().lifetime = 200s;
      connection.ike_lifetime = 100s;
    });
    world.filter = [&](const Node& from, ByteView data) {
      if (&from == &world.b && opens_phase1(data)) throw Violation("it began");
      return true;
    };
    world.a.alive = false;
    world.run_for(400s);
    if (!world.b.data_path->installed().empty()) throw Violation("its child SA outlived its lifetime");
  });
}

TEST_CASE("v1: a rekey without an ISAKMP SA does not try again sooner than a failure lets it") {
  for_seeds(5, [](World& world) {
    bring_up(world, [](ike::Connection& connection) {
      connection.dpd_action = ike::DpdAction::none;
      connection.children.front().lifetime = 600s;
      connection.retransmission = {.first = 100ms, .factor = 1.0, .tries = 2};
      connection.retry_interval = 20s;
    });
    world.b.alive = false;
    unsigned begun = 0;
    world.filter = [&](const Node& from, ByteView data) {
      begun += &from == &world.a && opens_phase1(data);
      return true;
    };
    world.run_for(600s);
    // Rekeying began a tenth before the end, or up to a fifth earlier. Each attempt says its first word twice.
    if (begun < 2 || begun > 2 * 9) throw Violation(std::to_string(begun) + " first messages");
  });
}

TEST_CASE("v1: a peer that answers a quick mode by a delete does not have phase 1 over and over") {
  for_seeds(5, [](World& world) {
    bring_up(world, [](ike::Connection& connection) { connection.retry_interval = 20s; });
    world.filter = [&](const Node& from, ByteView data) {
      const auto header = wire::decode_header(data);
      return &from != &world.a || !header || header->exchange != wire::ExchangeType::quick_mode;
    };
    world.step(world.a,
               ike::ChildSaEvent{world.a.data_path->installed().begin()->first, ike::ChildSaEvent::Kind::hard_expired});
    world.run_for(100ms);
    unsigned begun = 0;
    world.filter = [&](const Node& from, ByteView data) {
      begun += &from == &world.a && opens_phase1(data);
      return true;
    };
    world.step(world.b, ike::Terminate{tunnel});
    world.run_for(15s);
    if (begun != 0) throw Violation("it began at once");
    world.run_for(15s);
    if (begun == 0) throw Violation("it did not begin again");
  });
}

TEST_CASE("v1: a child that the data path refuses is asked for again after a while") {
  for_seeds(5, [](World& world) {
    bring_up(world, [](ike::Connection& connection) { connection.retry_interval = 20s; });
    world.step(world.a,
               ike::ChildSaEvent{world.a.data_path->installed().begin()->first, ike::ChildSaEvent::Kind::refused});
    world.run_for(15s);
    if (!world.a.data_path->installed().empty()) throw Violation("at once");
    world.run_for(15s);
    if (!world.up(tunnel)) throw Violation("not again");
  });
}

TEST_CASE("v1: a tunnel that was taken down begins nothing in an ISAKMP SA that the peer made") {
  for_seeds(5, [](World& world) {
    bring_up(world, [](ike::Connection& connection) { connection.ike_lifetime = 30s; });
    world.step(world.a, ike::Terminate{tunnel});
    world.run_for(60s);
    unsigned begun = 0;
    std::map<uint32_t, unsigned> of_peer;  // messages of quick modes that it began
    world.filter = [&](const Node& from, ByteView data) {
      const auto header = wire::decode_header(data);
      const bool quick_mode = header && header->exchange == wire::ExchangeType::quick_mode;
      if (&from == &world.a) begun += opens_phase1(data) || (quick_mode && !of_peer.contains(header->message_id));
      // The first message comes, whose answer makes a child here; the last one, which confirms it, never does.
      return !quick_mode || &from == &world.a || ++of_peer[header->message_id] == 1;
    };
    world.step(world.b, ike::Initiate{tunnel});
    world.run_for(80s);
    if (of_peer.empty()) throw Violation("no quick mode");
    if (begun != 0) throw Violation("it began by itself");
  });
}

TEST_CASE("v1: a tunnel that was taken down and that the peer brings up is kept up again") {
  for_seeds(5, [](World& world) {
    bring_up(world);
    world.step(world.a, ike::Terminate{tunnel});
    world.run_for(60s);
    world.expect_nothing();
    world.step(world.b, ike::Initiate{tunnel});
    if (!world.run_until([&] { return world.up(tunnel); }, 10s)) throw Violation("not up again");
    world.run_for(1s);
    // A peer that forgets everything does not begin again.
    world.restart(world.b);
    world.step(world.b, ike::SetConnection{connection_for(world, world.b)});
    if (!world.run_until([&] { return world.up(tunnel); }, 120s)) throw Violation("it stays down");
  });
}

TEST_CASE("v1: a peer that comes from another address in a new ISAKMP SA has its children there") {
  for_seeds(10, [](World& world) {
    world.nat = IpAddress::parse("10.9.9.9");
    bring_up(world, {}, [](ike::Connection& connection) { connection.remote = *IpAddress::parse("0.0.0.0"); });
    const auto before = world.b.data_path->installed();
    world.nat = IpAddress::parse("10.9.9.10");
    world.step(world.a, ike::RekeyIke{tunnel});
    if (!world.run_until([&] { return world.up(tunnel); }, 2s)) throw Violation("its children are where it was");
    if (world.b.data_path->installed().begin()->first != before.begin()->first) throw Violation("another child");
  });
}

TEST_CASE("v1: where a NAT shows the peer's ESP, there it is, but only behind a NAT") {
  for (const bool nat : {true, false})
    for_seeds(3, [&](World& world) {
      if (nat) world.nat = IpAddress::parse("10.9.9.9");
      bring_up(world);
      const uint32_t spi = world.b.data_path->installed().begin()->first;
      const Endpoint elsewhere{*IpAddress::parse("10.9.9.9"), 31234};
      world.step(world.b, ike::PeerMoved{spi, elsewhere});
      const auto sas = world.b.engine->ike_sas();
      if ((world.b.data_path->find(spi)->remote == elsewhere) != nat) throw Violation("the child SA's remote");
      if ((sas.at(0).remote == elsewhere) != nat) throw Violation("the ISAKMP SA's remote");
    });
}

TEST_CASE("v1: what a peer began under a definition that is gone establishes nothing") {
  for (const bool removed : {true, false})
    for_seeds(5, [&](World& world) {
      const auto aggressive = [&](const Node& node) {
        ike::Connection connection = connection_for(world, node);
        connection.aggressive = true;
        return connection;
      };
      bool held = true;
      world.filter = [&](const Node& from, ByteView data) {
        const auto header = wire::decode_header(data);
        return &from == &world.b || !held || !header->encrypted;
      };
      world.step(world.b, ike::SetConnection{aggressive(world.b)});
      world.step(world.a, ike::SetConnection{aggressive(world.a)});
      world.run_for(1s);
      if (removed) {
        world.step(world.b, ike::RemoveConnection{tunnel});
      } else {
        ike::Connection changed = aggressive(world.b);
        changed.psk = std::make_shared<const SecretBytes>(SecretBytes::copy_of(as_bytes("sardine")));
        world.step(world.b, ike::SetConnection{std::move(changed)});
      }
      held = false;
      world.run_for(20s);
      if (world.b.count(messages::ike_established) != 0) throw Violation("established under what was revoked");
    });
}

}  // namespace sekisho::sim
