// A child SA of IKEv1 ("IPsec SA" in its RFCs): one ESP SA in each direction, made by a quick mode. It belongs to the
// connection, not to the ISAKMP SA that the quick mode ran under, and outlives it.
//
// Nothing on the wire says which child a new one replaces. So the newest one for the same traffic carries it, and those
// before are superseded: one of the two ends, the same one at both, deletes them after a while, and the other end does
// so only if that does not happen. Where the ends see two new ones in a different order, that end's view wins.
#pragma once

#include <list>
#include <string>
#include <string_view>

#include "control/ike/suite/selectors.h"
#include "control/ike/v1/context.h"
#include "control/ike/v1/suite/proposals.h"

namespace sekisho::ike::v1 {

struct IkeSa;

enum class ChildState : uint8_t {
  unconfirmed,  // the peer may not have it yet; nothing is sent on it
  installed,
  superseded,  // a newer one carries the traffic
  deleting,    // our delete went out, and the peer's is awaited
  lingering,  // not to be used any more; inbound stays for what is under way, and outbound until another one is sent on
};

struct ChildSa {
  std::string connection;
  std::string name;  // ChildDefinition::name
  uint32_t inbound_spi = 0, outbound_spi = 0;
  EspSuite suite{};
  crypto::KeyExchangeId pfs = crypto::KeyExchangeId::none;
  bool udp_encapsulation = false;
  bool outbound_active = false;
  ike::suite::Selectors selectors;  // one on each side
  Endpoint local, remote;           // outer addresses
  ChildState state = ChildState::installed;
  Instant created{}, rekey_at{}, expires_at{};
  // unconfirmed: when it carries the traffic at the latest, where we began. superseded: when it is to be deleted.
  // deleting: when the delete is repeated.
  Instant next_at{};
  unsigned deletes = 0;  // sent so far

  bool live() const { return state <= ChildState::superseded; }
  bool carries(const ChildSa& other) const {
    return connection == other.connection && name == other.name && selectors == other.selectors;
  }
};

// A child that has gone: the peer is told until it deletes its half, or for a minute.
struct Farewell {
  std::string connection;
  uint32_t inbound_spi = 0, outbound_spi = 0;
  unsigned deletes = 0;  // sent so far
  Instant next_at{}, forget_at{};
};

std::string_view name(ChildState state);

// Everything that a quick mode agreed upon.
struct NegotiatedChild {
  const ChildDefinition* definition = nullptr;
  suite::ChosenEsp chosen;
  uint32_t inbound_spi = 0;
  ike::suite::Selectors selectors;
  bool began_here = false;
  ByteView nonce_i, nonce_r;
  const SecretBytes* shared_secret = nullptr;  // with PFS
  suite::Lifetime lifetime;                    // of both ends the shorter
};

// Derives the keys and installs both directions; outbound is active at once where we began and nothing else carries the
// traffic.
void install_child(Context& context, IkeSa& sa, const NegotiatedChild& negotiated);
// The peer has the child too: it carries its traffic from now on.
void confirm_child(Context& context, ChildSa& child);
// The initiator never said its last word, nor sent a packet. It may have the child nevertheless, so it is told.
void give_up_unconfirmed(Context& context, uint32_t inbound_spi);
// Out of the data path and out of the list, at once. Another one for the same traffic takes over.
void remove_child(Context& context, uint32_t inbound_spi);
void remove_children_of(Context& context, const std::string& connection);
// A peer that `began` anew has none of those made before. They stay for a moment, so that the tunnel goes on to what
// the peer is about to ask for and is not down in between. False: there was none.
bool peer_lost_children(Context& context, const std::string& connection, Instant began);
// The peer closed its inbound half.
void peer_deletes_child(Context& context, IkeSa& sa, uint32_t outbound_spi);
// Its lifetime is over: gone at once, and the peer is told.
void hard_expire_child(Context& context, ChildSa& child);
// The data path does not take it; the next one may be refused as well, so that one is asked for after a while.
void refuse_child(Context& context, ChildSa& child);
void send_farewells(Context& context);
// As if its margin had begun. `respond` alone does not make an ISAKMP SA for it.
void rekey_child(Context& context, ChildSa& child);

std::optional<Instant> deadline(const ChildSa& child);
void on_timer(Context& context, ChildSa& child);

// The quick mode's mode attribute, and whether ESP travels in UDP (RFC 3947 section 5.1).
bool encapsulates(const IkeSa& sa);

}  // namespace sekisho::ike::v1
