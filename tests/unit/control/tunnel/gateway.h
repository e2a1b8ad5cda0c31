// A dataplane and a gateway's tunnels for tests of what the one is told by the other.
#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/messages/dataplane.h"
#include "control/tunnel/tunnels.h"
#include "ipc/counter_memory.h"
#include "tests/unit/control/commands.h"

namespace sekisho::control {

inline IpAddress address(const char* text) { return *IpAddress::parse(text); }
inline TrafficSelector selector(const char* prefix) { return TrafficSelector::from_prefix(*Prefix::parse(prefix)); }

// A dataplane that holds what it is told, with the rules that the real one enforces.
struct Dataplane final : TransactionSink {
  bool up = true;
  bool refuse = false, refuse_tunnel_sets = false;
  std::map<ipc::SaId, ipc::SaAdd> sas;
  std::map<ipc::TunnelId, ipc::TunnelSet> tunnels;
  std::deque<std::pair<std::vector<StoredCommand>, DataplaneClient::Done>> queue;
  ipc::CounterMemory memory = std::move(*ipc::CounterMemory::create());

  bool ready() const override { return up; }
  void submit(Transaction transaction, DataplaneClient::Done done) override {
    REQUIRE(up);
    queue.emplace_back(std::move(transaction).take(), std::move(done));
  }
  const ipc::CounterTable* counters() const override { return &memory.table(); }

  void take(const StoredCommand& command) {
    if (const auto sa = as<ipc::SaAdd>(command)) {
      REQUIRE(sas.emplace(sa->id, *sa).second);
    } else if (const auto gone = as<ipc::SaRemove>(command)) {
      sas.erase(gone->id);
      for (auto& [id, tunnel] : tunnels) {
        const auto end = std::remove(tunnel.tx_sas.begin(), tunnel.tx_sas.begin() + tunnel.tx_count, gone->id);
        tunnel.tx_count = static_cast<uint8_t>(end - tunnel.tx_sas.begin());
      }
    } else if (const auto move = as<ipc::SaMove>(command)) {
      ipc::SaAdd& sa = sas.at(move->id);
      REQUIRE(sa.spi == move->spi);
      sa.source = move->source;
      sa.destination = move->destination;
      sa.udp_encapsulation = move->udp_encapsulation;
      sa.source_port = move->source_port;
      sa.destination_port = move->destination_port;
    } else if (const auto set = as<ipc::TunnelSet>(command)) {
      tunnels[set->id] = *set;
    } else if (const auto removed = as<ipc::TunnelRemove>(command)) {
      tunnels.erase(removed->id);
    }
  }
  void check() const {
    for (const auto& [id, tunnel] : tunnels) {
      for (unsigned i = 0; i < tunnel.tx_count; ++i) {
        REQUIRE(sas.contains(tunnel.tx_sas[i]));
        REQUIRE(sas.at(tunnel.tx_sas[i]).direction == ipc::Direction::outbound);
        REQUIRE(sas.at(tunnel.tx_sas[i]).tunnel == id);
      }
    }
    for (const auto& [id, sa] : sas) REQUIRE(tunnels.contains(sa.tunnel));
  }
  void work() {
    while (!queue.empty()) {
      auto [commands, done] = std::move(queue.front());
      queue.pop_front();
      const bool sets =
          std::ranges::any_of(commands, [](const auto& each) { return as<ipc::TunnelSet>(each).has_value(); });
      if (refuse || (refuse_tunnel_sets && sets)) {
        done(Error{&messages::transaction_refused, "so it is"});
        continue;
      }
      for (const StoredCommand& command : commands) take(command);
      check();
      done({});
    }
  }
  Inventory inventory() const {
    Inventory held;
    for (const auto& [id, tunnel] : tunnels)
      held.tunnels.push_back(
          {.id = id, .mtu = tunnel.mtu, .tx_count = tunnel.tx_count, .tx_sas = tunnel.tx_sas, .name = tunnel.name});
    for (const auto& [id, sa] : sas)
      held.sas.push_back({.id = id, .spi = sa.spi, .tunnel = sa.tunnel, .direction = sa.direction});
    return held;
  }
};

// Tunnels of two connections, tokyo and osaka, as the daemon has them, with no engine.
struct Gateway final : TunnelListener {
  Dataplane& dataplane;
  Instant now{};
  SystemRandom random;
  std::vector<std::string> changed;
  std::vector<uint32_t> refused;
  std::vector<std::string> refused_tunnels;
  std::optional<OuterWay> way;
  unsigned other_ways = 0;  // of tokyo, told so often
  Tunnels tunnels;

  explicit Gateway(Dataplane& dataplane)
      : dataplane(dataplane),
        tunnels(
            dataplane, *this, random, [this] { return now; }, [this](const IpAddress&) { return way; }) {
    // As the daemon does: what is wanted is known before the dataplane is.
    const bool up = std::exchange(dataplane.up, false);
    tunnels.set("tokyo", "vti0", {.mtu = 1400});
    tunnels.set("osaka", "vti1", {.mtu = 1400});
    dataplane.up = up;
    if (!dataplane.up) return;
    tunnels.dataplane_up(dataplane.inventory());
    dataplane.work();
  }
  void tunnel_changed(const std::string& name) override { changed.push_back(name); }
  void outer_way_changed(const std::string& name) override { other_ways += name == "tokyo"; }
  void tunnel_refused(const std::string& name, const Error&) override { refused_tunnels.push_back(name); }
  void child_refused(const std::string& name, uint32_t spi, const Error&) override {
    refused.push_back(spi);
    tunnels.remove_child(name, spi);  // as the engine does
  }

  uint32_t install(const std::string& name, bool active = true, uint32_t outbound = 0xc0ffee, const char* of = "") {
    const uint32_t spi = *tunnels.allocate_inbound_spi();
    ike::InstallChildSa child{
        .connection = name, .child = of, .suite = EspSuite::aes128gcm16, .outbound_active = active};
    child.inbound = {spi, SecretBytes::copy_of(Bytes(20, 0x11))};
    child.outbound = {outbound, SecretBytes::copy_of(Bytes(20, 0x22))};
    child.local = {address("10.9.1.1"), 4500};
    child.remote = {address("10.9.2.2"), 4501};
    child.local_selectors = {selector("10.1.0.0/24")};
    child.remote_selectors = {selector("10.2.0.0/24")};
    REQUIRE(tunnels.install(child));
    return spi;
  }
  const ipc::TunnelSet& set(const std::string& name) { return dataplane.tunnels.at(*tunnels.id(name)); }
  std::vector<uint32_t> all_sent_on(const std::string& name) {
    std::vector<uint32_t> spis;
    const ipc::TunnelSet& tunnel = set(name);
    for (unsigned i = 0; i < tunnel.tx_count; ++i) spis.push_back(dataplane.sas.at(tunnel.tx_sas[i]).spi);
    return spis;
  }
  uint32_t sends_on(const std::string& name) {
    const auto spis = all_sent_on(name);
    return spis.empty() ? 0 : spis.front();
  }
};

}  // namespace sekisho::control
