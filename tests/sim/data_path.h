// A data path that carries no packets but knows what a real one would: which SAs are installed, which one each
// connection sends on, and which SPIs are taken. What the engine must never do to a data path is a Violation.
#pragma once

#include <map>
#include <set>
#include <stdexcept>
#include <string>

#include "control/ike/engine.h"

namespace sekisho::sim {

struct Violation : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class SeededRandom final : public Random {
 public:
  explicit SeededRandom(uint64_t seed) : state_(seed) {}
  void fill(std::span<uint8_t> out) override;

 private:
  uint64_t state_;
};

class DataPath final : public ike::Environment {
 public:
  // `outbound_keys`: digests of all keys that any data path of the run ever sent with.
  DataPath(Random& random, std::set<Bytes>& outbound_keys) : random_(random), outbound_keys_(outbound_keys) {}

  Random& random() override { return random_; }
  WallTime wall_clock() const override { return calendar; }
  std::optional<uint32_t> allocate_inbound_spi() override;
  void release_inbound_spi(uint32_t spi) override;
  bool carries(const std::string&, const std::string&) const override { return has_leftovers; }
  ike::KeyObserver* key_observer() override { return observer; }
  std::optional<ike::OuterWay> outer_way(const IpAddress&) const override { return way; }

  void take(const ike::InstallChildSa& action);
  void take(const ike::UpdateChildSa& action);
  void take(const ike::ActivateOutbound& action);
  void take(const ike::RemoveChildSa& action);

  struct Installed {
    std::string connection, child;
    uint32_t inbound_spi = 0, outbound_spi = 0;
    Bytes inbound_key, outbound_key;  // digests
    bool encapsulated = false;
    Endpoint local, remote;
    std::vector<TrafficSelector> local_selectors, remote_selectors;
    bool seen_packet = false;
    uint64_t soft_packets = 0, hard_packets = 0;  // each direction by itself; 0: none
    uint64_t sent = 0, received = 0;
  };
  const std::map<uint32_t, Installed>& installed() const { return installed_; }
  Installed* find(uint32_t inbound_spi);
  // What that connection sends on for that child, "": the one of the connection's own name; nullptr: dropped.
  const Installed* sends_on(const std::string& connection, const std::string& child = {}) const;
  size_t reserved() const { return reserved_.size(); }
  bool has_leftovers = false;  // an engine before this one has left SAs
  size_t gaps = 0;             // how often what a child sent on went, and nothing was there to follow it
  size_t capacity = 64;        // of the SA table
  uint32_t next_spi = 0;       // SPIs count up from here; 0: they are random
  WallTime calendar{};
  ike::KeyObserver* observer = nullptr;
  std::optional<ike::OuterWay> way;  // nothing: no path MTU is looked for

 private:
  Random& random_;
  std::set<Bytes>& outbound_keys_;
  std::map<uint32_t, Installed> installed_;
  std::set<uint32_t> reserved_;                                       // allocated and neither installed nor given back
  std::map<std::pair<std::string, std::string>, uint32_t> sends_on_;  // by connection and child
};

}  // namespace sekisho::sim
