// A child SA: one ESP SA in each direction, known by the SPI of the inbound one. Keys pass through here into the
// InstallChildSa action and are not kept.
#pragma once

#include <string>
#include <string_view>

#include "control/ike/suite/keys.h"
#include "control/ike/suite/proposals.h"
#include "control/ike/suite/selectors.h"
#include "control/ike/v2/context.h"

namespace sekisho::ike::v2 {

enum class ChildState : uint8_t {
  installed,
  rekeying,   // our request to replace it is in flight
  rekeyed,    // a newer one is in place; its delete is awaited or about to go out
  redundant,  // lost a simultaneous rekey (RFC 7296 section 2.8.1); the peer will delete it, nothing is sent on it
  deleting,   // our delete is in flight
  lingering,  // not to be used any more; inbound stays for what is under way, and outbound until another one is sent on
};

struct ChildSa {
  std::string name;  // ChildDefinition::name
  uint32_t inbound_spi = 0, outbound_spi = 0;
  EspSuite suite{};
  bool esn = false;
  bool udp_encapsulation = false;
  bool outbound_active = false;
  bool confirmed = false;  // the peer has it too: it has had our answer, or it began
  crypto::KeyExchangeId pfs = crypto::KeyExchangeId::none;
  suite::Selectors selectors;
  Instant created{}, rekey_at{}, expires_at{};
  std::optional<Instant> turn_at;  // is sent on from then on, if it is not before and no other one is
  ChildState state = ChildState::installed;
  unsigned refusals = 0;      // of a rekey, one after the other
  bool rekey_queued = false;  // a task of ours that will rekey it waits for its turn

  // Set once a rekey that the peer began has replaced this one: the new inbound SPI, and the lower one of that
  // exchange's nonces, which decides where ours is in flight too.
  uint32_t peers_successor = 0;
  Bytes peers_lowest_nonce;

  // Counts for "the tunnel has a child SA".
  bool live() const { return state <= ChildState::rekeyed; }
};

std::string_view name(ChildState state);

// Everything that an exchange agreed upon.
struct NegotiatedChild {
  const ChildDefinition& definition;
  suite::ChosenEsp chosen;
  uint32_t inbound_spi = 0;
  suite::Selectors selectors;
  bool began_here = false;  // we sent the request
  ByteView nonce_i, nonce_r;
  const SecretBytes* shared_secret = nullptr;  // with PFS
};

struct IkeSa;

ChildSa* find_inbound(IkeSa& sa, uint32_t spi);
ChildSa* find_outbound(IkeSa& sa, uint32_t spi);

// Derives the keys and installs both directions. Outbound is active at once where we began (the peer has the SA
// already), or where no other one of its definition carries traffic, be it of an engine before this one.
ChildSa& install_child(Context& context, IkeSa& sa, const NegotiatedChild& negotiated);
// The peer has sent another request in this IKE SA: it has had our answers to those before, and their children. Where
// their traffic goes by those of another IKE SA, or of an engine before this one, it turns to them.
void confirm_children(Context& context, IkeSa& sa);
// Sends on this one from now on.
void activate_outbound(Context& context, IkeSa& sa, ChildSa& child);
// `turn_at` has come.
void turn_to(Context& context, IkeSa& sa, ChildSa& child);
// Out of the data path and out of the list, at once. Where its traffic went that way, another live one of its
// definition takes over.
void remove_child(Context& context, IkeSa& sa, uint32_t inbound_spi);
// The same for a child whose successor carries the traffic: inbound stays a moment for packets that the delete
// overtook.
void retire_child(Context& context, IkeSa& sa, uint32_t inbound_spi);
// The IKE SA goes. Children that another IKE SA has too still take what is under way: until the delete is answered
// (`rest`: deleting) or for a moment (lingering). All others go at once.
void hand_over_children(Context& context, IkeSa& sa, ChildState rest);
// The peer began anew. Perhaps its data path did not: all children stay a while, and are sent on until the peer turns
// to their successors, for it learns of those only now.
void linger(Context& context, IkeSa& sa);
// Those of a closed SA that are not sent on.
void remove_idle_children(Context& context, IkeSa& sa);
void remove_all_children(Context& context, IkeSa& sa);
bool has_live_child(const IkeSa& sa);
bool has_live_child(const IkeSa& sa, std::string_view name);
// Whether children of this SA travel in UDP.
bool encapsulates(const IkeSa& sa);
// All children, and those to come, go to the SA's local address and to `remote`, in UDP or not as encapsulates() says.
void move_children(Context& context, IkeSa& sa, const Endpoint& remote);

}  // namespace sekisho::ike::v2
