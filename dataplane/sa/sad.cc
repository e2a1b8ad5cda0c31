#include "dataplane/sa/sad.h"

namespace sekisho::dataplane {

Sad::~Sad() {
  for (uint32_t id = 0; id < ipc::max_sas; ++id) {
    unlink_inbound(ipc::SaId(id));
    unlink_outbound(ipc::SaId(id));
  }
}

}  // namespace sekisho::dataplane
