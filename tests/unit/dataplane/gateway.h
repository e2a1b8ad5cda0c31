// A data path with two ports of memory, and the manager's part played by hand. Gateway 0 has 10.1.0.0/16 and
// fd00:1::/64 behind it and is 192.0.2.1 and 2001:db8::1 outside; gateway 1 has 10.2.0.0/16 and fd00:2::/64 and is
// 192.0.2.2 and 2001:db8::2. Tunnel 0 leads to the other one; tunnel 1 (172.16.0.0/16) has no SA. 203.0.113.0/24 is
// punted, 198.51.100.0/24 is a blackhole.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/fib/fib.h"
#include "dataplane/worker/worker.h"
#include "tests/unit/dataplane/memory_port.h"
#include "tests/unit/dataplane/packets.h"

namespace sekisho::dataplane::test {

inline constexpr FibLimits fib_limits{.ipv4_routes = 4096, .ipv4_tables = 64, .ipv6_routes = 1024, .ipv6_tables = 4096};

// FIBs are big: one a gateway serves all tests.
struct Tables {
  Qsbr qsbr{2};
  Fib& fib();

 private:
  std::unique_ptr<Fib> fib_;
};
Tables& tables(unsigned gateway);

inline constexpr ipc::PortId wan_port{0}, lan_port{1};
inline constexpr ipc::TunnelId tunnel{0}, tunnel_without_sa{1};
inline constexpr uint16_t tunnel_mtu = 1400;

struct Punted {
  Via via;
  uint16_t id;
  Bytes bytes;
};

class Gateway {
 public:
  explicit Gateway(unsigned index, crypto::EspBackend backend = crypto::EspCrypto::fastest());

  const char* wan_address(Family family = Family::ipv4) const {
    if (family == Family::ipv6) return index_ == 0 ? "2001:db8::1" : "2001:db8::2";
    return index_ == 0 ? "192.0.2.1" : "192.0.2.2";
  }
  MacAddress mac(ipc::PortId port) const;
  // What stands behind the port and sends or gets its frames.
  MacAddress neighbour(ipc::PortId port) const;

  // The packet arrives by the port, in a frame from the neighbour; the worker runs until all is done.
  void receive(ipc::PortId port, ByteView packet);
  void receive_frame(ipc::PortId port, ByteView frame);
  void receive_frames(ipc::PortId port, const std::vector<Bytes>& frames);
  void from_kernel(Via via, uint16_t id, ByteView bytes);

  std::vector<Bytes> sent(ipc::PortId port) { return (port == wan_port ? wan_ : lan_).sent(); }
  std::vector<Punted> punted();
  std::optional<PathEvent> event();
  // No event has room in the ring until event() was called.
  void fill_events();

  // As the manager does it.
  Result<void> add(const ipc::SaAdd& sa);
  Result<void> move(const ipc::SaMove& move);
  void remove(ipc::SaId sa);
  // From now on these filters and no others, each with its own rules at one interface: a port or else a tunnel. They
  // keep their identities by their order.
  struct Attachment {
    std::optional<ipc::PortId> port;
    ipc::TunnelId tunnel;
    std::vector<ipc::FilterRuleAdd> rules;
  };
  void set_filters(const std::vector<Attachment>& attachments);
  void set_next_hop(ipc::NextHopId id, ipc::NextHopKind kind, uint16_t target = 0);
  void set_next_hop(ipc::NextHopId id, const NextHop& next_hop);
  void set_group(ipc::NextHopId id, const NextHopGroup& group);
  void set_route(const char* prefix, ipc::NextHopId next_hop);

  uint64_t drops(ipc::DropReason reason) const { return counters_->drops.value[static_cast<size_t>(reason)]; }
  // Of the first filter.
  uint64_t count(ipc::FilterCounter counter) const { return counters_->filters[0].value[static_cast<size_t>(counter)]; }
  uint64_t all_drops() const;
  uint64_t count(ipc::SaId sa, ipc::SaCounter counter) const {
    return counters_->sas[sa.value()].value[static_cast<size_t>(counter)];
  }
  uint64_t count(ipc::PortId port, ipc::PortCounter counter) const {
    return counters_->ports[port.value()].value[static_cast<size_t>(counter)];
  }

  // Another worker on the same tables; its ports are its own.
  std::unique_ptr<Worker> another_worker(ipc::WriterCounters& counters);

  MemoryPort& port(ipc::PortId port) { return port == wan_port ? wan_ : lan_; }
  Worker& worker() { return *worker_; }
  Sad& sad() { return *sad_; }
  TunnelTable& tunnels() { return *tunnels_; }
  WorkerPorts& ports() { return ports_; }
  WorkBoard& board() { return board_; }

 private:
  void set_up_routes();
  template <typename Stage>
  void commit(Stage stage);
  SharedTables shared();

  unsigned index_;
  MemoryPort wan_, lan_;
  std::unique_ptr<Sad> sad_ = std::make_unique<Sad>();
  std::unique_ptr<TunnelTable> tunnels_ = std::make_unique<TunnelTable>();
  std::unique_ptr<ipc::WriterCounters> counters_ = std::make_unique<ipc::WriterCounters>();
  std::unique_ptr<EventRing> events_;
  std::unique_ptr<FilterTable> filters_;
  uint16_t generation_ = 0;
  Doorbell manager_bell_, slow_path_bell_;
  std::unique_ptr<crypto::EspCrypto> crypto_;
  WorkBoard board_;
  WorkerPorts ports_;
  std::unique_ptr<Worker> worker_;
};

inline constexpr ipc::SaId outbound_id{10}, inbound_id{20};

// The SA that carries `from`'s traffic to `to`, as either side gets it.
struct SaPair {
  ipc::SaAdd outbound, inbound;
};
SaPair make_sa(const Gateway& from, const Gateway& to, EspSuite suite = EspSuite::aes128gcm16,
               Family outer = Family::ipv4);

}  // namespace sekisho::dataplane::test
