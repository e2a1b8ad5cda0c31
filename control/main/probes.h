// The probes of all tunnels: sends what their state machines (tunnel/probe.h) want sent, gives them the answers, and
// says when one has changed its mind. Those that go by BFD (routing/bfd/probe.h) are given bfdd's word instead. A
// tunnel is probed while it is up.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "control/config/config.h"
#include "control/loop/loop.h"
#include "control/routing/bfd/probe.h"
#include "control/routing/bfd/session_watch.h"
#include "control/rpc/operations.h"
#include "control/transport/echo_sockets.h"
#include "control/tunnel/probe.h"

namespace sekisho::control {

class ProbeHost {
 public:
  virtual ~ProbeHost() = default;
  // The tunnel's interface, while it is up.
  virtual std::optional<int> probe_link(const std::string& tunnel) const = 0;
  virtual std::string probe_interface(const std::string& tunnel) const = 0;
  // What passes() or fault() say is another matter now. Not called from within set(), start() and stop().
  virtual void probe_changed(const std::string& tunnel) = 0;
};

class Probes {
 public:
  // `connect` opens bfdd's command line.
  Probes(sd_event* loop, ProbeHost& host, Random& random, bfd::SessionWatch::Connect connect);

  // Another probe than before, or none. A tunnel that is being probed passes until the new probe says otherwise, unless
  // it failed by the old one.
  void set(const std::string& tunnel, const std::optional<config::Probe>& wanted, bool up);
  void remove(const std::string& tunnel);
  // The tunnel is up. `proven`: it was so before and carries traffic, and passes until its probe says otherwise.
  void start(const std::string& tunnel, bool proven);
  void stop(const std::string& tunnel);

  // The tunnel has no probe, or one that is answered, or one that counts for nothing.
  bool passes(std::string_view tunnel) const;
  // What there is to say of one that fails, or counts for nothing: "169.254.1.2: 3 of the last 5 lost".
  // SKO-RTG-033, 036 to 038.
  std::optional<Error> fault(std::string_view tunnel) const;
  static bool is_fault(const Message& message);
  std::optional<rpc::ProbeView> view(std::string_view tunnel) const;

 private:
  struct Entry {
    config::Probe wanted;
    std::string interface;
    std::optional<Probe> running;
    std::string fault;  // why the last one could not be sent
    std::optional<bfd::Probe> by_bfd;
  };
  // What others are told of: whether it passes, and what is wrong.
  using Standing = std::pair<bool, const Message*>;
  static bool passes(const Entry& entry);
  static const Message* fault(const Entry& entry);
  static Standing standing(const Entry& entry) { return {passes(entry), fault(entry)}; }
  static rpc::ProbeView view(const Probe& running);
  static rpc::ProbeView view(const bfd::Probe& running);
  Error describe(const Entry& entry, const Message& fault) const;
  void begin(Entry& entry, bool proven);
  void step();
  void receive();
  void take(const EchoSockets::Reply& reply);
  void take(const Result<std::vector<bfd::Session>>& sessions);
  void send(const std::string& tunnel, Entry& entry, const Probe::Request& request);
  void watch();
  void arm();
  // Notes that the entry may have changed its mind since `before`; tell() calls the host for those that have.
  void note(const std::string& tunnel, const Entry& entry, const Standing& before);
  void tell();

  sd_event* loop_;
  ProbeHost& host_;
  Random& random_;
  EchoSockets sockets_;
  std::vector<Watch> watches_;  // while there is a probe by echoes
  Timer timer_;
  bfd::SessionWatch sessions_;  // while a tunnel is probed by BFD
  std::string silence_;         // why bfdd has not answered last
  std::map<std::string, Entry, std::less<>> entries_;
  std::vector<std::string> changed_;
};

}  // namespace sekisho::control
