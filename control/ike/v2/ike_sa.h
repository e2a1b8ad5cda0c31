// An IKE SA, as data: its keys, its windows, its tasks and its children. What happens to it is in the files of the
// exchanges; this one has what they share.
#pragma once

#include <deque>
#include <list>
#include <memory>
#include <optional>
#include <string>

#include "control/ike/exchange.h"
#include "control/ike/path_mtu.h"
#include "control/ike/suite/keys.h"
#include "control/ike/v2/child_sa.h"
#include "control/ike/v2/reassembly.h"
#include "control/ike/v2/task.h"
#include "control/ike/wire/message.h"
#include "crypto/ike/key_exchange.h"
#include "crypto/ike/sk_cipher.h"

namespace sekisho::ike::v2 {

//   initiator:  init_sent -> auth_sent ---.
//   responder:  init_answered ------------+-> established -> rekeyed  -> closed
//                                                        `-> deleting -> closed
enum class IkeState : uint8_t {
  init_sent,      // our IKE_SA_INIT request is in flight
  auth_sent,      // our IKE_AUTH request is in flight
  init_answered,  // half open: IKE_AUTH is awaited; anybody may have come so far
  established,
  rekeyed,   // the children have moved to a newer one; a delete, ours or the peer's, ends it
  deleting,  // our delete is in flight
  closed,    // remembers its last reply for a moment, for a peer that asks again
  gone,      // swept at the end of the step
};

// What only the first two exchanges need.
struct Handshake {
  std::unique_ptr<crypto::KeyExchange> key_exchange;
  Bytes nonce_i, nonce_r;
  Bytes cookie;             // initiator: the peer wants it back
  Bytes request, response;  // IKE_SA_INIT as sent and received, for AUTH
  unsigned restarts = 0;
  std::vector<crypto::SignatureHash> peer_hashes;  // SIGNATURE_HASH_ALGORITHMS; empty: RFC 7427 is unknown there
  bool ppk = false;                                // both ends have said USE_PPK
  // An error that anybody could have sent: what the attempt is reported to have failed for if nothing better comes.
  const Message* hint = nullptr;
  std::string hint_detail;
  std::optional<Mismatch> hint_mismatch;
};

// The outer addresses of children.
struct ChildPath {
  Endpoint local, remote;
  bool udp_encapsulation = false;
};

// A rekey of this IKE SA that the peer began and we answered while ours was in flight.
struct PeersRekey {
  uint64_t local_spi = 0;  // of the new IKE SA
  Bytes lowest_nonce;
};

struct IkeSa {
  std::shared_ptr<const Connection> connection;  // nullptr: half open, the peer's identity is not known
  IkeState state = IkeState::init_sent;
  bool initiator = false;    // of this IKE SA
  bool of_stranger = false;  // responder: no connection has its peer where this one was begun from
  uint64_t spi_i = 0, spi_r = 0;
  Endpoint local, remote;
  unsigned moves = 0;          // how often an update of the peer's changed them
  ChildPath child_path;        // where the children go; behind an update until the peer has shown that it is there
  bool nat_detection = false;  // the peer sends NAT_DETECTION payloads, so it can do UDP encapsulation
  bool local_behind_nat = false, remote_behind_nat = false;
  bool mobike = false;    // both ends speak RFC 4555
  bool may_move = false;  // by it: the first of this line of rekeyed IKE SAs was begun here
  PathMtu path_mtu;
  Bytes nat_mapping;  // NAT_DETECTION_DESTINATION_IP of the peer's last answer: what our NAT shows

  IkeProposal proposal;
  SecretBytes sk_d, sk_pi, sk_pr;
  std::optional<crypto::SkCipher> sealing, opening;

  Instant created{}, established_at{}, rekey_at{}, expires_at{}, last_heard{};
  std::optional<Instant> reauthenticate_at;  // by policy of ours, or the peer's AUTH_LIFETIME (RFC 4478)
  std::optional<WallTime> certified_until;   // notAfter of the certificate that the peer proved itself by
  unsigned refused_rekeys = 0;
  uint64_t replaces = 0;            // local SPI of the IKE SA that this one was begun to take over from; 0: none
  bool superseded = false;          // a newer IKE SA of the connection takes over, child by child
  std::optional<Instant> close_at;  // deleted then (established), or forgotten (any other state)

  RequestWindow requests;
  ReplyWindow replies;
  bool fragmentation = false;  // both ends speak RFC 7383
  Reassembly request_fragments, response_fragments;
  std::deque<std::unique_ptr<Task>> queue;
  std::unique_ptr<Task> active;
  std::unique_ptr<Handshake> handshake;
  std::optional<PeersRekey> peers_rekey;
  uint64_t predecessor = 0;  // local SPI of the IKE SA that a rekey by the peer replaced with this one
  std::list<ChildSa> children;

  uint64_t local_spi() const { return initiator ? spi_i : spi_r; }
  std::string name() const { return connection ? connection->name : std::string(); }
  // Half open, or refused and remembered for its reply: memory that somebody holds who has proven nothing.
  bool unauthenticated() const { return !connection; }
  bool handshaking() const { return state <= IkeState::init_answered; }
  bool in_flight(Task::Kind kind) const { return active && active->kind() == kind; }
  bool pending(Task::Kind kind) const;
  bool asks_for(std::string_view child) const;  // a new one by that definition, now or soon
};

std::string_view name(IkeState state);
// "a1b2.../c3d4... with 10.9.2.2:500", for the details of reports.
std::string describe(const IkeSa& sa);

// Splits the keys over the SA: ciphers by direction, the rest for AUTH and for children.
void set_keys(Context& context, IkeSa& sa, suite::IkeKeys keys);

// Of IP, UDP and the non-ESP marker, in octets, before each of its messages.
size_t outer_headers(const IkeSa& sa);

void enqueue(IkeSa& sa, std::unique_ptr<Task> task);
void enqueue_first(IkeSa& sa, std::unique_ptr<Task> task);
// Sends the next request if none is in flight.
void pump(Context& context, IkeSa& sa);
// A protected request of which no answer is awaited, before the SA is forgotten.
void send_farewell(Context& context, IkeSa& sa, const wire::Payloads& payloads);
void send_reply(Context& context, IkeSa& sa, const DatagramReceived& request, const wire::Header& header,
                const wire::Payloads& payloads);
wire::Notify notify(wire::NotifyType type, Bytes data = {});
bool offers_group(const Connection& connection, crypto::KeyExchangeId group);

}  // namespace sekisho::ike::v2
