#include "control/ike/v1/ike_sa.h"

#include <fmt/format.h>

#include <algorithm>
#include <ranges>

#include "crypto/ike/cbc.h"
#include "crypto/ike/prf.h"

namespace sekisho::ike::v1 {

bool LastMessage::repeated(ByteView datagram) const {
  return !received_digest.empty() && crypto::sha1({datagram}) == received_digest;
}

bool LastMessage::may_answer_again(Instant now) {
  constexpr TokenRate rate{5, std::chrono::seconds(1)};
  return !answer.empty() && repetitions.take(rate, now);
}

void LastMessage::set(ByteView received, Bytes answered) {
  received_digest = crypto::sha1({received});
  answer = std::move(answered);
}

bool UsedMessageIds::contains(uint32_t message_id) const { return std::ranges::count(ids_, message_id) != 0; }

void UsedMessageIds::add(uint32_t message_id) {
  constexpr size_t max_ids = 1024;
  ids_.push_back(message_id);
  if (ids_.size() > max_ids) ids_.pop_front();
}

std::string_view name(IkeState state) {
  if (state < IkeState::established) return "connecting";
  return state == IkeState::established ? "established" : "deleting";
}

std::string describe(const IkeSa& sa) {
  return fmt::format("IKEv1 {:016x}/{:016x} with {}", sa.cookies.initiator, sa.cookies.responder, sa.remote.text());
}

IkeSa& SaTable::add(std::unique_ptr<IkeSa> sa) {
  const uint64_t cookie = sa->local_cookie();
  return *by_local_cookie_.insert_or_assign(cookie, std::move(sa)).first->second;
}

uint64_t SaTable::fresh_cookie(Random& random) const {
  uint64_t cookie = 0;
  while (cookie == 0 || by_local_cookie_.contains(cookie)) cookie = random.next_u64();
  return cookie;
}

IkeSa* SaTable::find(const wire::Header& header) const {
  const auto look_up = [&](uint64_t cookie, bool initiator) -> IkeSa* {
    const auto found = by_local_cookie_.find(cookie);
    if (found == by_local_cookie_.end() || found->second->state == IkeState::gone) return nullptr;
    return found->second->initiator == initiator ? found->second.get() : nullptr;
  };
  const auto fits = [&](const IkeSa& sa) {
    return sa.cookies.initiator == header.initiator_cookie &&
           (sa.cookies.responder == header.responder_cookie || sa.cookies.responder == 0);
  };
  for (IkeSa* sa : {look_up(header.initiator_cookie, true), look_up(header.responder_cookie, false)})
    if (sa && fits(*sa)) return sa;
  return nullptr;
}

void SaTable::for_each(const std::function<void(IkeSa&)>& visit) {
  std::vector<IkeSa*> all;
  for (const auto& sa : std::views::values(by_local_cookie_)) all.push_back(sa.get());
  for (IkeSa* sa : all)
    if (sa->state != IkeState::gone) visit(*sa);
}

void SaTable::for_each(const std::function<void(const IkeSa&)>& visit) const {
  for (const auto& sa : std::views::values(by_local_cookie_))
    if (sa->state != IkeState::gone) visit(*sa);
}

std::vector<IkeSa*> SaTable::of(const std::string& connection) {
  std::vector<IkeSa*> result;
  for_each([&](IkeSa& sa) {
    if (!sa.half_open() && sa.state != IkeState::deleting && sa.name() == connection) result.push_back(&sa);
  });
  return result;
}

IkeSa* SaTable::newest(const std::string& connection) {
  IkeSa* newest = nullptr;
  for (IkeSa* sa : of(connection))
    if (sa->state == IkeState::established && (!newest || sa->established_at >= newest->established_at)) newest = sa;
  return newest;
}

SaTable::HalfOpen SaTable::half_open(const std::function<bool(const IkeSa&)>& counts) {
  HalfOpen result;
  for_each([&](IkeSa& sa) {
    if (!sa.half_open() || !counts(sa)) return;
    const bool begun = sa.state == IkeState::main_2;
    ++(begun ? result.begun : result.advanced);
    IkeSa*& oldest = begun ? result.oldest : result.oldest_advanced;
    if (!oldest || sa.created < oldest->created) oldest = &sa;
  });
  return result;
}

void SaTable::sweep() {
  std::erase_if(by_local_cookie_, [](const auto& item) { return item.second->state == IkeState::gone; });
}

ChildSa* SaTable::find_child(uint32_t inbound_spi) {
  const auto found = std::ranges::find(children_, inbound_spi, &ChildSa::inbound_spi);
  return found == children_.end() ? nullptr : &*found;
}

void send_phase1(Context& context, IkeSa& sa, const DatagramReceived* received, Bytes datagram, bool awaits_answer) {
  context.send(sa.local, sa.remote, datagram);
  sa.sent.forget();
  if (awaits_answer) sa.sent.sent({datagram}, sa.connection->retransmission, context.now);
  if (received) sa.last.set(received->data, std::move(datagram));
}

Bytes encrypt(const IkeSa& sa, Bytes& iv, const wire::Payloads& payloads) {
  Bytes plaintext = wire::encode_payloads(payloads);
  const size_t block = iv.size();
  plaintext.resize(std::max<size_t>((plaintext.size() + block - 1) / block, 1) * block);
  Bytes ciphertext = crypto::cbc_encrypt(sa.proposal.sk.encryption, sa.keys.encryption, iv, plaintext);
  iv.assign(ciphertext.end() - static_cast<ptrdiff_t>(block), ciphertext.end());
  return ciphertext;
}

std::optional<Decrypted> decrypt(const IkeSa& sa, ByteView iv, const wire::Header& header, ByteView datagram) {
  const ByteView ciphertext = datagram.subspan(wire::header_length);
  if (!header.encrypted || ciphertext.empty() || ciphertext.size() % iv.size() != 0) return {};
  Decrypted result;
  result.plaintext = crypto::cbc_decrypt(sa.proposal.sk.encryption, sa.keys.encryption, iv, ciphertext);
  auto chain = wire::decode_payloads(header.first, result.plaintext);
  // Whoever knows the cookies can say that there is no payload.
  if (!chain || chain->payloads.empty()) return {};
  result.chain = std::move(*chain);
  const ByteView last = ciphertext.last(iv.size());
  result.next_iv.assign(last.begin(), last.end());
  return result;
}

ByteView Decrypted::behind_hash() const {
  return ByteView(plaintext).subspan(chain.behind_first, chain.length - chain.behind_first);
}

wire::Header header_of(const IkeSa& sa, wire::ExchangeType exchange, uint32_t message_id) {
  return {.initiator_cookie = sa.cookies.initiator,
          .responder_cookie = sa.cookies.responder,
          .exchange = exchange,
          .message_id = message_id};
}

}  // namespace sekisho::ike::v1
