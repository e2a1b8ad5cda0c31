#include "control/tunnel/group.h"

#include <algorithm>
#include <utility>

namespace sekisho::control {

Group::Group(Settings settings) { configure(std::move(settings)); }

void Group::configure(Settings settings) {
  std::vector<Member> members;
  for (const std::string& tunnel : settings.tunnels) {
    const Member* known = find(tunnel);
    members.push_back(known ? *known : Member{.tunnel = tunnel, .usable_since = {}});
  }
  members_ = std::move(members);
  settings_ = std::move(settings);
  if (preferred_ && !find(*preferred_)) preferred_.reset();
}

Group::Member* Group::find(std::string_view tunnel) {
  const auto found = std::ranges::find(members_, tunnel, &Member::tunnel);
  return found == members_.end() ? nullptr : &*found;
}

void Group::set_usable(std::string_view tunnel, bool usable, Instant now) {
  Member* member = find(tunnel);
  if (!member || member->usable_since.has_value() == usable) return;
  member->failed |= !usable;
  member->usable_since = usable ? std::optional(now) : std::nullopt;
}

void Group::recall(const std::vector<std::string>& carried) {
  const auto did = [&](const Member& member) { return std::ranges::find(carried, member.tunnel) != carried.end(); };
  const auto first = std::ranges::find_if(members_, did);
  if (first == members_.end()) return;
  std::for_each(members_.begin(), settings_.active ? members_.end() : first,
                [&](Member& member) { member.failed = !did(member); });
}

void Group::forget_failures() {
  for (Member& member : members_) member.failed = false;
}

bool Group::prefer(std::string_view tunnel) {
  Member* member = find(tunnel);
  if (!member || !member->usable_since) return false;
  member->failed = false;
  preferred_ = member->tunnel;
  return true;
}

void Group::fail_back() {
  preferred_.reset();
  for (Member& member : members_)
    if (member.usable_since) member.failed = false;
}

std::vector<Group::Member*> Group::in_order() {
  std::vector<Member*> order;
  for (Member& member : members_) order.push_back(&member);
  std::ranges::stable_partition(order, [this](const Member* member) { return member->tunnel == preferred_; });
  return order;
}

bool Group::carries(std::string_view tunnel) const { return std::ranges::find(carriers_, tunnel) != carriers_.end(); }

// Whether it may carry although another one, which is worse, is usable.
bool Group::settled(const Member& member, Instant now) const {
  if (!member.failed || carries(member.tunnel)) return true;
  return settings_.fail_back && now - *member.usable_since >= settings_.hold_down;
}

// What the operator prefers comes first, and where it carries it carries alone.
std::vector<Group::Member*> Group::choose(Instant now) {
  std::vector<Member*> chosen;
  Member* first = nullptr;
  for (Member* member : in_order()) {
    if (!member->usable_since) continue;
    if (!first) first = member;
    if (!settled(*member, now)) continue;
    chosen.push_back(member);
    if (!settings_.active || member->tunnel == preferred_) return chosen;
  }
  if (chosen.empty() && first) chosen.push_back(first);
  return chosen;
}

bool Group::decide(Instant now) {
  const std::vector<Member*> chosen = choose(now);
  std::vector<std::string> carriers;
  for (Member& member : members_) {
    if (std::ranges::find(chosen, &member) == chosen.end()) continue;
    member.failed = false;
    carriers.push_back(member.tunnel);
  }
  if (carriers == carriers_) return false;
  carriers_ = std::move(carriers);
  carried_since_ = carriers_.empty() ? std::nullopt : std::optional(now);
  return true;
}

std::optional<Instant> Group::returns_at(const Member& member) const {
  if (carriers_.empty() || carries(member.tunnel) || !member.failed || !member.usable_since || !settings_.fail_back)
    return {};
  const auto rank = [this](const std::string& tunnel) {
    return tunnel == preferred_ ? members_.begin() : std::ranges::find(members_, tunnel, &Member::tunnel) + 1;
  };
  const bool comes_behind =
      settings_.active ? preferred_ && carries(*preferred_) : rank(member.tunnel) > rank(carriers_.front());
  if (comes_behind) return {};
  return *member.usable_since + settings_.hold_down;
}

std::optional<Instant> Group::next_deadline() const {
  std::optional<Instant> next;
  for (const Member& member : members_)
    if (const auto at = returns_at(member); at && (!next || *at < *next)) next = at;
  return next;
}

}  // namespace sekisho::control
