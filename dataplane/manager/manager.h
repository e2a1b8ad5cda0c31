// The manager's loop: waits for control, carries its session on, passes the workers' events to it, watches links, and
// moves on what waits for grace periods. It runs on the main lcore and is the only writer of all tables.
//
// There is one control at a time. A second one is refused while the first lives; when control goes, forwarding goes on
// with everything as it is, and the next control is told what there is.
#pragma once

#include <string>

#include "base/clock.h"
#include "base/message.h"
#include "dataplane/manager/control_session.h"
#include "dataplane/manager/forwarding.h"
#include "dataplane/manager/listener.h"
#include "ipc/counter_memory.h"

namespace sekisho::dataplane {

class Manager {
 public:
  Manager(Listener listener, Forwarding& forwarding, const ipc::CounterMemory& counters)
      : listener_(std::move(listener)), forwarding_(forwarding), counters_(counters) {}

  // Until `stop_fd` is readable.
  void run(int stop_fd);

 private:
  bool serve_session();
  void end_session(const Error& why);
  void accept_control();
  void forward_events();
  void watch_links();
  int timeout(bool more) const;

  Listener listener_;
  Forwarding& forwarding_;
  const ipc::CounterMemory& counters_;
  std::unique_ptr<ControlSession> session_;
  Instant next_link_check_{};
};

}  // namespace sekisho::dataplane
