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

// Whether it may lead although another one, which is worse, is usable.
bool Group::settled(const Member& member, Instant now) const {
  if (!member.failed || member.tunnel == leader_) return true;
  return settings_.fail_back && now - *member.usable_since >= settings_.hold_down;
}

bool Group::decide(Instant now) {
  Member *first = nullptr, *next = nullptr;
  for (Member* member : in_order()) {
    if (!member->usable_since) continue;
    if (!first) first = member;
    if (!next && settled(*member, now)) next = member;
  }
  if (!next) next = first;
  if (next) next->failed = false;
  const auto before = leader_;
  leader_ = next ? std::optional(next->tunnel) : std::nullopt;
  if (leader_ == before) return false;
  led_since_ = leader_ ? std::optional(now) : std::nullopt;
  return true;
}

std::optional<Instant> Group::returns_at(const Member& member) const {
  if (!leader_ || member.tunnel == leader_ || !member.failed || !member.usable_since || !settings_.fail_back) return {};
  const auto rank = [this](const std::string& tunnel) {
    return tunnel == preferred_ ? members_.begin() : std::ranges::find(members_, tunnel, &Member::tunnel) + 1;
  };
  if (rank(member.tunnel) > rank(*leader_)) return {};
  return *member.usable_since + settings_.hold_down;
}

std::optional<Instant> Group::next_deadline() const {
  std::optional<Instant> next;
  for (const Member& member : members_)
    if (const auto at = returns_at(member); at && (!next || *at < *next)) next = at;
  return next;
}

}  // namespace sekisho::control
