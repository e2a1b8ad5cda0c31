// Where the packets of a measurement come from: one source a worker. Packets walk through all flows of the cell, from
// load to load, in turn or in an order that is shuffled anew for each walk. A card spreads plaintext packets over all
// queues by their flows, but sealed ones by their outer addresses: those of one tunnel all come to one worker.
//
// Plaintext packets are written in place. Sealed ones are what the peers would send: some thousands are sealed ahead,
// by the gateway's own cryptography but with keys of the peers', and copied into place; so their keys leave the caches
// in peace for many loads.
#pragma once

#include <atomic>
#include <random>
#include <span>
#include <vector>

#include "crypto/esp/esp_crypto.h"
#include "dataplane/bench/gateway.h"

struct rte_mbuf;

namespace sekisho::dataplane::bench {

// Enough to fill the worker's bursts several times, and few enough to stay in a second-level cache.
inline constexpr size_t pass_packets = 256;

// Numbers, one after the other and over and over.
class Walk {
 public:
  Walk(std::vector<uint32_t> numbers, Order order);
  uint32_t next();

 private:
  std::vector<uint32_t> order_;
  size_t at_ = 0;
  bool shuffled_;
  std::mt19937 random_{1};
};

// The other ends of the SAs of one direction (as the gateway sees it).
class Peers {
 public:
  // Of the SAs that the gateway has at the moment.
  Peers(const Gateway& gateway, const Cell& cell, ipc::Direction direction, crypto::EspBackend backend);
  // Takes over what was rekeyed since.
  void follow();

  struct End {
    SaName sa;
    uint32_t spi = 0;
    crypto::EspKeyPtr key;
    uint32_t sequence = 0;  // the last one used
  };
  crypto::EspCrypto& crypto() { return *crypto_; }
  End& end(unsigned tunnel) { return ends_[tunnel]; }

 private:
  End make_end(const SaName& sa) const;

  const Gateway& gateway_;
  const EspSuite suite_;
  std::unique_ptr<crypto::EspCrypto> crypto_;
  std::vector<End> ends_;
};

class PacketSource {
 public:
  struct Options {
    unsigned lane = 0, lanes = 1;
    crypto::EspBackend backend{};
  };
  PacketSource(const Scenario& scenario, const Cell& cell, const Gateway& gateway, const Options& options);

  // No packet comes to this lane's worker.
  bool empty() const { return empty_; }
  // Writes fresh packets, pass_packets of them: no sealed one comes twice. Requires !empty().
  void load(std::span<rte_mbuf* const> packets);
  // The same, but a sealed packet may be one that was loaded before.
  void load_stale(std::span<rte_mbuf* const> packets);
  // How often sealing ahead was begun. Whatever is sealed from then on is for the SAs in use at that time or later
  // ones. May be asked by any thread.
  unsigned times_sealed() const { return times_sealed_.load(); }
  // Whether packets come sealed, and what seals them here or there.
  bool sealed() const { return cell_.direction == Direction::in; }
  EspSuite suite() const { return *cell_.suite; }
  // What was loaded last.
  const std::vector<Packet>& loaded() const { return loaded_; }
  // Its sealed frame as it was before it went in.
  std::span<const uint8_t> sealed_frame(size_t index) const;
  // Of an inner packet, on the average of a load.
  double inner_bytes() const;

 private:
  struct Sealed {
    Packet packet;
    size_t offset;  // in storage_
    uint16_t length;
  };
  void plan(std::vector<Packet>& packets);
  void seal_ahead();
  crypto::EspJob write_sealed(const Packet& packet, uint8_t* frame);
  void copy_sealed(std::span<rte_mbuf* const> packets, size_t from);

  const Scenario& scenario_;
  const Cell cell_;
  const Gateway& gateway_;
  const bool empty_;
  Walk walk_;
  const std::vector<FrameSize> sizes_;
  std::vector<Packet> loaded_;

  std::unique_ptr<Peers> peers_;  // who seal
  std::atomic<unsigned> times_sealed_{0};
  std::vector<uint8_t> storage_;
  std::vector<Sealed> ahead_;
  size_t fresh_ = 0, stale_ = 0;  // where the next loads begin in ahead_
  size_t last_ = 0;               // where the last one began
};

}  // namespace sekisho::dataplane::bench
