#include "control/ike/suite/proposals.h"
#include "control/ike/suite/selectors.h"
#include "control/ike/wire/message.h"
#include "tests/fuzz/require.h"
#include "tests/fuzz/targets.h"

namespace sekisho::fuzz {
namespace {

using namespace ike;

const std::vector<IkeProposal>& ike_proposals() {
  static const std::vector<IkeProposal> list = {IkeProposal::parse("aes128gcm16-prfsha256-x25519").value(),
                                                IkeProposal::parse("aes256-sha1-modp1024").value()};
  return list;
}

const std::vector<EspProposal>& esp_proposals() {
  static const std::vector<EspProposal> list = {EspProposal::parse("aes128gcm16-x25519-esn").value(),
                                                EspProposal::parse("aes128-sha1").value()};
  return list;
}

// Negotiation with whatever was decoded: it may refuse, but what it chooses must be what we have.
void negotiate(const wire::Payloads& payloads) {
  if (const auto* sa = wire::find<wire::SecurityAssociation>(payloads)) {
    suite::compare(*sa, ike_proposals());
    if (const auto chosen = suite::select_ike(*sa, ike_proposals()))
      require(suite::accept_ike(suite::answer_ike(*chosen, {}), ike_proposals()).has_value(), "IKE answer is an offer");
    const auto origin = suite::ChildOrigin::create_child_sa;
    if (const auto chosen = suite::select_esp(*sa, esp_proposals(), origin))
      require(suite::accept_esp(suite::answer_esp(*chosen, 256), esp_proposals(), origin).has_value(),
              "ESP answer is an offer");
  }
  const auto* initiator = wire::find<wire::TrafficSelectorsInitiator>(payloads);
  const auto* responder = wire::find<wire::TrafficSelectorsResponder>(payloads);
  if (initiator == nullptr || responder == nullptr) return;
  const suite::Selectors offered{responder->selectors, initiator->selectors};
  const TrafficSelector all = TrafficSelector::from_prefix(Prefix::parse("0.0.0.0/0").value());
  if (const auto chosen = suite::narrow(offered, {{all}, {all}}))
    require(suite::acceptable(*chosen, offered), "what is narrowed lies within the offer");
}

// Traffic selectors of unknown types only: a list that the engine refuses and never sends.
bool left_out_all_selectors(const wire::Payloads& payloads) {
  const auto* initiator = wire::find<wire::TrafficSelectorsInitiator>(payloads);
  const auto* responder = wire::find<wire::TrafficSelectorsResponder>(payloads);
  return (initiator != nullptr && initiator->selectors.empty()) ||
         (responder != nullptr && responder->selectors.empty());
}

}  // namespace

bool ike_decode(ByteView datagram) {
  const auto message = wire::decode(datagram);
  if (!message) {
    require(!message.error().reason.empty(), "a refusal has a reason");
    return false;
  }
  require(wire::decode_header(datagram).has_value(), "a message has a header");
  require(message->payloads.size() <= wire::max_payloads, "payloads are bounded");
  require(wire::describe(message->header, message->payloads).size() < 4096, "a description is a line");
  negotiate(message->payloads);
  if (const auto* encrypted = wire::find<wire::Encrypted>(message->payloads)) {
    require(encrypted->header_length + encrypted->body.size() == datagram.size(), "SK reaches the end");
    wire::decode_payloads(encrypted->first, encrypted->body);
    return true;
  }
  if (const auto* fragment = wire::find<wire::EncryptedFragment>(message->payloads)) {
    require(fragment->number >= 1 && fragment->number <= fragment->total, "a fragment is one of its total");
    require(fragment->sealed.header_length + fragment->sealed.body.size() == datagram.size(), "SKF reaches the end");
    return true;
  }
  if (left_out_all_selectors(message->payloads)) return true;
  // What was understood survives being sent on. (What was not, reserved bits and unknown attributes, is left out.)
  const Bytes once = wire::encode(*message);
  const auto again = wire::decode(once);
  require(again.has_value() && again->payloads.size() == message->payloads.size(), "what is encoded decodes");
  require(wire::encode(*again) == once, "encoding is stable");
  return true;
}

}  // namespace sekisho::fuzz
