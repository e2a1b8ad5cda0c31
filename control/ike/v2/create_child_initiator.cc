#include <algorithm>

#include "base/messages/ike.h"
#include "control/ike/v2/child_negotiation.h"
#include "control/ike/v2/create_child_sa.h"
#include "control/ike/v2/informational.h"
#include "control/ike/v2/lifecycle.h"

namespace sekisho::ike::v2 {
namespace {

// A peer that is busy, or that refused a rekey, is asked again after so long at most.
constexpr Duration retry_time = std::chrono::seconds(2);

// A peer that has not had our answer by then has given up.
constexpr Duration confirmation_time = std::chrono::seconds(30);

class CreateChild final : public Task {
 public:
  CreateChild(std::string child, uint32_t replaces, std::optional<crypto::KeyExchangeId> group)
      : child_(std::move(child)), replaces_(replaces), group_(group) {}
  Kind kind() const override { return Kind::create_child; }
  wire::ExchangeType exchange() const override { return wire::ExchangeType::create_child_sa; }
  std::optional<wire::Payloads> request(Context& context, IkeSa& sa) override;
  void response(Context& context, IkeSa& sa, const wire::Payloads& payloads) override;
  void unreadable(Context& context, IkeSa& sa) override {
    if (sa.state == IkeState::established) delete_unwanted(sa);
    response(context, sa, {});
  }
  std::string_view new_child() const override { return replaces_ == 0 ? child_ : std::string_view(); }
  void abandon(Context& context, IkeSa&) override { release_spi(context); }

 private:
  void release_spi(Context& context) {
    if (inbound_spi_ != 0) context.environment.release_inbound_spi(inbound_spi_);
    inbound_spi_ = 0;
  }
  const ChildDefinition& definition(const IkeSa& sa) const { return sa.connection->child(child_); }
  bool still_wanted(IkeSa& sa);
  // What is being replaced, unless the peer has deleted it since.
  ChildSa* find_old(IkeSa& sa) const {
    ChildSa* old = replaces_ != 0 ? find_inbound(sa, replaces_) : nullptr;
    return old && old->state == ChildState::rekeying ? old : nullptr;
  }
  void install(Context& context, IkeSa& sa, const wire::Payloads& payloads, const ChildChoice& choice);
  void replace(Context& context, IkeSa& sa, const Bytes& nonce_r, const NegotiatedChild& negotiated);
  bool take_other_group(Context& context, IkeSa& sa, const wire::Notify& invalid_ke);
  void take_failure(Context& context, IkeSa& sa, const wire::Payloads& payloads);
  void delete_unwanted(IkeSa& sa) {
    enqueue_first(sa, delete_child_task(inbound_spi_, Installed::no));
    inbound_spi_ = 0;
  }

