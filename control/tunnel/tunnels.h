// The tunnels as the dataplane holds them: which SAs each has, which ones it sends on, and whether it lives. Turns what
// the IKE engine wants into transactions, and what the dataplane answers and reports into the state of tunnels.
//
//   install      SaAdd inbound and outbound, TunnelSet where the new SA is to send at once
//   activate     TunnelSet
//   move         SaMove both; then TunnelSet for the MTU
//   remove       TunnelSet where it was one that sends; then SaRemove both
//
// What is separated by "then" stands in transactions of its own: a TunnelSet that is refused holds up no move or
// removal.
//
// A tunnel is live once an SA that it sends on is acknowledged, and stays so while the next one is on its way to the
// dataplane.
//
// A tunnel sends on one SA of each child definition, the one that became active last; they stand in the order of the
// definitions' names, in which the data path tries their selectors.
//
// SAs of an earlier control (leftovers) go on forwarding until a child SA of ours is acknowledged; the outbound ones
// stand behind all of ours by then, and all go a while after the last child's, for the peer to turn to the new ones.
// Without a successor they go when their lifetime must be over.
//
// A TunnelSet that is refused is sent again, as the tunnel stands then: after a second, and then after twice as long
// each time, up to a minute.
//
// Keys pass through here once, into the transaction, and are kept nowhere: a dataplane that lost its SAs gets new ones.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "control/dp/client.h"
#include "control/dp/sa_ids.h"
#include "control/ike/engine.h"
#include "control/tunnel/counters.h"
#include "control/tunnel/mtu.h"

namespace sekisho::control {

// Where transactions go; the daemon's is the DataplaneClient.
class TransactionSink {
 public:
  virtual ~TransactionSink() = default;
  virtual bool ready() const = 0;
  virtual void submit(Transaction transaction, DataplaneClient::Done done) = 0;
  virtual const ipc::CounterTable* counters() const = 0;
};

class TunnelListener {
 public:
  virtual ~TunnelListener() = default;
  // The dataplane is told another MTU.
  virtual void tunnel_mtu_changed() {}
  // The link towards one of its peers' addresses, or that link's MTU, is another than before.
  virtual void outer_way_changed(const std::string&) {}
  // Live or no longer live, known to the dataplane or no longer known.
  virtual void tunnel_changed(const std::string& name) = 0;
  // Told once of each reason, however often it is tried again; the name is empty where it is of no tunnel alone.
  virtual void tunnel_refused(const std::string& name, const Error& error) = 0;
  // The engine's child SA is not in the dataplane and will not be.
  virtual void child_refused(const std::string& name, uint32_t inbound_spi, const Error& error) = 0;
};

struct TunnelFlags {
  bool on_traffic = false;  // the dataplane says when a packet finds no SA
  bool filtered = false;    // its interface has security groups: nothing passes without their filter
};

class Tunnels {
 public:
  using SaCounts = Counts<ipc::SaCounter>;
  struct TrafficCount {
    uint64_t packets = 0, octets = 0;
  };
  struct ChildCount {
    uint32_t inbound_spi = 0;
    SaCounts in{}, out{};
  };

  // The link that leads to an address outside, where one is known.
  using FindWay = std::function<std::optional<OuterWay>(const IpAddress& address)>;

  Tunnels(TransactionSink& sink, TunnelListener& listener, Random& random, std::function<Instant()> clock,
          FindWay find_way)
      : sink_(sink), listener_(listener), random_(random), clock_(std::move(clock)), find_way_(std::move(find_way)) {}

  // Adds a tunnel or changes it. `twin` is the interface's name, which a tunnel keeps for life, as it does its VRF.
  // `peer` is where its SAs are expected to go. `vrf` is of inner packets.
  void set(const std::string& name, const std::string& twin, const MtuSettings& mtu, const IpAddress& peer = {},
           const TunnelFlags& flags = {}, ipc::VrfId vrf = ipc::front_door);
  // Before dataplane_up(), which tells.
  void set_vrf(const std::string& name, ipc::VrfId vrf);
  // By tunnel, all those that carry its routes while they are live, itself among them. To be followed by
  // ways_changed().
  void set_mates(std::map<std::string, std::vector<std::string>> mates) { mates_ = std::move(mates); }
  // Ways, links or which tunnels are live have changed: tells the dataplane what that does to MTUs.
  void ways_changed();
  // What IKE has found of the path to that address, in octets; nothing: nothing.
  void set_path_mtu(const std::string& name, const IpAddress& remote, std::optional<uint16_t> mtu);
  void remove(const std::string& name);

