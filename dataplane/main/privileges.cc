#include "dataplane/main/privileges.h"

#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "base/messages/system.h"

namespace sekisho::dataplane {
namespace {

struct CapFree {
  void operator()(void* set) const { cap_free(set); }
};
using CapSet = std::unique_ptr<std::remove_pointer_t<cap_t>, CapFree>;

std::unexpected<Error> refused(const char* call) {
  return fail(messages::system_call_failed, std::string(call) + ": " + std::strerror(errno));
}

// Those of `wanted` that this process has; an unprivileged start keeps nothing and fails where it needs more.
std::vector<cap_value_t> held(std::initializer_list<cap_value_t> wanted) {
  const CapSet current(cap_get_proc());
  std::vector<cap_value_t> result;
  for (const cap_value_t capability : wanted) {
    cap_flag_value_t set = CAP_CLEAR;
    if (current && cap_get_flag(current.get(), capability, CAP_PERMITTED, &set) == 0 && set == CAP_SET)
      result.push_back(capability);
  }
  return result;
}

}  // namespace

Result<void> drop_privileges(DeviceAccess access) {
  const rlimit unlimited{RLIM_INFINITY, RLIM_INFINITY};
  setrlimit(RLIMIT_MEMLOCK, &unlimited);  // refused without CAP_SYS_RESOURCE: then CAP_IPC_LOCK does the same

  auto kept = held({CAP_NET_ADMIN, CAP_NET_RAW, CAP_IPC_LOCK});
  const auto keep = [&kept](std::initializer_list<cap_value_t> more) {
    for (const cap_value_t capability : held(more)) kept.push_back(capability);
  };
  if (access.pci) keep({CAP_SYS_ADMIN, CAP_SYS_RAWIO});
  if (access.af_xdp) keep({CAP_BPF, CAP_PERFMON, CAP_SYS_ADMIN});

  // no_new_privs alone already denies file capabilities and setuid; the bounding set is narrowed where that is allowed.
  if (!held({CAP_SETPCAP}).empty())
    for (cap_value_t capability = 0; capability <= CAP_LAST_CAP; ++capability)
      if (std::ranges::find(kept, capability) == kept.end() && cap_get_bound(capability) > 0 &&
          cap_drop_bound(capability) != 0)
        return refused("cap_drop_bound");
  const CapSet set(cap_init());
  const int count = static_cast<int>(kept.size());
  if (!set || (count > 0 && (cap_set_flag(set.get(), CAP_PERMITTED, count, kept.data(), CAP_SET) != 0 ||
                             cap_set_flag(set.get(), CAP_EFFECTIVE, count, kept.data(), CAP_SET) != 0)))
    return refused("cap_set_flag");
  if (cap_set_proc(set.get()) != 0) return refused("cap_set_proc");
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return refused("PR_SET_NO_NEW_PRIVS");
  return {};
}

}  // namespace sekisho::dataplane
