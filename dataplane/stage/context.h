// What the stages of one worker share: its tables (as of this iteration), its counters, and the three ways in which a
// packet leaves it: dropped under a name, punted to the kernel, or put into a TX buffer.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "dataplane/fib/replica.h"
#include "dataplane/filter/judge.h"
#include "dataplane/sa/event_ring.h"
#include "dataplane/sa/sad.h"
#include "dataplane/stage/burst.h"
#include "dataplane/stage/count.h"
#include "dataplane/stage/profile.h"
#include "dataplane/stage/tx_buffers.h"
#include "dataplane/worker/ports.h"
#include "dataplane/worker/rings.h"
#include "dataplane/worker/shared_crypto.h"
#include "ipc/counters.h"

struct rte_mempool;

namespace sekisho::dataplane {

struct Context {
  ipc::WriterCounters& counters;
  const Sad& sad;
  TunnelTable& tunnels;
  SharedCrypto& crypto;
  EventRing& events;
  Doorbell& manager_bell;
  Doorbell& slow_path_bell;
  HandedRing& to_kernel;
  rte_mempool* packets;  // what fragments are made of
  TxBuffers tx;

  // Loaded anew for each iteration; valid until its end.
  const Replica* replica = nullptr;
  const WorkerPorts* ports = nullptr;
  const Filters* filters = nullptr;  // no interface has one

  FilterTable* filter_table = nullptr;  // none: there is nothing that could have made filters

  StageProfile* profile = nullptr;  // set while somebody measures
  void mark(Stage stage) {
    if (profile != nullptr) [[unlikely]]
      profile->mark(stage);
  }

  // Set by a stage that lets a packet for a tunnel pass which is to be fragmented before it is sealed.
  bool oversized = false;

  // Packets on their way into to_kernel.
  unsigned punt_count = 0;
  std::array<Handed, 2 * burst_size> punts;
  // The TSC before which this worker reports no further unknown SPI.
  uint64_t quiet_until = 0;
  // Likewise no further denied packet, of each filter: one that denies much hides no other.
  std::array<uint64_t, ipc::max_filters + 1> denials_quiet_until{};

  void drop(rte_mbuf* mbuf, ipc::DropReason reason);
  void drop(rte_mbuf* mbuf, ipc::DropReason reason, ipc::SaId sa, ipc::SaCounter counter);
  // To the kernel twin of the interface where it came in, as it came in.
  void punt(const Packet& packet);
  // A frame that is not even an IP packet, or a sealed packet that the kernel is to route.
  void to_slow_path(const Handed& handed);
  // Raises the event for the SA that `make` returns if `bit` of `raised` was not set yet.
  template <typename Make>
  void raise(std::atomic<uint8_t>& raised, SaRaised bit, const Make& make) {
    if ((raised.load(std::memory_order_relaxed) & bit) == 0) [[unlikely]]
      raise_first(raised, bit, make());
  }
  struct Denial {
    ipc::FilterId filter;
    ipc::Direction direction{};
    ipc::DenialReason reason{};
    std::optional<ipc::PortId> port;
    ipc::TunnelId tunnel;  // without a port
    const PacketFields& packet;
  };
  void report_denied(const Denial& denial);
  void report_unknown_spi(uint32_t spi, const IpAddress& source);

  // Sends what has gathered.
  void flush();

 private:
  void raise_first(std::atomic<uint8_t>& raised, SaRaised bit, const PathEvent& event);
  void flush_punts();
};

}  // namespace sekisho::dataplane
