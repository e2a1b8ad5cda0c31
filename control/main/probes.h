// The probes of all tunnels: sends what their state machines (tunnel/probe.h) want sent, gives them the answers, and
// says when one has changed its mind. A tunnel is probed while it is up.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "control/config/config.h"
#include "control/loop/loop.h"
#include "control/rpc/operations.h"
#include "control/transport/echo_sockets.h"
#include "control/tunnel/probe.h"

namespace sekisho::control {

class ProbeHost {
 public:
  virtual ~ProbeHost() = default;
  // The tunnel's interface, while it is up.
  virtual std::optional<int> probe_link(const std::string& tunnel) const = 0;
  // Whether it passes() is another matter now. Not called from within set(), start() and stop().
  virtual void probe_changed(const std::string& tunnel) = 0;
};

class Probes {
 public:
  Probes(sd_event* loop, ProbeHost& host, Random& random);

  // Another probe than before, or none. A tunnel that is being probed passes until the new probe says otherwise, unless
  // it failed by the old one.
  void set(const std::string& tunnel, const std::optional<config::Probe>& wanted, bool up);
  void remove(const std::string& tunnel);
  // The tunnel is up. `proven`: it was so before and carries traffic, and passes until its probe says otherwise.
  void start(const std::string& tunnel, bool proven);
  void stop(const std::string& tunnel);

  // The tunnel has no probe, or answers it.
  bool passes(std::string_view tunnel) const;
  bool failing(std::string_view tunnel) const;
  // What there is to say of one that fails: "169.254.1.2: 3 of the last 5 lost".
  std::string reason(std::string_view tunnel) const;
  std::optional<rpc::ProbeView> view(std::string_view tunnel) const;

 private:
  struct Entry {
    config::Probe wanted;
    std::optional<Probe> running;
    std::string fault;  // why the last one could not be sent
  };
  void begin(Entry& entry, Probe::State initial);
  void step();
  void receive();
  void take(const EchoSockets::Reply& reply);
  void send(const std::string& tunnel, Entry& entry, const Probe::Request& request);
  void watch();
  void arm();
  // Notes that the entry may have changed its mind since `before`; tell() calls the host for those that have.
  void note(const std::string& tunnel, const Entry& entry, Probe::State before);
  void tell();

  sd_event* loop_;
  ProbeHost& host_;
  Random& random_;
  EchoSockets sockets_;
  std::vector<Watch> watches_;  // while there is a probe
  Timer timer_;
  std::map<std::string, Entry, std::less<>> entries_;
  std::vector<std::string> changed_;
};

}  // namespace sekisho::control
