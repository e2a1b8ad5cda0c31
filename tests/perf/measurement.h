// One measurement: a suite, a mix of frames, a direction. The data path and ipsec-mb alone take turns on the same
// packets, so both see the same weather.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "tests/perf/gateway.h"
#include "tests/perf/raw_crypto.h"
#include "tests/perf/traffic.h"

struct rte_mbuf;

namespace sekisho::perf {

struct Effort {
  unsigned runs = 9;     // figures are the median, least and greatest of so many runs
  unsigned passes = 40;  // a run is the median of so many passes over the packets; one in which the scheduler took the
                         // processor away is repeated
};

// Cycles a packet.
struct Cycles {
  double median = 0, min = 0, max = 0;
};
struct Figures {
  Cycles path, raw;
  double ratio() const { return path.median / raw.median; }
};

class Measurement {
 public:
  // Enough to fill the worker's bursts several times, and few enough to stay in a second-level cache.
  static constexpr size_t packet_count = 256;

  Measurement(rte_mempool* pool, crypto::EspBackend backend, unsigned tunnels);
  ~Measurement();

  // Throws std::runtime_error where a packet does not come out as it should.
  Figures run(EspSuite suite, const FrameMix& mix, Direction direction, const Effort& effort);

 private:
  void load(Direction direction);
  void load_plain(size_t index);
  crypto::EspJob load_sealed(size_t index);
  double path_pass(Direction direction);
  double raw_pass(Direction direction);
  double undisturbed(double (Measurement::*pass)(Direction), Direction direction);
  void check_sent(Direction direction);

  unsigned tunnels_;
  MemoryPort wan_, lan_;
  Gateway gateway_;
  RawCrypto raw_;
  // The other end of the tunnels.
  std::unique_ptr<crypto::EspCrypto> peer_ = crypto::EspCrypto::create(crypto::EspBackend::openssl);
  std::vector<crypto::EspKeyPtr> peer_keys_;
  std::vector<uint32_t> sequence_;  // by tunnel
  EspSuite suite_{};
  std::vector<PacketPlan> plan_;
  std::vector<rte_mbuf*> packets_;
};

}  // namespace sekisho::perf