  std::string child_;
  uint32_t replaces_;
  std::optional<crypto::KeyExchangeId> group_;
  uint32_t inbound_spi_ = 0;
  Bytes nonce_;
  std::unique_ptr<crypto::KeyExchange> key_exchange_;
};

bool CreateChild::still_wanted(IkeSa& sa) {
  if (sa.state != IkeState::established) return false;
  if (replaces_ == 0) return !has_live_child(sa, child_);
  const ChildSa* old = find_inbound(sa, replaces_);
  return old && old->state == ChildState::installed;
}

std::optional<wire::Payloads> CreateChild::request(Context& context, IkeSa& sa) {
  if (ChildSa* old = find_inbound(sa, replaces_)) old->rekey_queued = false;
  if (!still_wanted(sa)) return {};
  const auto spi = context.environment.allocate_inbound_spi();
  if (!spi) {
    context.report(messages::sa_table_full, sa.name(), "no SPI for another child SA");
    if (replaces_ == 0) retry_child(context, sa.name(), child_, sa.connection->retry_interval);
    if (ChildSa* old = find_inbound(sa, replaces_)) old->rekey_at = context.now + sa.connection->retry_interval;
    return {};
  }
  inbound_spi_ = *spi;
  nonce_ = context.random_bytes(32);
  wire::Payloads payloads;
  if (ChildSa* old = find_inbound(sa, replaces_); replaces_ != 0 && old) {
    old->state = ChildState::rekeying;
    ByteWriter old_spi;
    old_spi.u32(old->inbound_spi);
    payloads.push_back(wire::Notify{.notify = wire::NotifyType::rekey_sa,
                                    .protocol = wire::Protocol::esp,
                                    .spi = std::move(old_spi).take(),
                                    .data = {}});
  }
  const ChildDefinition& wanted = definition(sa);
  payloads.push_back(suite::offer_esp(wanted.esp_proposals, inbound_spi_, suite::ChildOrigin::create_child_sa));
  payloads.push_back(wire::Nonce{nonce_});
  const auto group = group_.value_or(wanted.esp_proposals.front().pfs);
  if (group != crypto::KeyExchangeId::none) {
    key_exchange_ = crypto::KeyExchange::generate(group);
    const ByteView value = key_exchange_->public_value();
    payloads.push_back(wire::KeyExchange{group, Bytes(value.begin(), value.end())});
  }
  payloads.push_back(wire::TrafficSelectorsInitiator{wanted.local_selectors});
  payloads.push_back(wire::TrafficSelectorsResponder{wanted.remote_selectors});
  return payloads;
}

void CreateChild::response(Context& context, IkeSa& sa, const wire::Payloads& payloads) {
  // A delete of the whole IKE SA waits behind this answer and takes with it whatever the peer made.
  if (sa.state != IkeState::established) return release_spi(context);
  if (const auto* invalid_ke = wire::find_notify(payloads, wire::NotifyType::invalid_ke_payload);
      invalid_ke && take_other_group(context, sa, *invalid_ke))
    return;
  if (wire::find_notify(payloads, wire::NotifyType::temporary_failure) ||
      wire::find_notify(payloads, wire::NotifyType::child_sa_not_found))
    return take_failure(context, sa, payloads);
  const ChildVerdict verdict =
      check_child_answer(context, sa, definition(sa), payloads, suite::ChildOrigin::create_child_sa);
  if (verdict.answer == ChildAnswer::accepted) return install(context, sa, payloads, verdict.choice);
  if (verdict.answer == ChildAnswer::unacceptable) delete_unwanted(sa);
  take_failure(context, sa, payloads);
}

void CreateChild::install(Context& context, IkeSa& sa, const wire::Payloads& payloads, const ChildChoice& choice) {
  const auto* nonce = wire::find<wire::Nonce>(payloads);
  const auto* key_exchange = wire::find<wire::KeyExchange>(payloads);
  std::optional<SecretBytes> secret;
  if (choice.chosen.pfs != crypto::KeyExchangeId::none && key_exchange && key_exchange_ &&
      key_exchange->group == choice.chosen.pfs && key_exchange_->id() == choice.chosen.pfs)
    secret = key_exchange_->derive(key_exchange->value);
  if (!nonce || (choice.chosen.pfs != crypto::KeyExchangeId::none && !secret)) {
    context.report(messages::ike_invalid_syntax, sa.name(),
                   "answer to CREATE_CHILD_SA lacks a nonce or a key exchange");
    delete_unwanted(sa);
    return take_failure(context, sa, payloads);
  }
  const NegotiatedChild negotiated{.definition = definition(sa),
                                   .chosen = choice.chosen,
                                   .inbound_spi = inbound_spi_,
                                   .selectors = choice.selectors,
                                   .began_here = true,
                                   .nonce_i = nonce_,
                                   .nonce_r = nonce->value,
                                   .shared_secret = secret ? &*secret : nullptr};
  if (replaces_ != 0) return replace(context, sa, nonce->value, negotiated);
  // Both ends asked for it, and the peer's came first.
  if (has_live_child(sa, child_)) return delete_unwanted(sa);
  install_child(context, sa, negotiated);
  inbound_spi_ = 0;
  finish_handover(context, sa);
}

void CreateChild::replace(Context& context, IkeSa& sa, const Bytes& nonce_r, const NegotiatedChild& negotiated) {
  ChildSa* old = find_old(sa);
  // The peer has deleted the old one after its own rekey of it; ours lost.
  if (!old && has_live_child(sa, child_)) return delete_unwanted(sa);
  // Both ends rekeyed at once: of the four nonces the lowest loses, and whoever made that SA closes it.
  ChildSa* rival = old && old->peers_successor != 0 ? find_inbound(sa, old->peers_successor) : nullptr;
  if (rival && std::min(nonce_, nonce_r) < old->peers_lowest_nonce) {
    old->state = ChildState::rekeyed;
    return delete_unwanted(sa);
  }
  if (rival) rival->state = ChildState::redundant;
  install_child(context, sa, negotiated);
  inbound_spi_ = 0;
  if (!old) return;
  old->state = ChildState::rekeyed;
  enqueue_first(sa, delete_child_task(replaces_, Installed::yes));
}

bool CreateChild::take_other_group(Context& context, IkeSa& sa, const wire::Notify& invalid_ke) {
  ByteReader reader(invalid_ke.data);
  const auto group = static_cast<crypto::KeyExchangeId>(reader.u16());
  const auto& proposals = definition(sa).esp_proposals;
  if (!reader.finished() || group_ || std::ranges::find(proposals, group, &EspProposal::pfs) == proposals.end())
    return false;
  release_spi(context);
  if (ChildSa* old = find_old(sa)) old->state = old->peers_successor != 0 ? ChildState::rekeyed : ChildState::installed;
  enqueue_first(sa, create_child_task(child_, replaces_, group));
  return true;
}

void CreateChild::take_failure(Context& context, IkeSa& sa, const wire::Payloads& payloads) {
  release_spi(context);
  const bool busy = wire::find_notify(payloads, wire::NotifyType::temporary_failure) != nullptr;
  ChildSa* old = find_old(sa);
  if (!old) {
    if (!has_live_child(sa, child_))
      retry_child(context, sa.name(), child_, busy ? context.jittered(retry_time) : patience(sa, payloads));
    return;
  }
  if (old->peers_successor != 0) {  // the peer's rekey of it went through
    old->state = ChildState::rekeyed;
    return;
  }
  old->state = ChildState::installed;
  if (wire::find_notify(payloads, wire::NotifyType::child_sa_not_found)) {
    // Section 2.25.1: the peer does not have it any more.
    remove_child(context, sa, replaces_);
    if (!has_live_child(sa, child_)) retry_child(context, sa.name(), child_, Duration::zero());
    return;
  }
  // Often enough that a way around is found well before the end.
  const Duration pause =
      std::clamp((old->expires_at - context.now) / 4, retry_time, std::max(retry_time, sa.connection->retry_interval));
  old->rekey_at = context.now + context.jittered(busy ? retry_time : pause);
  if (busy) return;
  context.report(messages::child_rekey_failed, sa.name(), child_);
  // A peer that takes no further child SA takes none in place of another (section 4), but it takes a new IKE SA.
  const bool for_good = wire::find_notify(payloads, wire::NotifyType::no_additional_sas) != nullptr;
  if (++old->refusals >= max_refusals || for_good) reauthenticate(context, sa);
}

}  // namespace

std::unique_ptr<Task> create_child_task(std::string child, uint32_t replaces,
                                        std::optional<crypto::KeyExchangeId> group) {
  return std::make_unique<CreateChild>(std::move(child), replaces, group);
}

void rekey_child(Context& context, IkeSa& sa, ChildSa& child) {
  if (sa.state != IkeState::established || sa.superseded) return;
  if (child.state != ChildState::installed || child.rekey_queued) return;
  // The peer would not know what is meant before it has had our answer (RFC 7296 section 2.25.1).
  if (!child.confirmed && context.now < child.created + confirmation_time) {
    child.rekey_at = context.now + context.jittered(retry_time);
    return;
  }
  child.rekey_at = child.expires_at;  // not again, unless this fails
  child.rekey_queued = true;
  enqueue(sa, create_child_task(child.name, child.inbound_spi));
  pump(context, sa);
}

}  // namespace sekisho::ike::v2
