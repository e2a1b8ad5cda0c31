// An ISAKMP SA ("phase 1"), as data: its cookies, keys, and the quick modes under way on it. What happens to it is in
// the files of the exchanges; this one has what they share.
#pragma once

#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "control/ike/exchange.h"
#include "control/ike/failure.h"
#include "control/ike/v1/child_sa.h"
#include "control/ike/v1/suite/keys.h"
#include "control/ike/v1/vendor_ids.h"
#include "control/ike/v1/wire/message.h"
#include "crypto/ike/key_exchange.h"

namespace sekisho::ike::v1 {

// Named after the message that we sent last.
//   main mode        initiator:  main_1 -> main_3 -> main_5 -.
//                    responder:  main_2 -> main_4 -----------+-> established -> deleting -> gone
//   aggressive mode  initiator:  aggressive_1 ---------------+
//                    responder:  aggressive_2 ---------------'
enum class IkeState : uint8_t {
  main_1,
  main_2,
  main_3,
  main_4,
  main_5,
  aggressive_1,
  aggressive_2,
  established,
  deleting,  // our delete went out; whatever the peer says is answered by it
  gone,      // swept at the end of the step
};

// The last message of an exchange that we received and the one that we answered it by: whoever gets a message again has
// lost the answer. A repetition is bitwise identical.
struct LastMessage {
  Bytes received_digest;
  Bytes answer;
  TokenBucket repetitions;

  bool repeated(ByteView datagram) const;
  // Whether the answer may go out once more: what comes again anybody may have sent, from any address.
  bool may_answer_again(Instant now);
  void set(ByteView received, Bytes answered);
};

// Message ids of phase 2 that one of the ends has used, the latest of them. Keys and IVs are the same in both
// directions: what comes first under one of these is a replay, or a message of ours that somebody sends back.
class UsedMessageIds {
 public:
  bool contains(uint32_t message_id) const;
  void add(uint32_t message_id);

 private:
  std::deque<uint32_t> ids_;
};

// What only phase 1 needs.
struct Handshake {
  wire::IkeAuthentication authentication = wire::IkeAuthentication::pre_shared_key;  // agreed on, or offered
  std::unique_ptr<crypto::KeyExchange> key_exchange;
  Bytes nonce_i, nonce_r;
  Bytes public_i, public_r;
  Bytes sa_body;   // SAi_b
  Bytes peers_id;  // IDii_b of aggressive mode's first message
  Bytes iv;        // of the next encrypted message
  unsigned refused_proofs = 0;
  // An error that anybody could have sent: what the attempt is reported to have failed for if nothing better comes.
  const Message* hint = nullptr;
  std::string hint_detail;
  std::optional<Mismatch> hint_mismatch;
};

// One quick mode: under way, or done and kept for a peer that repeats its last message.
struct QuickMode {
  bool initiator = false;
  bool done = false;
  std::string child;                // ChildDefinition::name
  ike::suite::Selectors selectors;  // one on each side
  uint32_t inbound_spi = 0;         // 0: given away, to the child or back
  Bytes iv;                         // of the next message
  Bytes nonce_i, nonce_r;
  std::unique_ptr<crypto::KeyExchange> key_exchange;  // with PFS
  RequestWindow sent;                                 // ours that awaits an answer
  LastMessage last;
  Endpoint asked_from;  // as responder: where the first message came from
  Instant forget_at{};
};

struct IkeSa {
  std::shared_ptr<const Connection> connection;  // while half open: the one that its addresses point at
  IkeState state = IkeState::main_1;
  bool initiator = false;
  bool of_stranger = false;  // as responder: it came from where no connection has its peer
  suite::Cookies cookies;
  Endpoint local, remote;
  Capabilities peer;  // what both speak
  bool local_behind_nat = false, remote_behind_nat = false;

  IkeProposal proposal;
  suite::Phase1Keys keys;
  Bytes last_block;  // the last ciphertext block of phase 1, which the IVs of phase 2 come from
  std::unique_ptr<Handshake> handshake;
  RequestWindow sent;  // ours that awaits an answer
  LastMessage last;

