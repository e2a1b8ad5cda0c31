#include "control/ike/v1/suite/identities.h"
#include "control/ike/v1/suite/proposals.h"
#include "control/ike/v1/wire/message.h"
#include "tests/fuzz/require.h"
#include "tests/fuzz/targets.h"

namespace sekisho::fuzz {
namespace {

using namespace ike;
using namespace ike::v1;

template <typename Proposal>
const std::vector<Proposal>& proposals(std::initializer_list<const char*> texts) {
  static const std::vector<Proposal> list = [&] {
    std::vector<Proposal> parsed;
    for (const char* text : texts) parsed.push_back(Proposal::parse(text).value());
    return parsed;
  }();
  return list;
}

// Negotiation with whatever was decoded: it may refuse, but what it chooses must be what we have.
void negotiate(const v1::wire::Payloads& payloads) {
  const auto& ike = proposals<IkeProposal>({"aes128-sha1-modp1024", "3des-sha1-modp1536"});
  const auto& esp = proposals<EspProposal>({"aes128-sha1-modp1024", "aes256gcm16-modp1024"});
  if (const auto* sa = v1::wire::find<v1::wire::SecurityAssociation>(payloads)) {
    const auto authentication = v1::wire::IkeAuthentication::pre_shared_key;
    require(v1::suite::text(v1::suite::mismatch(*sa, ike, authentication)).size() < 4096, "a comparison is a line");
    require(v1::suite::text(v1::suite::mismatch(*sa, esp, v1::suite::Surroundings{})).size() < 4096,
            "a comparison is a line");
    if (const auto chosen = v1::suite::select_ike(*sa, ike, authentication))
      require(v1::suite::accept_ike(chosen->answer, ike, authentication).has_value(), "IKE answer is an offer");
    for (const bool udp : {false, true}) {
      const v1::suite::Surroundings surroundings{.key_exchange = true, .udp_encapsulation = udp};
      if (const auto chosen = v1::suite::select_esp(*sa, esp, surroundings))
        require(v1::suite::accept_esp(v1::suite::answer_esp(*chosen, 256), esp, surroundings).has_value(),
                "ESP answer is an offer");
    }
  }
  for (const auto* id : v1::wire::all<v1::wire::Identification>(payloads)) {
    v1::suite::decode_identity(*id).text();
    if (const auto selector = v1::suite::decode_selector(*id))
      require(selector->first.family() == selector->last.family() && selector->first <= selector->last,
              "a selector is a range");
  }
  if (const auto* notify = v1::wire::find<v1::wire::Notification>(payloads)) v1::suite::decode_lifetime(notify->data);
}

// What was understood survives being sent on; reserved bytes are left out.
void send_on(const v1::wire::Payloads& payloads) {
  const Bytes once = v1::wire::encode_payloads(payloads);
  const auto again = v1::wire::decode_payloads(v1::wire::first_type(payloads), once);
  require(again.has_value() && again->payloads.size() == payloads.size(), "what is encoded decodes");
  require(v1::wire::encode_payloads(again->payloads) == once, "encoding is stable");
}

}  // namespace

bool ike_v1_decode(ByteView datagram) {
  const auto header = v1::wire::decode_header(datagram);
  if (!header) {
    require(!header.error().reason.empty(), "a refusal has a reason");
    require(!v1::wire::decode(datagram).has_value(), "no message without a header");
    return false;
  }
  const ByteView body = datagram.subspan(v1::wire::header_length);
  const auto chain = v1::wire::decode_payloads(header->first, body);
  require(header->encrypted || !chain || chain->length != body.size() || v1::wire::decode(datagram).has_value(),
          "a clear message is its chain");
  if (!chain) return false;
  require(chain->payloads.size() <= v1::wire::max_payloads, "payloads are bounded");
  require(chain->behind_first <= chain->length && chain->length <= body.size(), "the chain is within the message");
  require(v1::wire::describe(*header, chain->payloads).size() < 4096, "a description is a line");
  negotiate(chain->payloads);
  send_on(chain->payloads);
  return true;
}

}  // namespace sekisho::fuzz
