#include <algorithm>

#include "base/messages/ike.h"
#include "control/ike/v2/child_negotiation.h"
#include "control/ike/v2/create_child_sa.h"

namespace sekisho::ike::v2 {
namespace {

using wire::NotifyType;

// A peer has no use for more in one IKE SA, where those on their way out count too; every one of them takes an entry in
// the SA table.
size_t max_children(const Connection& connection) { return 6 + 2 * connection.children.size(); }

struct Refusal {
  NotifyType type{};
  Bytes data;
};

wire::Payloads refused(NotifyType type, Bytes data = {}) { return {notify(type, std::move(data))}; }

// The child that the peer wants to replace; SPI in REKEY_SA: the peer's inbound one (section 1.3.3). An AH SA with the
// same number would be another SA, and there are none.
std::expected<ChildSa*, NotifyType> find_old(IkeSa& sa, const wire::Notify& rekey) {
  ByteReader reader(rekey.spi);
  const uint32_t spi = reader.u32();
  const bool is_child = rekey.protocol == wire::Protocol::esp && reader.finished();
  ChildSa* old = is_child ? find_outbound(sa, spi) : nullptr;
  if (!old) return std::unexpected(NotifyType::child_sa_not_found);
  // Section 2.25.1: one that is rekeyed already, or about to go, is not to be rekeyed.
  if (old->state != ChildState::installed && old->state != ChildState::rekeying)
    return std::unexpected(NotifyType::temporary_failure);
  if (old->peers_successor != 0) return std::unexpected(NotifyType::temporary_failure);
  return old;
}

// With PFS: our value and the shared secret.
struct Exchanged {
  std::optional<wire::KeyExchange> ours;
  std::optional<SecretBytes> secret;
};

std::expected<Exchanged, Refusal> exchange_keys(crypto::KeyExchangeId group, const wire::Payloads& request) {
  if (group == crypto::KeyExchangeId::none) return Exchanged{};
  const auto* theirs = wire::find<wire::KeyExchange>(request);
  if (!theirs || theirs->group != group) {
    ByteWriter data;
    data.u16(static_cast<uint16_t>(group));
    return std::unexpected(Refusal{NotifyType::invalid_ke_payload, std::move(data).take()});
  }
  const auto key_exchange = crypto::KeyExchange::generate(group);
  auto secret = key_exchange->derive(theirs->value);
  if (!secret) return std::unexpected(Refusal{NotifyType::invalid_syntax, {}});
  const ByteView value = key_exchange->public_value();
  return Exchanged{wire::KeyExchange{group, Bytes(value.begin(), value.end())}, std::move(secret)};
}

// Both ends make a child where there was none: the IKE SA's initiator has its way, so that one comes of it.
bool crosses_ours(const IkeSa& sa, const ChildDefinition& definition) {
  return sa.initiator && sa.active && sa.active->new_child() == definition.name;
}

}  // namespace

wire::Payloads answer_create_child(Context& context, IkeSa& sa, const wire::Payloads& request) {
  if (sa.state != IkeState::established || sa.in_flight(Task::Kind::rekey_ike))
    return refused(NotifyType::temporary_failure);
  const auto* rekey = wire::find_notify(request, NotifyType::rekey_sa);
  ChildSa* old = nullptr;
  if (rekey) {
    const auto found = find_old(sa, *rekey);
    if (!found)
      return {wire::Notify{.notify = found.error(), .protocol = rekey->protocol, .spi = rekey->spi, .data = {}}};
    old = *found;
  }
  const auto* nonce = wire::find<wire::Nonce>(request);
  if (!nonce) return refused(NotifyType::invalid_syntax);
  const auto choice = choose_child(context, sa, request, suite::ChildOrigin::create_child_sa,
                                   old ? &sa.connection->child(old->name) : nullptr);
  if (!choice) return refused(choice.error());
  if (!old && crosses_ours(sa, *choice->definition)) return refused(NotifyType::temporary_failure);
  // RFC 9611 section 4: one more for the same traffic, for a processor or queue of the peer's. There is no use for it
  // here.
  if (!old && wire::find_notify(request, NotifyType::sa_resource_info) && has_live_child(sa, choice->definition->name))
    return refused(NotifyType::ts_max_queue);
  const suite::ChosenEsp& chosen = choice->choice.chosen;
  auto exchanged = exchange_keys(chosen.pfs, request);
  if (!exchanged) return refused(exchanged.error().type, exchanged.error().data);
  const auto spi =
      sa.children.size() < max_children(*sa.connection) ? context.environment.allocate_inbound_spi() : std::nullopt;
  if (!spi) {
    context.report(messages::sa_table_full, sa.name(), "no SPI for another child SA of the peer's");
    return refused(NotifyType::no_additional_sas);
  }

  const Bytes nonce_r = context.random_bytes(32);
  install_child(context, sa,
                {.definition = *choice->definition,
                 .chosen = chosen,
                 .inbound_spi = *spi,
                 .selectors = choice->choice.selectors,
                 .began_here = false,
                 .nonce_i = nonce->value,
                 .nonce_r = nonce_r,
                 .shared_secret = exchanged->secret ? &*exchanged->secret : nullptr});
  if (old) {
    old->peers_successor = *spi;
    old->peers_lowest_nonce = std::min(nonce->value, nonce_r);
    if (old->state == ChildState::installed) old->state = ChildState::rekeyed;
  }
  wire::Payloads answer, nonce_and_key = {wire::Nonce{nonce_r}};
  if (exchanged->ours) nonce_and_key.push_back(std::move(*exchanged->ours));
  add_child_answer(*choice, *spi, std::move(nonce_and_key), answer);
  return answer;
}

}  // namespace sekisho::ike::v2
