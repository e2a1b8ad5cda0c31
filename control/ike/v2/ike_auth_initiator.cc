#include "base/messages/ike.h"
#include "control/ike/v2/child_negotiation.h"
#include "control/ike/v2/ike_auth.h"
#include "control/ike/v2/ike_sa_table.h"
#include "control/ike/v2/informational.h"
#include "control/ike/v2/lifecycle.h"
#include "control/ike/v2/mobike.h"

namespace sekisho::ike::v2 {
namespace {

class Authenticate final : public Task {
 public:
  Kind kind() const override { return Kind::authenticate; }
  wire::ExchangeType exchange() const override { return wire::ExchangeType::ike_auth; }
  std::optional<wire::Payloads> request(Context& context, IkeSa& sa) override;
  void response(Context& context, IkeSa& sa, const wire::Payloads& payloads) override;
  void abandon(Context& context, IkeSa&) override { release_spi(context); }

 private:
  void release_spi(Context& context) {
    if (inbound_spi_ != 0) context.environment.release_inbound_spi(inbound_spi_);
    inbound_spi_ = 0;
  }
  void take_child(Context& context, IkeSa& sa, const Handshake& handshake, const wire::Payloads& payloads);
  // The peer takes the SA for established and has to learn that it is not (RFC 7296 section 2.21.2).
  void refuse_peer(Context& context, IkeSa& sa, std::string detail);

  uint32_t inbound_spi_ = 0;
};

std::optional<wire::Payloads> Authenticate::request(Context& context, IkeSa& sa) {
  const Connection& connection = *sa.connection;
  const Handshake& handshake = *sa.handshake;
  const wire::IdInitiator id{.identity = connection.local_id};
  wire::Payloads payloads = {id};
  if (context.sas.of(connection.name).size() == 1) payloads.push_back(notify(wire::NotifyType::initial_contact));
  payloads.push_back(wire::IdResponder{.identity = connection.remote_id});
  payloads.push_back(wire::Authentication{wire::AuthMethod::shared_key,
                                          suite::shared_key_auth(sa.proposal.prf, *connection.psk, handshake.request,
                                                                 handshake.nonce_r, sa.sk_pi, id.body())});
  if (const auto spi = context.environment.allocate_inbound_spi()) {
    inbound_spi_ = *spi;
    add_child_offer(connection.children.front(), inbound_spi_, suite::ChildOrigin::ike_auth, payloads);
  } else {
    context.report(messages::sa_table_full, sa.name(), "no SPI for the first child SA");
  }
  add_mobike_offer(sa, payloads);
  return payloads;
}

void Authenticate::refuse_peer(Context& context, IkeSa& sa, std::string detail) {
  release_spi(context);
  send_farewell(context, sa, {notify(wire::NotifyType::authentication_failed)});
  fail_handshake(context, sa, messages::ike_peer_not_authentic, std::move(detail));
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
    return refuse_peer(context, sa,
                       "peer says it is " + id->identity.text() + ", expected " + connection.remote_id.text());
  const Bytes expected = suite::shared_key_auth(sa.proposal.prf, *connection.psk, sa.handshake->response,
                                                sa.handshake->nonce_i, sa.sk_pr, id->body());
  if (auth->method != wire::AuthMethod::shared_key || !constant_time_equal(auth->data, expected))
    return refuse_peer(context, sa, "peer " + id->identity.text() + " at " + sa.remote.text());

  const std::unique_ptr<Handshake> handshake = std::move(sa.handshake);
  establish(context, sa);
  agree_on_mobike(sa, payloads);
  context.report(messages::ike_established, sa.name(), describe(sa) + ", " + sa.proposal.text());
  take_child(context, sa, *handshake, payloads);
  settle_duplicates(context, sa);
  pursue(context, sa.name());
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