  // What the dataplane holds, upon connection. Objects that nobody wants are removed, what is missing is set. Returns
  // the tunnels that lost child SAs: the engine is to make new ones.
  std::vector<std::string> dataplane_up(const Inventory& inventory);
  void dataplane_down();

  std::optional<uint32_t> allocate_inbound_spi();
  void release_inbound_spi(uint32_t spi);

  // False: it cannot be installed (nothing of it was), and child_refused() will not be called.
  bool install(const ike::InstallChildSa& child);
  void activate(const std::string& name, uint32_t inbound_spi);
  void move(const ike::UpdateChildSa& update);
  // Takes what is left of the SA away, if anything is, and gives back its inbound SPI.
  void remove_child(const std::string& name, uint32_t inbound_spi);
  // The peer of a tunnel that is an earlier control's does not answer: takes its leftovers away.
  void abandon(const std::string& name);
  // Takes away the leftovers of tunnels that have an SA of their own for so long, and those that are older than any.
  void expire_leftovers();
  // Sets it at once if it was refused last; the reason is told anew.
  void retry(const std::string& name);
  // Sets what was refused and is due once more.
  void retry_refused();
  // When there is something to do for one of the two.
  std::optional<Instant> next_deadline() const;

  // The child that an SA belongs to, by its inbound SPI: engine events go by that.
  struct Owner {
    std::string name;
    uint32_t inbound_spi = 0;
  };
  std::optional<Owner> owner(ipc::SaId id, uint32_t spi) const;

  // The dataplane held this child and does not any more; the engine does not know of it yet, or replaces it.
  bool lost(const std::string& name, uint32_t inbound_spi) const;
  bool live(const std::string& name) const;
  // Live by what an earlier control left behind; nothing of ours has been sent on yet.
  bool adopted(const std::string& name) const;
  // The same of one child: those of an earlier control are sent on, and none of ours that bears its name has been yet.
  bool carries_leftover(const std::string& name, const std::string& child) const;
  std::optional<Instant> live_since(const std::string& name) const;
  // The dataplane has acknowledged it.
  bool present(const std::string& name) const;
  std::optional<TunnelMtu> mtu(const std::string& name) const;
  // As the dataplane was told last; 0: it was not.
  uint16_t told_mtu(const std::string& name) const;
  std::optional<ipc::TunnelId> id(const std::string& name) const;
  std::optional<std::string> name_of(ipc::TunnelId id) const;
  std::pair<TrafficCount, TrafficCount> traffic(const std::string& name) const;  // in, out
  std::vector<ChildCount> child_counts() const;

 private:
  struct Child {
    std::string name;  // of its definition
    uint32_t inbound_spi = 0, outbound_spi = 0;
    ipc::SaId inbound, outbound;
    bool active = false;     // to be sent on
    bool installed = false;  // acknowledged
    bool lost = false;       // the dataplane held it and does not any more
    EspSuite suite{};
    bool in_udp = false;
    IpAddress peer;
    SaCounts inbound_base{}, outbound_base{};

