// What the two sides of a quick mode share and nobody else needs.
#pragma once

#include "control/ike/v1/quick_mode.h"

namespace sekisho::ike::v1 {

// Sends the payloads behind their HASH, which `hash` computes over their bytes. `received`: what this answers.
void send_quick_mode(Context& context, IkeSa& sa, uint32_t message_id, QuickMode& quick_mode,
                     const DatagramReceived* received, wire::Payloads payloads,
                     const std::function<Bytes(ByteView rest)>& hash);
// A message under the running IV whose HASH is what `expected` computes over the bytes behind it; the IV moves on then.
std::optional<wire::Payloads> open_quick_mode(const IkeSa& sa, QuickMode& quick_mode, const wire::Header& header,
                                              ByteView datagram, const std::function<Bytes(ByteView rest)>& expected);

// The initiator is done after two messages, the responder after three; both stay able to repeat the last one.
void done(Context& context, QuickMode& quick_mode);

// Where messages of that quick mode go.
const Endpoint& remote_of(const IkeSa& sa, const QuickMode& quick_mode);
wire::EncapsulationMode mode_of(const IkeSa& sa);
const ChildDefinition* find_definition(const Connection& connection, const std::string& name);
std::string text(const ike::suite::Selectors& selectors);
suite::Lifetime lifetime_of(const ChildDefinition& definition);

void receive_quick_1(Context& context, IkeSa& sa, const DatagramReceived& datagram, const wire::Header& header);
void receive_quick_2(Context& context, IkeSa& sa, QuickMode& quick_mode, const DatagramReceived& datagram,
                     const wire::Header& header);
void receive_quick_3(Context& context, IkeSa& sa, QuickMode& quick_mode, const DatagramReceived& datagram,
                     const wire::Header& header);

}  // namespace sekisho::ike::v1
