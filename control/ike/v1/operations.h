// What the engine's events mean for connections of IKEv1, and how their SAs look from outside.
#pragma once

#include "control/ike/v1/ike_sa.h"

namespace sekisho::ike::v1 {

// Every child SA of the connection, or of the one definition that is named, gets new keys; every ISAKMP SA is replaced
// by a new one.
void rekey_children(Context& context, const std::string& connection, const std::string& name);
void rekey_ike(Context& context, const std::string& connection);
// False where no child of IKEv1 has that SPI.
bool take_child_event(Context& context, const ChildSaEvent& event);
bool take_move(Context& context, const PeerMoved& event);
// Its definition changed in what needs no new SAs.
void redefine(Context& context, const std::shared_ptr<const Connection>& connection);
// Tells every peer, once, and forgets everything.
void shut_down(Context& context);

void add_views(const SaTable& sas, std::vector<IkeSaView>& views);

}  // namespace sekisho::ike::v1