    bool under_way() const { return active && !installed && !lost; }
  };
  static constexpr Duration first_retry = std::chrono::seconds(1), longest_retry = std::chrono::minutes(1);
  struct Tunnel {
    std::string twin;
    std::optional<ipc::TunnelId> id;  // once the dataplane's inventory is known
    MtuSettings mtu;
    IpAddress peer;
    std::map<IpAddress, OuterWay> ways;  // known last, to each address that it sends to
    struct PathMtu {
      IpAddress peer;
      uint16_t mtu = 0;
    };
    std::optional<PathMtu> path_mtu;  // found last
    ipc::TunnelSet said;              // to the dataplane, last
    TunnelFlags flags;
    ipc::VrfId vrf;
    bool present = false;
    std::string refusal;  // of the last TunnelSet; empty: it was taken, or has not been answered
    std::optional<Instant> retry_at;
    Duration retry_delay = first_retry;
    std::vector<Child> children;  // the one that became active last stands last
    std::vector<ipc::SaId> leftovers;
    std::vector<ipc::SaId> leftover_tx;  // those of them that send, and perhaps some that are gone
    std::optional<Instant> leftovers_until;
    std::set<std::string> replaced;  // children that SAs of our own send, or have sent, in place of leftovers
    uint16_t leftover_mtu = 0;       // the tunnel's, as that control had set it
    std::optional<Instant> live_since;
    TrafficCount past_in, past_out;  // of SAs that are gone
  };

  Tunnel* find(const std::string& name);
  const Tunnel* find(const std::string& name) const;
  static Child* find_child(Tunnel& tunnel, uint32_t inbound_spi);
  static bool sends(const Tunnel& tunnel);
  static bool leftovers_send(const Tunnel& tunnel);
  void note_replaced(Tunnel& tunnel) const;
  static bool is_live(const Tunnel& tunnel);
  static std::vector<const Child*> sending_children(const Tunnel& tunnel);
  static std::vector<ipc::SaId> tx_sas(const Tunnel& tunnel);
  std::optional<OuterWay> way(const Tunnel& tunnel, const IpAddress& address) const;
  void remember_ways(const std::string& name, Tunnel& tunnel) const;
  static std::optional<uint16_t> path_mtu(const Tunnel& tunnel, const IpAddress& address);
  void tell_mtu(const std::string& name, Tunnel& tunnel);
  static bool is_guess(const Tunnel& tunnel, const TunnelMtu& sizes);
  // Whether its own sizes are one, or those of a mate.
  bool is_guess(const std::string& name, const Tunnel& tunnel) const;
  TunnelMtu mtu_alone(const Tunnel& tunnel) const;
  TunnelMtu mtu_among_mates(const std::string& name, const Tunnel& tunnel) const;
  std::vector<const std::pair<const std::string, Tunnel>*> live_mates(const std::string& name) const;
  ipc::TunnelSet tunnel_set(const std::string& name, Tunnel& tunnel) const;
  std::optional<ipc::TunnelId> free_id();
  void push(const std::string& name);
  void note_refusal(const std::string& name, Tunnel& tunnel, const Error& refusal);
  static void forget_refusal(Tunnel& tunnel);
  void installed(const std::string& name, uint32_t inbound_spi);
  void refused(const std::string& name, uint32_t inbound_spi, const Error& error);
  void note_liveness(const std::string& name, Tunnel& tunnel);
  void account(Tunnel& tunnel, const Child& child) const;

  void adopt_tunnels(const Inventory& inventory, Transaction& removal);
  void adopt_sas(const Inventory& inventory, Transaction& removal, std::vector<ipc::SaId>& removed);
  std::vector<std::string> find_lost(const Inventory& inventory);

  // An id is free once neither the engine nor the dataplane holds it.
  void dataplane_took(ipc::SaId id) { in_dataplane_.insert(id); }
  void dataplane_gave_up(ipc::SaId id);
  void engine_gave_up(ipc::SaId id);
  void submit_removal(Transaction transaction, std::vector<ipc::SaId> ids);

  TransactionSink& sink_;
  TunnelListener& listener_;
  Random& random_;
  std::function<Instant()> clock_;
  FindWay find_way_;
  SaIds ids_;
  std::set<ipc::SaId> with_engine_;   // the inbound ones it was given
  std::set<ipc::SaId> in_dataplane_;  // from SaAdd until SaRemove was acknowledged
  std::map<std::string, Tunnel> tunnels_;
  std::map<std::string, std::vector<std::string>> mates_;
  uint32_t next_id_ = 0;
};

}  // namespace sekisho::control
