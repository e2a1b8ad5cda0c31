#include "control/ike/v2/rekey_ike.h"

#include <algorithm>

#include "base/messages/ike.h"
#include "control/ike/suite/proposals.h"
#include "control/ike/v2/ike_sa_table.h"
#include "control/ike/v2/informational.h"
#include "control/ike/v2/lifecycle.h"
#include "control/ike/v2/path_probe.h"

namespace sekisho::ike::v2 {
namespace {

using wire::NotifyType;

constexpr Duration busy_time = std::chrono::seconds(2);
// The peer deletes what its own rekey made superfluous; if it does not, it is forgotten.
constexpr Duration superfluous_time = std::chrono::seconds(60);

struct NewIke {
  bool initiator = false;
  uint64_t spi_i = 0, spi_r = 0;
  IkeProposal proposal;
  ByteView nonce_i, nonce_r;
};

// Where the two ends are, as far as it is known.
void inherit_path(const IkeSa& old, IkeSa& heir) {
  heir.local = old.local;
  heir.remote = old.remote;
  heir.local_behind_nat = old.local_behind_nat;
  heir.remote_behind_nat = old.remote_behind_nat;
  heir.moves = old.moves;
  heir.child_path = old.child_path;
}

// The new IKE SA, with nothing in it yet.
IkeSa& make_heir(Context& context, IkeSa& old, const NewIke& made, const SecretBytes& shared_secret) {
  auto heir = std::make_unique<IkeSa>();
  heir->connection = old.connection;
  heir->certified_until = old.certified_until;
  heir->initiator = made.initiator;
  heir->spi_i = made.spi_i;
  heir->spi_r = made.spi_r;
  heir->nat_detection = old.nat_detection;
  heir->fragmentation = old.fragmentation;
  heir->mobike = old.mobike;
  heir->may_move = old.may_move;
  heir->proposal = made.proposal;
  heir->created = context.now;
  const SecretBytes seed = suite::rekey_skeyseed(old.proposal.prf, old.sk_d, shared_secret, made.nonce_i, made.nonce_r);
  set_keys(context, *heir,
           suite::derive_ike_keys(made.proposal, seed, made.nonce_i, made.nonce_r, made.spi_i, made.spi_r));
  establish(context, *heir);
  inherit_path(old, *heir);
  // A rekey proves no identity (RFC 4478): it puts off neither the next proof nor, for a peer that does not care to
  // give one, the end.
  if (old.reauthenticate_at) heir->reauthenticate_at = old.reauthenticate_at;
  if (old.connection->reauthenticate) heir->rekey_at = heir->expires_at = std::min(heir->expires_at, old.expires_at);
  return context.sas.add(std::move(heir));
}

void move_everything(Context& context, IkeSa& old, IkeSa& heir) {
  inherit_path(old, heir);  // the peer may have moved since the heir was made
  heir.children.splice(heir.children.end(), old.children);
  for (auto& task : old.queue)
    if (task->kind() != Task::Kind::rekey_ike) heir.queue.push_back(std::move(task));
  old.queue.clear();
  for (IkeSa* other : context.sas.of(old.name()))
    if (other->replaces == old.local_spi()) other->replaces = heir.local_spi();
  old.state = IkeState::rekeyed;
  // What is surplus, since both ends began at once, or superseded stays so with new keys.
  heir.close_at = old.close_at;
  heir.superseded = old.superseded;
  inherit_path_mtu(context, old, heir);
  old.close_at = context.now + superfluous_time;
  heir.predecessor = 0;
  context.report(messages::ike_rekeyed, heir.name(), describe(heir));
  pump(context, heir);
}

class RekeyIke final : public Task {
 public:
  explicit RekeyIke(std::optional<crypto::KeyExchangeId> group) : group_(group) {}
  Kind kind() const override { return Kind::rekey_ike; }
  wire::ExchangeType exchange() const override { return wire::ExchangeType::create_child_sa; }
  std::optional<wire::Payloads> request(Context& context, IkeSa& sa) override;
  void response(Context& context, IkeSa& sa, const wire::Payloads& payloads) override;

 private:
  // The IKE SA that the peer's answer agrees to; nullptr: it does not.
  IkeSa* take_heir(Context& context, IkeSa& sa, const wire::Payloads& payloads);
  bool take_other_group(IkeSa& sa, const wire::Notify& invalid_ke);
  void take_failure(Context& context, IkeSa& sa, const wire::Payloads& payloads);
  void settle(Context& context, IkeSa& sa, IkeSa& heir, const Bytes& nonce_r);

