// What sekisho-control may do once its sockets are open: configure the network (CAP_NET_ADMIN), nothing else. Ports 500
// and 4500 are bound before; a new binding is never needed, since the sockets serve every address.
#pragma once

#include "base/message.h"

namespace sekisho::control {

// No core dump, no new privileges, capabilities reduced for good.
Result<void> drop_privileges();

}  // namespace sekisho::control
