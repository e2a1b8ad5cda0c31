// Somebody on the path of two engines that speak IKEv1: before each true message arrives one that is damaged,
// incomplete or made up. The tunnel comes up nevertheless, and what stands does not fall.
#include <catch2/catch.hpp>

#include "base/messages/ike.h"
#include "control/ike/v1/wire/message.h"
#include "tests/sim/world.h"

namespace sekisho::sim {
namespace {

namespace wire = ike::v1::wire;

void begin(World& world, bool aggressive = false) {
  world.version = ike::IkeVersion::v1;
  for (Node* node : {&world.b, &world.a}) {
    ike::Connection connection = connection_of(world, *node);
    connection.aggressive = aggressive;
    connection.children.front().esp_proposals = {*ike::EspProposal::parse("aes128gcm16-ecp256")};
    world.step(*node, ike::SetConnection{std::move(connection)});
  }
}

void inject(World& world, const Node& from, Bytes data) {
  Node& to = world.peer_of(from);
  world.step(to, ike::DatagramReceived{{to.address, 500}, {from.address, 500}, std::move(data)});
}

enum class True : uint8_t { follows, is_lost };
// Puts what `forge` makes of each message of the two before it, or in its place.
void forge(World& world, True truth, std::function<std::vector<Bytes>(ByteView)> forged) {
  auto busy = std::make_shared<bool>(false);
  world.filter = [&world, truth, busy, forged](const Node& from, ByteView data) {
    if (*busy) return true;
    *busy = true;
    for (Bytes& message : forged(data)) inject(world, from, std::move(message));
    *busy = false;
    return truth == True::follows;
  };
}

void demand_up(World& world) {
  if (!world.run_until([&] { return world.up(tunnel); }, 120s)) throw Violation("not up in time");
  world.settle(90s);
  world.expect_settled(tunnel);
}

Bytes clear(const wire::Header& header, const wire::Payloads& payloads) {
  wire::Header informational = header;
  informational.exchange = wire::ExchangeType::informational;
  informational.message_id = 0x1234567;
  return wire::encode(informational, payloads);
}

Bytes spi_bytes(uint32_t spi) {
  ByteWriter writer;
  writer.u32(spi);
  return std::move(writer).take();
}

}  // namespace

TEST_CASE("v1: a message that lacks any one of its payloads, in each state, breaks nothing") {
  for (const bool aggressive : {false, true})
    for_seeds(3, [&](World& world) {
      size_t count = 0;
      forge(world, True::follows, [&](ByteView data) {
        std::vector<Bytes> forged;
        const auto message = wire::decode(data);
        // A first message that is complete but for what is optional would be the one that counts.
        if (!message || message->header.responder_cookie == 0) return forged;
        for (size_t i = 0; i < message->payloads.size(); ++i) {
          if (std::holds_alternative<wire::VendorId>(message->payloads[i]) ||
              std::holds_alternative<wire::NatDetection>(message->payloads[i]))
            continue;
          wire::Payloads fewer = message->payloads;
          fewer.erase(fewer.begin() + static_cast<ptrdiff_t>(i));
          forged.push_back(wire::encode(message->header, fewer));
        }
        forged.push_back(wire::encode(message->header, {}));
        count += forged.size();
        return forged;
      });
      begin(world, aggressive);
      demand_up(world);
      if (count < (aggressive ? 6u : 5u)) throw Violation("hardly anything was forged");
    });
}

TEST_CASE("v1: an encrypted message that is damaged anywhere breaks nothing, so its hash is looked at") {
  for_seeds(5, [](World& world) {
    size_t count = 0;
    forge(world, True::follows, [&](ByteView data) {
      std::vector<Bytes> forged;
      const auto header = wire::decode_header(data);
      if (!header || !header->encrypted) return forged;
      for (size_t at = wire::header_length; at < data.size(); at += 5) {
        Bytes damaged(data.begin(), data.end());
        damaged[at] ^= 0x20;
        forged.push_back(std::move(damaged));
      }
      count += forged.size();
      return forged;
    });
    begin(world);
    // The identities' messages are among them, and whoever cannot read one says so, which is a hint and no more.
    demand_up(world);
    if (count < 20) throw Violation("hardly anything was forged");
  });
}

TEST_CASE("v1: an answer in aggressive mode with a wrong public value does not keep the true one out") {
  for_seeds(3, [](World& world) {
    size_t count = 0;
    forge(world, True::follows, [&](ByteView data) {
      std::vector<Bytes> forged;
      auto message = wire::decode(data);
      if (!message || message->header.responder_cookie == 0 ||
          message->header.exchange != wire::ExchangeType::aggressive)
        return forged;
      message->header.responder_cookie ^= 1;
      for (wire::Payload& payload : message->payloads)
        if (auto* key_exchange = std::get_if<wire::KeyExchange>(&payload)) key_exchange->data.resize(3);
      ++count;
      forged.push_back(wire::encode(message->header, message->payloads));
      return forged;
    });
    begin(world, true);
    demand_up(world);
    if (count == 0) throw Violation("nothing was forged");
  });
}

TEST_CASE("v1: the commit bit on every message is ignored") {
  for_seeds(3, [](World& world) {
    forge(world, True::is_lost, [](ByteView data) {
      Bytes flagged(data.begin(), data.end());
      flagged.at(19) |= 0x02;
      return std::vector<Bytes>{flagged};
    });
    begin(world);
    demand_up(world);
  });
}

TEST_CASE("v1: deletes and notifications in clear, or under a wrong hash, change nothing that stands") {
  for_seeds(5, [](World& world) {
    begin(world);
    demand_up(world);
    const auto sa = world.a.engine->ike_sas().at(0);
    const wire::Header header{.initiator_cookie = sa.initiator_spi, .responder_cookie = sa.responder_spi};
    ByteWriter cookies;
    cookies.u64(sa.initiator_spi);
    cookies.u64(sa.responder_spi);
    const Bytes both = std::move(cookies).take();
    const wire::Delete ike{wire::Protocol::isakmp, {both}};
    const wire::Delete child{wire::Protocol::esp, {spi_bytes(sa.children.at(0).outbound_spi)}};
    const wire::Notification contact{wire::Protocol::isakmp, wire::NotifyType::initial_contact, both, {}};
    const wire::Notification failed{wire::Protocol::isakmp, wire::NotifyType::authentication_failed, both, {}};
    for (const wire::Payloads& payloads :
         {wire::Payloads{ike}, wire::Payloads{child}, wire::Payloads{contact}, wire::Payloads{failed},
          wire::Payloads{wire::Hash{Bytes(32)}, ike}, wire::Payloads{wire::Hash{Bytes(32)}, child, contact}}) {
      const Bytes message = clear(header, payloads);
      inject(world, world.b, message);
      Bytes flagged = message;
      flagged.at(19) |= 0x01;
      flagged.resize(wire::header_length + (flagged.size() - wire::header_length) / 16 * 16);
      flagged.at(27) = static_cast<uint8_t>(flagged.size());
      flagged.at(26) = static_cast<uint8_t>(flagged.size() >> 8);
      inject(world, world.b, flagged);
    }
    world.expect_settled(tunnel);
    if (world.a.engine->ike_sas().at(0).initiator_spi != sa.initiator_spi) throw Violation("another ISAKMP SA");
  });
}

TEST_CASE("v1: an error in clear is a hint: the attempt goes on, and fails with its reason if nothing better comes") {
  for_seeds(3, [](World& world) {
    bool once = true;
    forge(world, True::follows, [&](ByteView data) {
      std::vector<Bytes> forged;
      const auto header = wire::decode_header(data);
      if (!once || !header || header->responder_cookie == 0) return forged;
      once = false;
      const wire::Notification refusal{wire::Protocol::isakmp, wire::NotifyType::no_proposal_chosen, {}, {}};
      forged.push_back(clear(*header, {refusal}));
      return forged;
    });
    begin(world);
    demand_up(world);
    if (world.a.count(messages::ike_unauthenticated_hint) == 0) throw Violation("the hint was not reported");
  });
}

}  // namespace sekisho::sim