  std::optional<crypto::KeyExchangeId> group_;
  uint64_t spi_ = 0;
  Bytes nonce_;
  std::unique_ptr<crypto::KeyExchange> key_exchange_;
};

std::optional<wire::Payloads> RekeyIke::request(Context& context, IkeSa& sa) {
  if (sa.state != IkeState::established) return {};
  const auto& proposals = sa.connection->ike_proposals;
  spi_ = context.sas.fresh_spi(context.random());
  nonce_ = context.random_bytes(32);
  // The group of the running SA is the one that both ends surely have.
  const bool still_offered = offers_group(*sa.connection, sa.proposal.key_exchange);
  key_exchange_ = crypto::KeyExchange::generate(
      group_.value_or(still_offered ? sa.proposal.key_exchange : proposals.front().key_exchange));
  const ByteView value = key_exchange_->public_value();
  return wire::Payloads{suite::offer_ike(proposals, spi_), wire::Nonce{nonce_},
                        wire::KeyExchange{key_exchange_->id(), Bytes(value.begin(), value.end())}};
}

void RekeyIke::response(Context& context, IkeSa& sa, const wire::Payloads& payloads) {
  if (sa.state == IkeState::rekeyed) {
    // The peer goes on with the IKE SA that its own rekey made. What ours made is for us to delete (section 2.8.2).
    if (IkeSa* orphan = take_heir(context, sa, payloads)) begin_delete(context, *orphan);
    return;
  }
  if (sa.state != IkeState::established) return;
  if (const auto* invalid_ke = wire::find_notify(payloads, NotifyType::invalid_ke_payload);
      invalid_ke && take_other_group(sa, *invalid_ke))
    return;
  IkeSa* heir = take_heir(context, sa, payloads);
  if (!heir) return take_failure(context, sa, payloads);
  settle(context, sa, *heir, wire::find<wire::Nonce>(payloads)->value);
}

IkeSa* RekeyIke::take_heir(Context& context, IkeSa& sa, const wire::Payloads& payloads) {
  const auto* answer = wire::find<wire::SecurityAssociation>(payloads);
  const auto* nonce = wire::find<wire::Nonce>(payloads);
  const auto* key_exchange = wire::find<wire::KeyExchange>(payloads);
  if (!answer || !nonce || !key_exchange) return nullptr;
  const auto chosen = suite::accept_ike(*answer, sa.connection->ike_proposals);
  if (!chosen || chosen->peer_spi.value_or(0) == 0 || chosen->proposal.key_exchange != key_exchange_->id() ||
      key_exchange->group != key_exchange_->id())
    return nullptr;
  const auto secret = key_exchange_->derive(key_exchange->value);
  if (!secret) return nullptr;
  return &make_heir(context, sa,
                    {.initiator = true,
                     .spi_i = spi_,
                     .spi_r = *chosen->peer_spi,
                     .proposal = chosen->proposal,
                     .nonce_i = nonce_,
                     .nonce_r = nonce->value},
                    *secret);
}

// Section 2.8.2: as with children, the lowest of the four nonces loses where both ends rekeyed at once.
void RekeyIke::settle(Context& context, IkeSa& sa, IkeSa& heir, const Bytes& nonce_r) {
  if (sa.peers_rekey && std::min(nonce_, nonce_r) < sa.peers_rekey->lowest_nonce && yield_to_peers_rekey(context, sa)) {
    begin_delete(context, heir);
    return;
  }
  if (sa.peers_rekey)
    if (IkeSa* rival = context.sas.find(sa.peers_rekey->local_spi); rival && rival->state == IkeState::established) {
      rival->state = IkeState::rekeyed;
      rival->close_at = context.now + superfluous_time;
    }
  move_everything(context, sa, heir);
  enqueue(sa, delete_ike_task());
}

bool RekeyIke::take_other_group(IkeSa& sa, const wire::Notify& invalid_ke) {
  ByteReader reader(invalid_ke.data);
  const auto group = static_cast<crypto::KeyExchangeId>(reader.u16());
  if (!reader.finished() || group_ || sa.peers_rekey || !offers_group(*sa.connection, group)) return false;
  enqueue_first(sa, rekey_ike_task(group));
  return true;
}

void RekeyIke::take_failure(Context& context, IkeSa& sa, const wire::Payloads& payloads) {
  if (yield_to_peers_rekey(context, sa)) return;
  const bool busy = wire::find_notify(payloads, NotifyType::temporary_failure) != nullptr;
  if (!busy)
    context.report(messages::ike_rekey_failed, sa.name(),
                   wire::describe({.exchange = exchange(), .response = true}, payloads));
  const Duration pause =
      std::clamp((sa.expires_at - context.now) / 4, busy_time, std::max(busy_time, sa.connection->retry_interval));
  sa.rekey_at = context.now + context.jittered(busy ? busy_time : pause);
  if (!busy && ++sa.refused_rekeys >= max_refusals) reauthenticate(context, sa);
}

// Section 2.25.2: not while a child is being made, replaced or deleted, here or there; nor while the peer hears where
// we are: the children would move away from under that.
bool busy(const IkeSa& sa) {
  return sa.state != IkeState::established || sa.superseded || sa.peers_rekey ||
         sa.in_flight(Task::Kind::create_child) || sa.in_flight(Task::Kind::delete_child) ||
         sa.in_flight(Task::Kind::update_addresses);
}

}  // namespace

std::unique_ptr<Task> rekey_ike_task(std::optional<crypto::KeyExchangeId> group) {
  return std::make_unique<RekeyIke>(group);
}

bool yield_to_peers_rekey(Context& context, IkeSa& sa) {
  IkeSa* heir = sa.peers_rekey ? context.sas.find(sa.peers_rekey->local_spi) : nullptr;
  if (!heir || heir->state != IkeState::established) return false;
  move_everything(context, sa, *heir);
  return true;
}

void heir_is_in_use(Context& context, IkeSa& heir) {
  IkeSa* old = heir.predecessor != 0 ? context.sas.find(heir.predecessor) : nullptr;
  if (old && old->state == IkeState::established) yield_to_peers_rekey(context, *old);
  heir.predecessor = 0;
}

wire::Payloads answer_rekey_ike(Context& context, IkeSa& sa, const wire::Payloads& request) {
  if (busy(sa)) return {notify(NotifyType::temporary_failure)};
  if (context.sas.of(sa.name()).size() >= max_ike_sas) return {notify(NotifyType::no_additional_sas)};
  const auto* offered = wire::find<wire::SecurityAssociation>(request);
  const auto* nonce = wire::find<wire::Nonce>(request);
  const auto* key_exchange = wire::find<wire::KeyExchange>(request);
  if (!offered || !nonce || !key_exchange) return {notify(NotifyType::invalid_syntax)};
  const auto chosen = suite::select_ike(*offered, sa.connection->ike_proposals);
  if (!chosen || chosen->peer_spi.value_or(0) == 0) {
    context.report(messages::ike_no_proposal, sa.name(), suite::compare(*offered, sa.connection->ike_proposals),
                   suite::mismatch(*offered, sa.connection->ike_proposals));
    return {notify(NotifyType::no_proposal_chosen)};
  }
  if (chosen->proposal.key_exchange != key_exchange->group) {
    ByteWriter group;
    group.u16(static_cast<uint16_t>(chosen->proposal.key_exchange));
    return {notify(NotifyType::invalid_ke_payload, std::move(group).take())};
  }
  const auto ours = crypto::KeyExchange::generate(key_exchange->group);
  const auto secret = ours->derive(key_exchange->value);
  if (!secret) return {notify(NotifyType::invalid_syntax)};

  const Bytes nonce_r = context.random_bytes(32);
  const uint64_t spi = context.sas.fresh_spi(context.random());
  IkeSa& heir = make_heir(context, sa,
                          {.initiator = false,
                           .spi_i = *chosen->peer_spi,
                           .spi_r = spi,
                           .proposal = chosen->proposal,
                           .nonce_i = nonce->value,
                           .nonce_r = nonce_r},
                          *secret);
  heir.predecessor = sa.local_spi();
  sa.peers_rekey = PeersRekey{spi, std::min(nonce->value, nonce_r)};
  // With ours in flight, its answer decides which of the two is the heir.
  if (!sa.in_flight(Task::Kind::rekey_ike)) move_everything(context, sa, heir);
  const ByteView value = ours->public_value();
  return {suite::answer_ike(*chosen, spi), wire::Nonce{nonce_r},
          wire::KeyExchange{ours->id(), Bytes(value.begin(), value.end())}};
}

}  // namespace sekisho::ike::v2
