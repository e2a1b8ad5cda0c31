#include "control/ike/v2/child_negotiation.h"

#include <algorithm>
#include <iterator>
#include <tuple>

#include "base/messages/ike.h"

namespace sekisho::ike::v2 {
namespace {

// A peer may offer hundreds.
constexpr size_t longest_text = 400;

// After NO_ADDITIONAL_SAS or SINGLE_PAIR_REQUIRED: the peer's limits or configuration have to change first.
constexpr Duration long_patience = std::chrono::minutes(5);

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

suite::Selectors configured(const ChildDefinition& definition) {
  return {definition.local_selectors, definition.remote_selectors};
}

void report_refusal(Context& context, const IkeSa& sa, const ChildDefinition& asked, const wire::Payloads& answer) {
  const auto report = [&](const Message& message, const std::string& detail, std::optional<Mismatch> mismatch = {}) {
    context.report(message, sa.name(), asked.name + ": " + detail, std::move(mismatch));
  };
  if (wire::find_notify(answer, wire::NotifyType::no_proposal_chosen))
    return report(messages::child_no_proposal,
                  "peer answered NO_PROPOSAL_CHOSEN; offered here: " + suite::text(asked.esp_proposals),
                  suite::mismatch({}, asked.esp_proposals));
  if (wire::find_notify(answer, wire::NotifyType::ts_unacceptable))
    return report(messages::ike_ts_unacceptable,
                  "peer answered TS_UNACCEPTABLE; offered here: " + text(configured(asked)),
                  suite::mismatch({}, configured(asked)));
  if (wire::find_notify(answer, wire::NotifyType::single_pair_required))
    return report(messages::child_single_pair, "offered here: " + text(configured(asked)),
                  suite::mismatch({}, configured(asked)));
  if (wire::find_notify(answer, wire::NotifyType::no_additional_sas))
    return report(messages::child_no_additional, "peer " + sa.remote.text());
  std::string errors;
  for (const wire::Payload& payload : answer)
    if (const auto* error = std::get_if<wire::Notify>(&payload); error && wire::is_error(error->notify))
      errors += (errors.empty() ? "" : ", ") + wire::name(error->notify);
  report(messages::child_refused,
         errors.empty() ? "peer's answer has no child SA and no reason" : "peer answered " + errors);
}

// Best selectors first, then a proposal in common, then a child that there is not yet, then the configuration's order.
const ChildDefinition* best_fitting(const IkeSa& sa, const suite::Selectors& offered,
                                    const wire::SecurityAssociation& proposals, suite::ChildOrigin origin) {
  const auto rank = [&](const ChildDefinition& definition) {
    return std::tuple(suite::fit(offered, configured(definition)),
                      suite::select_esp(proposals, definition.esp_proposals, origin).has_value(),
                      !has_live_child(sa, definition.name));
  };
  return &*std::ranges::max_element(sa.connection->children, {}, rank);
}

// Whether a child that there is not yet could carry some of what was offered.
bool other_fits(const IkeSa& sa, const suite::Selectors& offered, const ChildDefinition& chosen) {
  return std::ranges::any_of(sa.connection->children, [&](const ChildDefinition& other) {
    return &other != &chosen && !has_live_child(sa, other.name) &&
           suite::fit(offered, configured(other)) != suite::Fit::none;
  });
}

}  // namespace

void add_child_offer(const ChildDefinition& definition, uint32_t inbound_spi, suite::ChildOrigin origin,
                     wire::Payloads& payloads) {
  payloads.push_back(suite::offer_esp(definition.esp_proposals, inbound_spi, origin));
  payloads.push_back(wire::TrafficSelectorsInitiator{definition.local_selectors});
  payloads.push_back(wire::TrafficSelectorsResponder{definition.remote_selectors});
}

std::expected<ResponderChoice, wire::NotifyType> choose_child(Context& context, const IkeSa& sa,
                                                              const wire::Payloads& request, suite::ChildOrigin origin,
                                                              const ChildDefinition* rekeyed) {
  const auto* offered = wire::find<wire::SecurityAssociation>(request);
  const auto* ts_initiator = wire::find<wire::TrafficSelectorsInitiator>(request);
  const auto* ts_responder = wire::find<wire::TrafficSelectorsResponder>(request);
  if (!offered || !ts_initiator || !ts_responder) return std::unexpected(wire::NotifyType::invalid_syntax);
  const suite::Selectors theirs{ts_responder->selectors, ts_initiator->selectors};
  const ChildDefinition& ours = rekeyed ? *rekeyed : *best_fitting(sa, theirs, *offered, origin);
  const auto chosen = suite::select_esp(*offered, ours.esp_proposals, origin);
  if (!chosen) {
    context.report(messages::child_no_proposal, sa.name(),
                   ours.name + ": " + suite::compare(*offered, ours.esp_proposals),
                   suite::mismatch(*offered, ours.esp_proposals));
    return std::unexpected(wire::NotifyType::no_proposal_chosen);
  }
  auto selectors = suite::narrow(theirs, configured(ours));
  if (!selectors) {
    context.report(messages::ike_ts_unacceptable, sa.name(),
                   ours.name + ": peer offers " + text(theirs) + "; configured: " + text(configured(ours)),
                   suite::mismatch(theirs, configured(ours)));
    return std::unexpected(wire::NotifyType::ts_unacceptable);
  }
  bool more_possible = other_fits(sa, theirs, ours);
  if (suite::cut_to_limit(*selectors)) {
    more_possible = true;
    context.report(messages::child_selectors_cut, sa.name(),
                   ours.name + ": peer offers " + text(theirs) + "; taken: " + text(*selectors));
  }
  return ResponderChoice{&ours, {*chosen, std::move(*selectors)}, more_possible};
}

void add_child_answer(const ResponderChoice& choice, uint32_t inbound_spi, wire::Payloads exchanged,
                      wire::Payloads& payloads) {
  payloads.push_back(suite::answer_esp(choice.choice.chosen, inbound_spi));
  std::ranges::move(exchanged, std::back_inserter(payloads));
  payloads.push_back(wire::TrafficSelectorsInitiator{choice.choice.selectors.remote});
  payloads.push_back(wire::TrafficSelectorsResponder{choice.choice.selectors.local});
  if (choice.more_possible) payloads.push_back(notify(wire::NotifyType::additional_ts_possible));
}

ChildVerdict check_child_answer(Context& context, const IkeSa& sa, const ChildDefinition& asked,
                                const wire::Payloads& answer, suite::ChildOrigin origin) {
  const auto* chosen_by_peer = wire::find<wire::SecurityAssociation>(answer);
  if (!chosen_by_peer) {
    report_refusal(context, sa, asked, answer);
    return {ChildAnswer::refused, {}};
  }
  const auto chosen = suite::accept_esp(*chosen_by_peer, asked.esp_proposals, origin);
  if (!chosen) {
    context.report(
        messages::child_no_proposal, sa.name(),
        asked.name + ": the peer's answer is not one of ours: " + suite::compare(*chosen_by_peer, asked.esp_proposals),
        suite::mismatch(*chosen_by_peer, asked.esp_proposals));
    return {ChildAnswer::unacceptable, {}};
  }
  suite::Selectors selectors;
  if (const auto* ts = wire::find<wire::TrafficSelectorsInitiator>(answer)) selectors.local = ts->selectors;
  if (const auto* ts = wire::find<wire::TrafficSelectorsResponder>(answer)) selectors.remote = ts->selectors;
  if (!suite::acceptable(selectors, configured(asked))) {
    context.report(messages::ike_ts_unacceptable, sa.name(),
                   asked.name + ": peer chose " + text(selectors) + " out of " + text(configured(asked)),
                   suite::mismatch(selectors, configured(asked)));
    return {ChildAnswer::unacceptable, {}};
  }
  return {ChildAnswer::accepted, {*chosen, std::move(selectors)}};
}

Duration patience(const IkeSa& sa, const wire::Payloads& refusal) {
  const bool lasting = has_live_child(sa) && (wire::find_notify(refusal, wire::NotifyType::no_additional_sas) ||
                                              wire::find_notify(refusal, wire::NotifyType::single_pair_required));
  return lasting ? std::max(long_patience, sa.connection->retry_interval) : sa.connection->retry_interval;
}

}  // namespace sekisho::ike::v2