  suite::Lifetime lifetime;
  Instant created{}, established_at{}, rekey_at{}, expires_at{}, last_heard{};
  std::optional<Instant> close_at;          // forgotten then (half open, deleting), or deleted (established)
  std::optional<WallTime> certified_until;  // notAfter of the certificate that the peer proved itself by

  std::map<uint32_t, QuickMode> quick_modes;  // by message id
  UsedMessageIds quick_mode_ids;
  UsedMessageIds informational_ids;        // but for dead peer detection, whose messages have numbers
  RequestWindow probe;                     // an R-U-THERE that awaits its answer
  uint32_t probe_sequence = 0;             // of the last R-U-THERE of ours; at random where there was none
  uint32_t probes = 0;                     // how many numbers we have used
  std::optional<uint32_t> peers_sequence;  // of its last R-U-THERE
  TokenBucket repeated_probes;
  bool initial_contact_seen = false;
  std::vector<uint32_t> deleted_children;  // inbound SPIs of those that went with it

  uint64_t local_cookie() const { return initiator ? cookies.initiator : cookies.responder; }
  std::string name() const { return connection ? connection->name : std::string(); }
  bool handshaking() const { return state < IkeState::established; }
  // Memory that somebody holds who has proven nothing.
  bool half_open() const { return handshaking() && !initiator; }
};

std::string_view name(IkeState state);
// "a1b2.../c3d4... with 10.9.2.2:500", for the details of reports.
std::string describe(const IkeSa& sa);

class SaTable {
 public:
  IkeSa& add(std::unique_ptr<IkeSa> sa);
  // A cookie of ours that no SA has.
  uint64_t fresh_cookie(Random& random) const;
  // The SA that a message belongs to; nullptr where there is none. The responder's cookie is open before message 2.
  IkeSa* find(const wire::Header& header) const;
  // Safe against additions while it runs; nothing is removed before sweep().
  void for_each(const std::function<void(IkeSa&)>& visit);
  void for_each(const std::function<void(const IkeSa&)>& visit) const;
  // Every SA of that connection which authenticated or which we began, and which is not on its way out.
  std::vector<IkeSa*> of(const std::string& connection);
  // The newest established one; nullptr where there is none.
  IkeSa* newest(const std::string& connection);
  // Those whose peer has proven nothing, of which that holds.
  struct HalfOpen {
    size_t begun = 0;         // by one message, which cost little to answer and whose address may be feigned
    size_t advanced = 0;      // by more, or at some cost
    IkeSa* oldest = nullptr;  // of those begun
    IkeSa* oldest_advanced = nullptr;
    size_t count() const { return begun + advanced; }
  };
  HalfOpen half_open(const std::function<bool(const IkeSa&)>& counts);
  void sweep();

  std::list<ChildSa>& children() { return children_; }
  const std::list<ChildSa>& children() const { return children_; }
  ChildSa* find_child(uint32_t inbound_spi);

  std::vector<Farewell> farewells;

 private:
  std::map<uint64_t, std::unique_ptr<IkeSa>> by_local_cookie_;
  std::list<ChildSa> children_;
};

// Sends a message of phase 1 that an answer is awaited of, and remembers it as the answer to `received`, where there is
// one.
void send_phase1(Context& context, IkeSa& sa, const DatagramReceived* received, Bytes datagram, bool awaits_answer);
// Payloads as a ciphertext under `iv`, which becomes the next message's.
Bytes encrypt(const IkeSa& sa, Bytes& iv, const wire::Payloads& payloads);
// The other way. `iv` is the message's own and stays as it is: whether the message counts is not known yet. The plain
// bytes come along because hashes cover them.
struct Decrypted {
  wire::Chain chain;  // one payload at least
  Bytes plaintext;
  Bytes next_iv;

  // What HASH(1) and HASH(2) cover: the payloads behind the first, which must be the hash.
  ByteView behind_hash() const;
};
std::optional<Decrypted> decrypt(const IkeSa& sa, ByteView iv, const wire::Header& header, ByteView datagram);

wire::Header header_of(const IkeSa& sa, wire::ExchangeType exchange, uint32_t message_id = 0);

}  // namespace sekisho::ike::v1
