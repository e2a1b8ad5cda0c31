#include <utility>

#include "base/messages/ike.h"
#include "control/ike/v2/auth_payload.h"
#include "control/ike/v2/certificate_payloads.h"
#include "control/ike/v2/child_negotiation.h"
#include "control/ike/v2/ike_auth.h"
#include "control/ike/v2/ike_sa_table.h"
#include "control/ike/v2/informational.h"
#include "control/ike/v2/lifecycle.h"
#include "control/ike/v2/mobike.h"
#include "control/ike/v2/path_probe.h"
#include "control/ike/v2/ppk.h"

namespace sekisho::ike::v2 {
namespace {

class Authenticate final : public Task {
 public:
  Kind kind() const override { return Kind::authenticate; }
  wire::ExchangeType exchange() const override { return wire::ExchangeType::ike_auth; }
  std::optional<wire::Payloads> request(Context& context, IkeSa& sa) override;
  void response(Context& context, IkeSa& sa, const wire::Payloads& payloads) override;
  void abandon(Context& context, IkeSa&) override { release_spi(context); }

  void unreadable(Context& context, IkeSa& sa) override {
    refuse_peer(context, sa, messages::ike_peer_error, "the answer to IKE_AUTH cannot be read");
  }

 private:
  void release_spi(Context& context) {
    if (inbound_spi_ != 0) context.environment.release_inbound_spi(inbound_spi_);
    inbound_spi_ = 0;
  }
  Result<void> add_auth(const IkeSa& sa, const wire::IdInitiator& id, wire::Payloads& payloads);
  // Settles whether the peer used the post-quantum key; false where that cannot be accepted.
  bool take_ppk(IkeSa& sa, const wire::Payloads& payloads);
  void take_child(Context& context, IkeSa& sa, const Handshake& handshake, const wire::Payloads& payloads);
  // The peer takes the SA for established and has to learn that it is not (RFC 7296 section 2.21.2).
  void refuse_peer(Context& context, IkeSa& sa, const Message& message, std::string detail);

