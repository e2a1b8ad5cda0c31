#include "tests/unit/control/ike/samples.h"

#include "control/ike/suite/keys.h"
#include "control/ike/suite/proposals.h"

namespace sekisho::ike {
namespace {

using namespace wire;

constexpr uint64_t spi_i = 0x1122334455667788, spi_r = 0x99aabbccddeeff01;

std::vector<IkeProposal> ike_proposals() {
  std::vector<IkeProposal> proposals;
  for (const auto* text : {"aes128gcm16-prfsha256-x25519", "aes256-sha256-modp2048", "aes256-sha1-modp1024"})
    proposals.push_back(IkeProposal::parse(text).value());
  return proposals;
}

std::vector<EspProposal> esp_proposals() {
  std::vector<EspProposal> proposals;
  for (const auto* text : {"aes128gcm16-x25519-esn", "aes256-sha256-modp2048", "aes128-sha1"})
    proposals.push_back(EspProposal::parse(text).value());
  return proposals;
}

std::vector<TrafficSelector> selectors(const char* prefix) {
  TrafficSelector http = TrafficSelector::from_prefix(Prefix::parse(prefix).value());
  http.protocol = 6;
  http.first_port = http.last_port = 80;
  return {http, TrafficSelector::from_prefix(Prefix::parse(prefix).value()),
          TrafficSelector::from_prefix(Prefix::parse("2001:db8::/32").value())};
}

Message init_request() {
  const Endpoint endpoint{IpAddress::parse("10.9.1.1").value(), 500};
  return {{spi_i, 0, ExchangeType::ike_sa_init, true, false, 0},
          {Notify{NotifyType::cookie, Protocol::none, {}, counting(20)}, suite::offer_ike(ike_proposals(), {}),
           KeyExchange{crypto::KeyExchangeId::x25519, counting(32)}, Nonce{counting(32)},
           suite::nat_detection(NotifyType::nat_detection_source_ip, spi_i, 0, endpoint),
           suite::nat_detection(NotifyType::nat_detection_destination_ip, spi_i, 0, endpoint),
           Notify{NotifyType::fragmentation_supported, Protocol::none, {}, {}}, VendorId{counting(16)}}};
}

Message auth_request() {
  return {{spi_i, spi_r, ExchangeType::ike_auth, true, false, 1},
          {IdInitiator{Identity::parse("a.lab").value()}, IdResponder{Identity::parse("10.9.2.2").value()},
           Opaque{PayloadType::certificate_request, counting(21)}, Authentication{AuthMethod::shared_key, counting(32)},
           suite::offer_esp(esp_proposals(), 0xc0ffee01, suite::ChildOrigin::ike_auth),
           TrafficSelectorsInitiator{selectors("10.1.0.0/16")}, TrafficSelectorsResponder{selectors("10.2.0.0/16")},
           Notify{NotifyType::initial_contact, Protocol::none, {}, {}}}};
}

Message child_rekey() {
  return {{spi_i, spi_r, ExchangeType::create_child_sa, false, false, 7},
          {Notify{NotifyType::rekey_sa, Protocol::esp, counting(4, 1), {}},
           suite::offer_esp(esp_proposals(), 0xc0ffee02, suite::ChildOrigin::create_child_sa), Nonce{counting(32)},
           KeyExchange{crypto::KeyExchangeId::ecp256, counting(64)},
           TrafficSelectorsInitiator{selectors("10.1.0.0/16")}, TrafficSelectorsResponder{selectors("10.2.0.0/16")}}};
}

Message ike_rekey() {
  return {{spi_i, spi_r, ExchangeType::create_child_sa, true, true, 8},
          {suite::offer_ike(ike_proposals(), 0x0102030405060708), Nonce{counting(256)},
           KeyExchange{crypto::KeyExchangeId::modp2048, counting(256)}}};
}

Message informational() {
  return {{spi_i, spi_r, ExchangeType::informational, true, false, 9},
          {Delete{Protocol::esp, {0xc0ffee01, 0xc0ffee02}}, Delete{Protocol::ike, {}},
           Notify{NotifyType{40000}, Protocol::none, {}, counting(3)}, Unknown{PayloadType{200}, true, counting(5)}}};
}

Message keep_alive() { return {{spi_i, spi_r, ExchangeType::informational, false, true, 10}, {}}; }

}  // namespace

std::vector<Message> sample_messages() {
  return {init_request(), auth_request(), child_rekey(), ike_rekey(), informational(), keep_alive()};
}

}  // namespace sekisho::ike
