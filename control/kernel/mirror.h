// A copy of the kernel's links, addresses, routes (main and local tables, both families) and neighbours, kept up to
// date by its notifications. Where notifications were lost (ENOBUFS) or do not tell enough, the kernel is read anew.
#pragma once

#include <memory>
#include <vector>

#include "base/message.h"
#include "control/kernel/netlink.h"
#include "control/kernel/objects.h"

namespace sekisho::kernel {

class Mirror {
 public:
  // Subscribes, then reads everything once. With sockets, of the network namespace in which they were opened.
  static Result<std::unique_ptr<Mirror>> open(UniqueFd monitor = {}, UniqueFd requests = {});

  // Readable when the kernel has reported something.
  int fd() const;
  struct Update {
    bool changed = false;
    std::vector<NeighbourKey> turned_stale;
  };
  // Takes in what was reported, a bounded batch at a time. An error is the kernel's refusal to be read; the next call
  // tries again.
  Result<Update> process();
  const State& state() const { return state_; }
  // Whether that is all of what the kernel had told by the last process().
  bool is_current() const { return drained_ && !lost_ && !routes_suspect_; }

 private:
  Mirror(NetlinkHandle monitor, Netlink requests) : monitor_(std::move(monitor)), requests_(std::move(requests)) {}
  // Nothing was left to receive: true.
  bool receive(std::vector<char>& buffer, Update& update);
  void take(const nlmsghdr& message, Update& update);
  Result<void> read_all();
  Result<void> read_routes();
  Result<void> dump(State& into, uint16_t type, uint8_t family);

  NetlinkHandle monitor_;
  Netlink requests_;
  State state_;
  // Both stay until the kernel has been read anew.
  bool lost_ = false;
  bool routes_suspect_ = false;
  bool drained_ = false;
};

}  // namespace sekisho::kernel
