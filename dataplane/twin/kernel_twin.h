// A kernel twin: the TAP that stands for a port, or the TUN that stands for a tunnel, in the network namespace this
// process was started in. Whoever may can move it into another one: the descriptor goes on as before. Frames come
// without a packet-information header. The kernel's interface lives exactly as long as this object, so also no longer
// than the process. Addresses, routes, up and down are control's business.
#pragma once

#include <string>

#include "base/address.h"
#include "base/message.h"
#include "base/unique_fd.h"

namespace sekisho::dataplane {

class KernelTwin {
 public:
  static Result<KernelTwin> make_tap(const std::string& name, const MacAddress& mac, uint16_t mtu);
  static Result<KernelTwin> make_tun(const std::string& name, uint16_t mtu);

  // Reads and writes one whole frame (TAP) or packet (TUN); non-blocking.
  int fd() const { return fd_.get(); }
  const std::string& name() const { return name_; }
  // Leaves a twin alone that was moved into another network namespace: whoever moved it sets its MTU, as only there it
  // can be set.
  Result<void> set_mtu(uint16_t mtu);

 private:
  Result<bool> has_moved() const;
  static Result<KernelTwin> make(const std::string& name, short kind);

  UniqueFd fd_;
  std::string name_;
};

// Whether the kernel would take this for an interface name, taken literally ("%" would make it a pattern).
bool valid_interface_name(std::string_view name);

}  // namespace sekisho::dataplane
