// Where a connection stands, seen from the operator's wish and the SAs that there are.
#pragma once

#include "control/ike/connection_table.h"
#include "control/ike/engine.h"

namespace sekisho::ike {

// `sas`: those of every connection.
ConnectionView view(const ConnectionEntry& entry, const std::vector<IkeSaView>& sas);

}  // namespace sekisho::ike
