// Classes of faults that IKE daemons have had, each tried systematically: a payload that is missing, an identity that
// is too short, selectors that are freed twice, a rekey of another protocol's SA, what nobody has authenticated.
#include <catch2/catch.hpp>
#include <functional>

#include "tests/sim/stage.h"

namespace sekisho::sim {
namespace {

using namespace ike::wire;

// The payloads of `all` whose bits are set.
Payloads subset(const Payloads& all, size_t bits) {
  Payloads chosen;
  for (size_t i = 0; i < all.size(); ++i)
    if ((bits >> i & 1) != 0) chosen.push_back(all[i]);
  return chosen;
}

// `say` gets each subset of `all` but the whole, each before an engine of its own.
template <typename Say>
void for_each_subset(Stage stage, const std::function<Payloads(Puppet&)>& all, Say say) {
  const size_t count = [&] {
    PuppetAt puppet(stage);
    return all(puppet).size();
  }();
  for (size_t bits = 0; bits + 1 < size_t{1} << count; ++bits) {
    CAPTURE(static_cast<int>(stage), bits);
    PuppetAt puppet(stage);
    say(puppet, subset(all(puppet), bits));
  }
}

// The engine still answers, and forgets everything when told to.
void expect_sound(Puppet& puppet) {
  puppet.outbox.clear();
  puppet.step(ike::RemoveConnection{"tunnel"});
  puppet.pass(600s);
  CHECK(puppet.ike_sas() == 0);
  CHECK(puppet.data_path.installed().empty());
  CHECK(puppet.data_path.reserved() == 0);
}

Payloads child_rekey(Puppet& puppet) { return puppet.child_request(0xb0b00002, Puppet::own_spi, filled(32, 1)); }
Payloads ike_rekey(Puppet& puppet) { return puppet.rekey_request(0xb0b0b0b0b0b00003, filled(32, 1)); }
Payloads child_answer(Puppet& puppet) { return puppet.child_answer(0xb0b00002, filled(32, 1)); }

}  // namespace

TEST_CASE("IKE_SA_INIT without one payload or several") {
  const auto request = [](Puppet& puppet) {
    return decode(puppet.init_request(crypto::KeyExchangeId::x25519)).value().payloads;
  };
  for (const Stage stage : {Stage::idle, Stage::cookies, Stage::init_sent, Stage::auth_sent})
    for_each_subset(stage, request, [](Puppet& puppet, const Payloads& payloads) {
      puppet.deliver(
          encode({.initiator_spi = 1, .exchange = ExchangeType::ike_sa_init, .from_initiator = true}, payloads));
      CHECK(puppet.data_path.installed().empty());
      expect_sound(puppet);
    });
  for_each_subset(Stage::init_sent, request, [](Puppet& puppet, const Payloads& payloads) {
    const uint64_t spi = puppet.engine->ike_sas().at(0).initiator_spi;
    puppet.deliver(encode({spi, Puppet::default_spi, ExchangeType::ike_sa_init, false, true, 0}, payloads));
    CHECK(puppet.engine->ike_sas().at(0).state == "connecting");
    expect_sound(puppet);
  });
}

TEST_CASE("IKE_AUTH without one payload or several") {
  for_each_subset(
      Stage::init_answered, [](Puppet& puppet) { return puppet.auth_request(); },
      [](Puppet& puppet, const Payloads& payloads) {
        puppet.deliver(puppet.sealed(puppet.session, ExchangeType::ike_auth, false, 1, payloads));
        CHECK(puppet.data_path.installed().empty());
        expect_sound(puppet);
      });
  const auto answer = [](Puppet& puppet) {
    Payloads payloads = puppet.auth_request();
    payloads[0] = IdResponder{puppet.connection.remote_id};
    return payloads;
  };
  for_each_subset(Stage::auth_sent, answer, [](Puppet& puppet, const Payloads& payloads) {
    puppet.deliver(puppet.sealed(puppet.session, ExchangeType::ike_auth, true, 1, payloads));
    CHECK(puppet.data_path.installed().empty());
    expect_sound(puppet);
  });
}

TEST_CASE("requests of CREATE_CHILD_SA and INFORMATIONAL without one payload or several, in every state") {
  for (const Stage stage : stages) {
    if (!authenticated(stage)) continue;
    for (const auto& all : {child_rekey, ike_rekey})
      for (const auto exchange : {ExchangeType::create_child_sa, ExchangeType::informational, ExchangeType::ike_auth})
        for_each_subset(stage, all, [exchange](Puppet& puppet, const Payloads& payloads) {
          // Without REKEY_SA, TSi and TSr are all that a new child SA needs besides SA and Ni.
          const bool whole = find<SecurityAssociation>(payloads) && find<Nonce>(payloads) &&
                             find<TrafficSelectorsInitiator>(payloads) && find<TrafficSelectorsResponder>(payloads);
          const size_t before = puppet.data_path.installed().size();
          puppet.deliver(puppet.sealed(puppet.session, exchange, false, puppet.session.next_request++, payloads));
          if (!whole) CHECK(puppet.data_path.installed().size() == before);
          expect_sound(puppet);
        });
  }
}

TEST_CASE("answers to a rekey without one payload or several") {
  const auto answer = [](Puppet& puppet, const Payloads& payloads) {
    const IkeMessage request = puppet.receive();
    puppet.answer(request, payloads);
    CHECK(puppet.data_path.installed().size() <= 1);
    expect_sound(puppet);
  };
  for_each_subset(Stage::rekeying_child, child_answer, answer);
  for_each_subset(Stage::rekeying_ike, ike_rekey, answer);
}

TEST_CASE("an identity that is shorter than its fixed part") {
  for (const auto type : {PayloadType::id_initiator, PayloadType::id_responder})
    for (size_t length = 0; length < 4; ++length) {
      PuppetAt puppet(Stage::init_answered);
      Payloads payloads = puppet.auth_request();
      payloads.push_back(Unknown{type, false, filled(length, 2)});
      if (type == PayloadType::id_initiator) payloads.erase(payloads.begin());
      puppet.deliver(puppet.sealed(puppet.session, ExchangeType::ike_auth, false, 1, payloads));
      CHECK(puppet.silent());
      CHECK(puppet.data_path.installed().empty());
      expect_sound(puppet);
    }
}

TEST_CASE("selectors that are refused, repeated or of no known kind are given up once") {
  const auto twice = [](Payloads payloads) {
    payloads.push_back(*find<TrafficSelectorsInitiator>(payloads));
    return payloads;
  };
  const auto foreign = [](Payloads payloads) {
    std::erase_if(payloads, [](const Payload& p) { return std::holds_alternative<TrafficSelectorsInitiator>(p); });
    payloads.push_back(TrafficSelectorsInitiator{{TrafficSelector::from_prefix(*Prefix::parse("192.0.2.0/24"))}});
    return payloads;
  };
  const auto unknown = [](Payloads payloads) {
    std::erase_if(payloads, [](const Payload& p) { return std::holds_alternative<TrafficSelectorsResponder>(p); });
    payloads.push_back(Unknown{PayloadType::traffic_selectors_responder, false, {1, 0, 0, 0, 9, 0, 0, 8, 0, 0, 0, 0}});
    return payloads;
  };
  for (const std::function<Payloads(Payloads)>& spoil :
       {std::function(twice), std::function(foreign), std::function(unknown)}) {
    PuppetAt puppet(Stage::established_as_responder);
    for (int again = 0; again < 3; ++again) {
      puppet.ask(ExchangeType::create_child_sa, spoil(child_rekey(puppet)));
      CHECK(puppet.data_path.installed().size() == 1);
      CHECK(puppet.data_path.reserved() == 0);
    }
    puppet.ask(ExchangeType::create_child_sa, child_rekey(puppet));
    CHECK(puppet.data_path.installed().size() == 2);
    expect_sound(puppet);
  }
}

TEST_CASE("a rekey of another protocol's SA replaces nothing") {
  for (const auto protocol : {Protocol::ah, Protocol::ike, Protocol::none, Protocol{9}})
    for (const bool in_notify : {true, false}) {
      CAPTURE(static_cast<int>(protocol), in_notify);
      PuppetAt puppet(Stage::established_as_responder);
      Payloads payloads = child_rekey(puppet);
      auto& rekeyed = std::get<Notify>(payloads[0]);
      if (in_notify)
        rekeyed.protocol = protocol;
      else
        std::get<SecurityAssociation>(payloads[1]).proposals[0].protocol = protocol;
      if (in_notify && protocol == Protocol::ike) rekeyed.spi = filled(8, 0xb0);
      if (in_notify && protocol == Protocol::none) rekeyed.spi.clear();
      puppet.deliver(
          puppet.sealed(puppet.session, ExchangeType::create_child_sa, false, puppet.session.next_request++, payloads));
      CHECK(position(puppet).children == std::vector{puppet.engine_spi});
      CHECK(puppet.data_path.sends_on("tunnel")->inbound_spi == puppet.engine_spi);
      expect_sound(puppet);
    }
}

TEST_CASE("no delete and no notify that is not authenticated is acted on, in any state") {
  for (const Stage stage : stages) {
    if (!authenticated(stage)) continue;
    PuppetAt puppet(stage);
    puppet.outbox.clear();
    const Position before = position(puppet);
    // In clear, and sealed with keys that are not the SA's.
    PuppetAt stranger(Stage::established_as_responder);
    const auto say = [&](const Payloads& payloads) {
      for (const auto exchange : {ExchangeType::ike_auth, ExchangeType::create_child_sa, ExchangeType::informational})
        for (const bool response : {false, true})
          for (uint32_t id = 0; id < 3; ++id) {
            const Header header{
                puppet.session.spi_i, puppet.session.spi_r, exchange, puppet.session.initiator, response, id};
            puppet.deliver(encode(header, payloads));
            puppet.deliver(protect(header, payloads, *stranger.session.sealing, puppet.random));
          }
    };
    say({delete_ike()});
    say({delete_child(Puppet::own_spi)});
    for (const uint16_t range : {0, 16384, 40960})
      for (uint16_t type = range; type < range + 64; ++type) say({notify(NotifyType{type}, filled(type % 3, 0))});
    CAPTURE(static_cast<int>(stage));
    CHECK(position(puppet) == before);
    CHECK(puppet.silent());
    expect_sound(puppet);
  }
}

}  // namespace sekisho::sim