  uint32_t inbound_spi_ = 0;
  std::optional<MixedKeys> mixed_;  // with the post-quantum key, offered to the peer
};

Result<void> Authenticate::add_auth(const IkeSa& sa, const wire::IdInitiator& id, wire::Payloads& payloads) {
  const Connection& connection = *sa.connection;
  if (sa.handshake->ppk) mixed_ = mix_keys(sa, *connection.ppk);
  auto auth = make_auth(sa, connection, mixed_ ? mixed_->pi : sa.sk_pi, id.body());
  if (!auth) return std::unexpected(auth.error());
  payloads.push_back(std::move(*auth));
  if (!mixed_) return {};
  std::optional<wire::Authentication> without;
  if (!connection.ppk->required) {
    auth = make_auth(sa, connection, sa.sk_pi, id.body());
    if (!auth) return std::unexpected(auth.error());
    without = std::move(*auth);
  }
  add_ppk_offer(*connection.ppk, without, payloads);
  return {};
}

// Section 2.4 is about identities: two connections may join the same two ends by other addresses.
bool only_one(Context& context, const IkeSa& sa) {
  bool alone = true;
  std::as_const(context.sas).for_each([&](const IkeSa& other) {
    if (!alone || &other == &sa || !other.connection || other.state >= IkeState::closed) return;
    alone = other.connection->local_id != sa.connection->local_id ||
            other.connection->remote_id != sa.connection->remote_id;
  });
  return alone;
}

std::optional<wire::Payloads> Authenticate::request(Context& context, IkeSa& sa) {
  const Connection& connection = *sa.connection;
  const wire::IdInitiator id{.identity = connection.local_id};
  wire::Payloads payloads = {id};
  add_certificates(connection.local_auth, payloads);
  if (only_one(context, sa)) payloads.push_back(notify(wire::NotifyType::initial_contact));
  add_certificate_request({sa.connection}, payloads);
  payloads.push_back(wire::IdResponder{.identity = connection.remote_id});
  if (const auto made = add_auth(sa, id, payloads); !made) {
    fail_handshake(context, sa, *made.error().message, made.error().detail);
    return {};
  }
  if (const auto spi = context.environment.allocate_inbound_spi()) {
    inbound_spi_ = *spi;
    add_child_offer(connection.children.front(), inbound_spi_, suite::ChildOrigin::ike_auth, payloads);
  } else {
    context.report(messages::sa_table_full, sa.name(), "no SPI for the first child SA");
  }
  add_mobike_offer(sa, payloads);
  return payloads;
}

void Authenticate::refuse_peer(Context& context, IkeSa& sa, const Message& message, std::string detail) {
  release_spi(context);
  send_farewell(context, sa, {notify(wire::NotifyType::authentication_failed)});
  fail_handshake(context, sa, message, std::move(detail));
}

bool Authenticate::take_ppk(IkeSa& sa, const wire::Payloads& payloads) {
  if (!mixed_) return true;
  if (!wire::find_notify(payloads, wire::NotifyType::ppk_identity)) return !sa.connection->ppk->required;
  adopt(sa, std::move(*mixed_));
  return true;
}

void Authenticate::response(Context& context, IkeSa& sa, const wire::Payloads& payloads) {
  const Connection& connection = *sa.connection;
  const auto* id = wire::find<wire::IdResponder>(payloads);
  const auto* auth = wire::find<wire::Authentication>(payloads);
  if (!id || !auth) {
    release_spi(context);
    if (wire::find_notify(payloads, wire::NotifyType::authentication_failed))
      return fail_handshake(context, sa, messages::ike_authentication_failed,
                            "peer " + sa.remote.text() + "; local id " + connection.local_id.text() + ", remote id " +
                                connection.remote_id.text());
    return fail_handshake(context, sa, messages::ike_peer_error,
                          "the answer to IKE_AUTH has no AUTH payload: " +
                              wire::describe({.exchange = wire::ExchangeType::ike_auth, .response = true}, payloads));
  }
  if (id->identity != connection.remote_id)
    return refuse_peer(context, sa, messages::ike_peer_not_authentic,
                       "peer says it is " + id->identity.text() + ", expected " + connection.remote_id.text());
  if (!take_ppk(sa, payloads))
    return refuse_peer(context, sa, messages::ike_no_ppk, "the peer did without " + connection.ppk->id);
  const PeerClaim claim{id->identity, id->body(), *auth, find_certificates(payloads)};
  if (const auto good = check_auth(sa, connection, sa.sk_pr, claim, context.environment.wall_clock()); !good)
    return refuse_peer(context, sa, *good.error().message, good.error().detail + "; peer at " + sa.remote.text());

  const std::unique_ptr<Handshake> handshake = std::move(sa.handshake);
  establish(context, sa);
  agree_on_mobike(sa, payloads);
  context.report(messages::ike_established, sa.name(), describe(sa) + ", " + sa.proposal.text());
  take_child(context, sa, *handshake, payloads);
  settle_duplicates(context, sa);
  take_auth_lifetime(context, sa, payloads);
  pursue(context, sa.name());
  finish_handover(context, sa);
  watch_path(context, sa);
}

void Authenticate::take_child(Context& context, IkeSa& sa, const Handshake& handshake, const wire::Payloads& payloads) {
  const ChildDefinition& asked = sa.connection->children.front();
  if (inbound_spi_ == 0) return retry_child(context, sa.name(), asked.name, sa.connection->retry_interval);
  const ChildVerdict verdict = check_child_answer(context, sa, asked, payloads, suite::ChildOrigin::ike_auth);
  if (verdict.answer == ChildAnswer::accepted) {
    install_child(context, sa,
                  {.definition = asked,
                   .chosen = verdict.choice.chosen,
                   .inbound_spi = inbound_spi_,
                   .selectors = verdict.choice.selectors,
                   .began_here = true,
                   .nonce_i = handshake.nonce_i,
                   .nonce_r = handshake.nonce_r});
    inbound_spi_ = 0;
    return;
  }
  retry_child(context, sa.name(), asked.name, patience(sa, payloads));
  if (verdict.answer == ChildAnswer::refused) return release_spi(context);
  enqueue(sa, delete_child_task(inbound_spi_, Installed::no));
  inbound_spi_ = 0;
}

}  // namespace

std::unique_ptr<Task> authenticate_task() { return std::make_unique<Authenticate>(); }

}  // namespace sekisho::ike::v2
