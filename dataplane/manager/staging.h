// One transaction between its begin and its commit. Commands are checked one by one as they come; the first that is
// refused is remembered and the rest only counted. At the commit the whole is checked against what the dataplane holds:
// what counts is the state after the transaction, so the order of commands within it does not matter.
//
//   - removing what does not exist is no error;
//   - one transaction names a port, tunnel or SA once (a next hop, group or route named again replaces the earlier);
//   - a port keeps its device and name, a tunnel its name;
//   - a tunnel's TX SAs are outbound SAs of this tunnel; one that is removed is none any more;
//   - a tunnel goes only when its SAs are gone;
//   - an SA moves only where it is held under that SPI.
//
// A SaAdd becomes a finished SA at once, so that the key lives on only in the SA. Nothing here touches DPDK.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/address.h"
#include "crypto/esp/esp_crypto.h"
#include "dataplane/fib/replica.h"
#include "dataplane/manager/holdings.h"
#include "dataplane/sa/sa.h"
#include "ipc/schema.h"

namespace sekisho::dataplane {

struct Refusal {
  uint32_t command_index = 0;
  ipc::CommandType command{};
  std::string reason;
};

class Staging {
 public:
  static constexpr uint32_t max_commands = 1 << 22;

  template <typename T>
  struct Staged {
    uint32_t index;
    T value;
  };
  struct RouteChange {
    uint32_t index;
    ipc::VrfId vrf;
    Prefix prefix;
    std::optional<ipc::NextHopId> next_hop;  // nothing: remove
  };
  struct NewSa {
    SaRecord record;
    IpAddress destination;  // outer
    std::variant<InboundSaPtr, OutboundSaPtr> sa;
  };

  struct NamedVrf {  // where first
    uint32_t index;
    ipc::CommandType command;
  };

  struct MovedSa {
    uint32_t spi;
    OuterAddresses outer;
  };

  Staging(const ipc::TransactionBegin& begin, const crypto::EspCrypto& crypto)
      : id_(begin.id), replace_routes_(begin.replace_routes != 0), crypto_(crypto) {}

  // False where the transaction has grown past all bounds: the peer is to be dropped.
  template <ipc::Message T>
  bool add(const T& command) {
    if (count_ == max_commands) return false;
    if (!refusal_)
      if (auto staged = stage(command); !staged) refuse(count_, T::type, staged.error().detail);
    ++count_;
    return true;
  }

  ipc::TransactionId id() const { return id_; }
  bool replace_routes() const { return replace_routes_; }
  uint32_t count() const { return count_; }

  // Everything that can be said without doing it. Nothing: fit to be carried out.
  std::optional<Refusal> check(const Holdings& holdings) const;

  // What it wants, read by whoever carries it out, who may take the SAs away.
  std::map<ipc::PortId, Staged<PortRecord>> ports;
  std::map<ipc::PortId, uint32_t> removed_ports;
  std::map<ipc::TunnelId, Staged<TunnelRecord>> tunnels;
  std::map<ipc::TunnelId, uint32_t> removed_tunnels;
  std::map<ipc::SaId, Staged<NewSa>> sas;
  std::map<ipc::SaId, Staged<MovedSa>> moved_sas;
  std::map<ipc::SaId, uint32_t> removed_sas;
  std::map<ipc::NextHopId, Staged<NextHop>> next_hops;
  std::map<ipc::NextHopId, Staged<NextHopGroup>> groups;
  std::vector<RouteChange> routes;
  std::map<ipc::VrfId, NamedVrf> vrfs;   // of ports, tunnels and routes that are set: each needs tables
  std::optional<FilterRecords> filters;  // instead of those there were

 private:
  Result<void> stage(const ipc::PortSet& command);
  Result<void> stage(const ipc::PortRemove& command);
  Result<void> stage(const ipc::TunnelSet& command);
  Result<void> stage(const ipc::TunnelRemove& command);
  Result<void> stage(const ipc::NextHopSet& command);
  Result<void> stage(const ipc::NextHopGroupSet& command);
  Result<void> stage(const ipc::RouteSet& command);
  Result<void> stage(const ipc::RouteRemove& command);
  Result<void> stage(const ipc::SaAdd& command);
  Result<void> stage(const ipc::SaMove& command);
  Result<void> stage(const ipc::SaRemove& command);
  void name_vrf(ipc::VrfId vrf, ipc::CommandType command) { vrfs.try_emplace(vrf, NamedVrf{count_, command}); }
  Result<void> stage(const ipc::FiltersReplace& command);
  Result<void> stage(const ipc::FilterAdd& command);
  Result<void> stage(const ipc::FilterRuleAdd& command);
  Result<void> stage(const ipc::FilterAttach& command);
  bool names(ipc::SaId id) const { return sas.contains(id) || moved_sas.contains(id) || removed_sas.contains(id); }
  void refuse(uint32_t index, ipc::CommandType command, std::string reason) {
    refusal_ = Refusal{index, command, std::move(reason)};
  }

  ipc::TransactionId id_;
  bool replace_routes_;
  const crypto::EspCrypto& crypto_;
  uint32_t count_ = 0;
  std::optional<Refusal> refusal_;
};

}  // namespace sekisho::dataplane
