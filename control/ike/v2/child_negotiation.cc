#include "control/ike/v2/child_negotiation.h"

#include <algorithm>
#include <iterator>

#include "base/messages/ike.h"

namespace sekisho::ike::v2 {
namespace {

// A peer may offer hundreds.
constexpr size_t longest_text = 400;

std::string text(const std::vector<TrafficSelector>& selectors) {
  std::string result;
  for (const TrafficSelector& selector : selectors) {
    if (result.size() > longest_text) return result + ", ...";
    result += (result.empty() ? "" : ", ") + selector.text();
  }
  return result.empty() ? "nothing" : result;
}

std::string text(const suite::Selectors& selectors) {
  return text(selectors.local) + " here to " + text(selectors.remote) + " there";
}

suite::Selectors configured(const Connection& connection) {
  return {connection.children.front().local_selectors, connection.children.front().remote_selectors};
}

void report_refusal(Context& context, const IkeSa& sa, const wire::Payloads& answer) {
  const Connection& connection = *sa.connection;
  if (wire::find_notify(answer, wire::NotifyType::no_proposal_chosen))
    return context.report(
        messages::child_no_proposal, sa.name(),
        "peer answered NO_PROPOSAL_CHOSEN; offered here: " + suite::text(connection.children.front().esp_proposals));
  if (wire::find_notify(answer, wire::NotifyType::ts_unacceptable))
    return context.report(messages::ike_ts_unacceptable, sa.name(),
                          "peer answered TS_UNACCEPTABLE; offered here: " + text(configured(connection)));
  std::string errors;
  for (const wire::Payload& payload : answer)
    if (const auto* error = std::get_if<wire::Notify>(&payload); error && wire::is_error(error->notify))
      errors += (errors.empty() ? "" : ", ") + wire::name(error->notify);
  context.report(messages::child_refused, sa.name(),
                 errors.empty() ? "peer's answer has no child SA and no reason" : "peer answered " + errors);
}

}  // namespace

void add_child_offer(const Connection& connection, uint32_t inbound_spi, suite::ChildOrigin origin,
                     wire::Payloads& payloads) {
  payloads.push_back(suite::offer_esp(connection.children.front().esp_proposals, inbound_spi, origin));
  payloads.push_back(wire::TrafficSelectorsInitiator{connection.children.front().local_selectors});
  payloads.push_back(wire::TrafficSelectorsResponder{connection.children.front().remote_selectors});
}

std::expected<ChildChoice, wire::NotifyType> choose_child(Context& context, const IkeSa& sa,
                                                          const wire::Payloads& request, suite::ChildOrigin origin) {
  const auto* offered = wire::find<wire::SecurityAssociation>(request);
  const auto* ts_initiator = wire::find<wire::TrafficSelectorsInitiator>(request);
  const auto* ts_responder = wire::find<wire::TrafficSelectorsResponder>(request);
  if (!offered || !ts_initiator || !ts_responder) return std::unexpected(wire::NotifyType::invalid_syntax);
  const Connection& connection = *sa.connection;
  const auto chosen = suite::select_esp(*offered, connection.children.front().esp_proposals, origin);
  if (!chosen) {
    context.report(messages::child_no_proposal, sa.name(),
                   suite::compare(*offered, connection.children.front().esp_proposals));
    return std::unexpected(wire::NotifyType::no_proposal_chosen);
  }
  const suite::Selectors theirs{ts_responder->selectors, ts_initiator->selectors};
  const auto selectors = suite::narrow(theirs, configured(connection));
  if (!selectors) {
    context.report(messages::ike_ts_unacceptable, sa.name(),
                   "peer offers " + text(theirs) + "; configured: " + text(configured(connection)));
    return std::unexpected(wire::NotifyType::ts_unacceptable);
  }
  return ChildChoice{*chosen, *selectors};
}

void add_child_answer(const ChildChoice& choice, uint32_t inbound_spi, wire::Payloads exchanged,
                      wire::Payloads& payloads) {
  payloads.push_back(suite::answer_esp(choice.chosen, inbound_spi));
  std::ranges::move(exchanged, std::back_inserter(payloads));
  payloads.push_back(wire::TrafficSelectorsInitiator{choice.selectors.remote});
  payloads.push_back(wire::TrafficSelectorsResponder{choice.selectors.local});
}

ChildVerdict check_child_answer(Context& context, const IkeSa& sa, const wire::Payloads& answer,
                                suite::ChildOrigin origin) {
  const auto* chosen_by_peer = wire::find<wire::SecurityAssociation>(answer);
  if (!chosen_by_peer) {
    report_refusal(context, sa, answer);
    return {ChildAnswer::refused, {}};
  }
  const Connection& connection = *sa.connection;
  const auto chosen = suite::accept_esp(*chosen_by_peer, connection.children.front().esp_proposals, origin);
  if (!chosen) {
    context.report(messages::child_no_proposal, sa.name(),
                   "the peer's answer is not one of ours: " +
                       suite::compare(*chosen_by_peer, connection.children.front().esp_proposals));
    return {ChildAnswer::unacceptable, {}};
  }
  suite::Selectors selectors;
  if (const auto* ts = wire::find<wire::TrafficSelectorsInitiator>(answer)) selectors.local = ts->selectors;
  if (const auto* ts = wire::find<wire::TrafficSelectorsResponder>(answer)) selectors.remote = ts->selectors;
  if (!suite::acceptable(selectors, configured(connection))) {
    context.report(messages::ike_ts_unacceptable, sa.name(),
                   "peer chose " + text(selectors) + " out of " + text(configured(connection)));
    return {ChildAnswer::unacceptable, {}};
  }
  return {ChildAnswer::accepted, {*chosen, std::move(selectors)}};
}

}  // namespace sekisho::ike::v2
