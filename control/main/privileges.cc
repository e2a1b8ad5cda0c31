#include "control/main/privileges.h"

#include <sys/capability.h>
#include <sys/prctl.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <type_traits>

#include "base/messages/system.h"

namespace sekisho::control {
namespace {

struct CapFree {
  void operator()(void* set) const { cap_free(set); }
};
using CapSet = std::unique_ptr<std::remove_pointer_t<cap_t>, CapFree>;

constexpr cap_value_t kept = CAP_NET_ADMIN;

std::unexpected<Error> refused(const char* call) {
  return fail(messages::system_call_failed, std::string(call) + ": " + std::strerror(errno));
}

bool holds(cap_value_t capability) {
  const CapSet current(cap_get_proc());
  cap_flag_value_t set = CAP_CLEAR;
  return current && cap_get_flag(current.get(), capability, CAP_PERMITTED, &set) == 0 && set == CAP_SET;
}

}  // namespace

Result<void> drop_privileges() {
  if (!holds(kept)) return fail(messages::system_call_failed, "CAP_NET_ADMIN is missing");
  if (holds(CAP_SETPCAP))
    for (cap_value_t capability = 0; capability <= CAP_LAST_CAP; ++capability)
      if (capability != kept && cap_get_bound(capability) > 0 && cap_drop_bound(capability) != 0)
        return refused("cap_drop_bound");
  const CapSet set(cap_init());
  if (!set || cap_set_flag(set.get(), CAP_PERMITTED, 1, &kept, CAP_SET) != 0 ||
      cap_set_flag(set.get(), CAP_EFFECTIVE, 1, &kept, CAP_SET) != 0 || cap_set_proc(set.get()) != 0)
    return refused("cap_set_proc");
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return refused("PR_SET_NO_NEW_PRIVS");
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return refused("PR_SET_DUMPABLE");
  return {};
}

}  // namespace sekisho::control
