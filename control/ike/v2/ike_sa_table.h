// Every IKE SA, and the indexes by which a step finds the few that it is about: with ten thousand of them it costs no
// more than with ten. An SA that was handed out for change is indexed anew at the end of the step.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "control/ike/schedule.h"
#include "control/ike/v2/ike_sa.h"

namespace sekisho::ike::v2 {

class IkeSaTable {
 public:
  IkeSa& add(std::unique_ptr<IkeSa> sa);
  // An SPI of ours that no SA has.
  uint64_t fresh_spi(Random& random) const;
  IkeSa* find(uint64_t local_spi);
  // Whether one has both of these SPIs.
  bool contains(uint64_t spi_i, uint64_t spi_r) const;
  // The one that has a child with that inbound SPI.
  IkeSa* owner_of(uint32_t inbound_spi);
  // Safe against additions while it runs; nothing is removed before settle(). Not for what happens often.
  void for_each(const std::function<void(IkeSa&)>& visit);
  void for_each(const std::function<void(const IkeSa&)>& visit) const;
  // Every SA of that connection which is neither closed nor gone.
  std::vector<IkeSa*> of(const std::string& connection);
  // Every one that is closed: children of it may linger.
  std::vector<IkeSa*> closed_of(const std::string& connection);
  // The peer of an SA that was half open has proven who it is.
  void assign(IkeSa& sa, std::shared_ptr<const Connection> connection);

  // Of those whose peer has not: how many there are, how many that came from where no connection has its peer, how many
  // of one address, and the one that this first message made.
  size_t half_open() const { return half_open_.size(); }
  size_t half_open_of_strangers() const;
  size_t half_open_from(const IpAddress& remote) const;
  IkeSa* made_by(const DatagramReceived& request, uint64_t initiator_spi);
  // The oldest of the address that holds most of them, or most of those of strangers.
  IkeSa* most_dispensable(bool of_strangers);

  std::optional<Instant> next_deadline() const { return deadlines_.earliest(); }
  std::vector<IkeSa*> due(Instant now);
  // At the end of a step: removes those that are gone, and indexes the others that it may have changed.
  void settle();

 private:
  struct Entry {
    std::unique_ptr<IkeSa> sa;
    bool touched = false;
    std::vector<uint32_t> children;  // as indexed
  };
  std::vector<IkeSa*> of(const std::string& connection, bool closed);
  IkeSa& touch(Entry& entry);
  void index_children(Entry& entry);
  void remove(uint64_t local_spi);

  std::unordered_map<uint64_t, Entry> by_local_spi_;
  std::unordered_map<std::string, std::vector<uint64_t>> by_connection_;
  std::unordered_map<uint32_t, uint64_t> by_child_;
  std::set<uint64_t> half_open_;
  Schedule<uint64_t> deadlines_;
  std::vector<uint64_t> touched_;
};

}  // namespace sekisho::ike::v2
