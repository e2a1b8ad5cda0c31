#include "control/ike/v2/ike_sa_table.h"

#include <algorithm>
#include <array>
#include <map>
#include <ranges>
#include <utility>

#include "control/ike/v2/timers.h"

namespace sekisho::ike::v2 {

IkeSa& IkeSaTable::touch(Entry& entry) {
  if (!std::exchange(entry.touched, true)) touched_.push_back(entry.sa->local_spi());
  return *entry.sa;
}

IkeSa& IkeSaTable::add(std::unique_ptr<IkeSa> sa) {
  const uint64_t spi = sa->local_spi();
  if (sa->connection)
    by_connection_[sa->connection->name].push_back(spi);
  else
    half_open_.insert(spi);
  Entry& entry = by_local_spi_[spi];
  entry.sa = std::move(sa);
  return touch(entry);
}

uint64_t IkeSaTable::fresh_spi(Random& random) const {
  uint64_t spi = 0;
  while (spi == 0 || by_local_spi_.contains(spi)) spi = random.next_u64();
  return spi;
}

IkeSa* IkeSaTable::find(uint64_t local_spi) {
  const auto found = by_local_spi_.find(local_spi);
  if (found == by_local_spi_.end() || found->second.sa->state == IkeState::gone) return nullptr;
  return &touch(found->second);
}

bool IkeSaTable::contains(uint64_t spi_i, uint64_t spi_r) const {
  return std::ranges::any_of(std::array{spi_i, spi_r}, [&](uint64_t local_spi) {
    const auto found = by_local_spi_.find(local_spi);
    return found != by_local_spi_.end() && found->second.sa->spi_i == spi_i && found->second.sa->spi_r == spi_r;
  });
}

IkeSa* IkeSaTable::owner_of(uint32_t inbound_spi) {
  const auto found = by_child_.find(inbound_spi);
  return found == by_child_.end() ? nullptr : find(found->second);
}

void IkeSaTable::for_each(const std::function<void(IkeSa&)>& visit) {
  std::vector<uint64_t> all;
  for (const uint64_t spi : std::views::keys(by_local_spi_)) all.push_back(spi);
  std::ranges::sort(all);
  for (const uint64_t spi : all)
    if (IkeSa* sa = find(spi)) visit(*sa);
}

void IkeSaTable::for_each(const std::function<void(const IkeSa&)>& visit) const {
  for (const Entry& entry : std::views::values(by_local_spi_))
    if (entry.sa->state != IkeState::gone) visit(*entry.sa);
}

std::vector<IkeSa*> IkeSaTable::of(const std::string& connection) { return of(connection, false); }

std::vector<IkeSa*> IkeSaTable::closed_of(const std::string& connection) { return of(connection, true); }

std::vector<IkeSa*> IkeSaTable::of(const std::string& connection, bool closed) {
  std::vector<IkeSa*> result;
  const auto found = by_connection_.find(connection);
  if (found == by_connection_.end()) return result;
  for (const uint64_t spi : found->second)
    if (IkeSa* sa = find(spi); sa && (sa->state == IkeState::closed) == closed) result.push_back(sa);
  return result;
}

void IkeSaTable::assign(IkeSa& sa, std::shared_ptr<const Connection> connection) {
  half_open_.erase(sa.local_spi());
  by_connection_[connection->name].push_back(sa.local_spi());
  sa.connection = std::move(connection);
}

size_t IkeSaTable::half_open_from(const IpAddress& remote) const {
  return static_cast<size_t>(std::ranges::count_if(
      half_open_, [&](uint64_t spi) { return by_local_spi_.at(spi).sa->remote.address == remote; }));
}

size_t IkeSaTable::half_open_of_strangers() const {
  return static_cast<size_t>(
      std::ranges::count_if(half_open_, [&](uint64_t spi) { return by_local_spi_.at(spi).sa->of_stranger; }));
}

// Only from where it came from: the answer goes there.
IkeSa* IkeSaTable::made_by(const DatagramReceived& request, uint64_t initiator_spi) {
  for (const uint64_t spi : half_open_) {
    const IkeSa& sa = *by_local_spi_.at(spi).sa;
    if (sa.spi_i == initiator_spi && sa.handshake && sa.remote == request.remote && sa.local == request.local &&
        std::ranges::equal(sa.handshake->request, request.data))
      return find(spi);
  }
  return nullptr;
}

IkeSa* IkeSaTable::most_dispensable(bool of_strangers) {
  struct Share {
    size_t held = 0;
    const IkeSa* oldest = nullptr;
  };
  // Who has one IPv6 address has all of its /64.
  const auto holder = [](const IpAddress& address) { return Prefix(address, address.is_v4() ? 32 : 64); };
  std::map<Prefix, Share> shares;
  for (const uint64_t spi : half_open_) {
    const IkeSa& sa = *by_local_spi_.at(spi).sa;
    if (of_strangers && !sa.of_stranger) continue;
    Share& share = shares[holder(sa.remote.address)];
    ++share.held;
    if (!share.oldest || sa.created < share.oldest->created) share.oldest = &sa;
  }
  // Of those that hold as many, the one whose oldest had the longest time to go on.
  const auto most = std::ranges::max_element(shares, {}, [](const auto& each) {
    return std::pair(each.second.held, -each.second.oldest->created.time_since_epoch());
  });
  return most == shares.end() ? nullptr : find(most->second.oldest->local_spi());
}

std::vector<IkeSa*> IkeSaTable::due(Instant now) {
  std::vector<IkeSa*> result;
  for (const uint64_t spi : deadlines_.due(now))
    if (IkeSa* sa = find(spi)) result.push_back(sa);
  return result;
}

void IkeSaTable::settle() {
  for (const uint64_t spi : std::exchange(touched_, {})) {
    Entry& entry = by_local_spi_.at(spi);
    if (entry.sa->state == IkeState::gone) {
      remove(spi);
      continue;
    }
    entry.touched = false;
    deadlines_.set(spi, deadline(*entry.sa));
    index_children(entry);
  }
}

// A rekey of the IKE SA moves children between two SAs in one step, so an entry may be another's by now.
void IkeSaTable::index_children(Entry& entry) {
  const uint64_t spi = entry.sa->local_spi();
  for (const uint32_t child : entry.children)
    if (const auto found = by_child_.find(child); found != by_child_.end() && found->second == spi)
      by_child_.erase(found);
  entry.children.clear();
  for (const ChildSa& child : entry.sa->children) {
    entry.children.push_back(child.inbound_spi);
    by_child_[child.inbound_spi] = spi;
  }
}

void IkeSaTable::remove(uint64_t local_spi) {
  Entry& entry = by_local_spi_.at(local_spi);
  entry.sa->children.clear();
  index_children(entry);
  deadlines_.set(local_spi, {});
  half_open_.erase(local_spi);
  if (entry.sa->connection) {
    const auto named = by_connection_.find(entry.sa->connection->name);
    std::erase(named->second, local_spi);
    if (named->second.empty()) by_connection_.erase(named);
  }
  by_local_spi_.erase(local_spi);
}

}  // namespace sekisho::ike::v2
