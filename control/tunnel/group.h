// Which tunnels of a group carry its traffic. The group is one connection over several tunnels, in order of preference:
// the first one that is usable leads, the others stand by. Or it is active: all that are usable carry at once.
//
//                    the leader fails: the next one leads at once
//      tunnel 1  ------------------------------------------------->  tunnel 2
//                <-------------------------------------------------
//                    tunnel 1 is usable again: after hold_down without a break; with fail_back manual, when told
//
// Hold-down and manual fail-back are about a tunnel that has failed. One that was not there yet, as after the start,
// has not: it takes its place as soon as it is usable. Where no tunnel without such a mark is left, one with it leads
// rather than none. In an active group they keep a tunnel from carrying beside the others in the same way.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace sekisho::control {

class Group {
 public:
  struct Settings {
    std::vector<std::string> tunnels;  // the best first
    Duration hold_down{};              // a better one has been usable for so long when traffic returns to it
    bool fail_back = true;             // it does so by itself
    bool active = false;               // all carry
  };
  struct Member {
    std::string tunnel;
    std::optional<Instant> usable_since;
    bool failed = false;  // and has not carried, nor been told to, since
  };

  explicit Group(Settings settings);

  // Members that stay keep what is known of them; new ones are not usable until it is said.
  void configure(Settings settings);
  void set_usable(std::string_view tunnel, bool usable, Instant now);
  // Those tunnels carried before this group was made. What would have stood before them, or carried beside them, and
  // did not had failed.
  void recall(const std::vector<std::string>& carried);
  // No tunnel has failed: what came over all of them was not their fault.
  void forget_failures();

  // The operator's word: that tunnel before all others, and alone, until fail_back(). False where it is not usable.
  bool prefer(std::string_view tunnel);
  // Back to the list, at once.
  void fail_back();

  // To be called after each of the above, and when next_deadline() is over. True where others carry now.
  bool decide(Instant now);
  std::optional<Instant> next_deadline() const;

  // In the order of the list; one at most where the group is not active.
  const std::vector<std::string>& carriers() const { return carriers_; }
  std::optional<Instant> carried_since() const { return carried_since_; }
  const std::optional<std::string>& preferred() const { return preferred_; }
  const std::vector<Member>& members() const { return members_; }
  // When traffic returns to that tunnel if nothing happens meanwhile.
  std::optional<Instant> returns_at(const Member& member) const;

 private:
  bool carries(std::string_view tunnel) const;
  bool settled(const Member& member, Instant now) const;
  Member* find(std::string_view tunnel);
  std::vector<Member*> in_order();
  std::vector<Member*> choose(Instant now);

  Settings settings_;
  std::vector<Member> members_;  // in the order of the list
  std::vector<std::string> carriers_;
  std::optional<Instant> carried_since_;
  std::optional<std::string> preferred_;
};

}  // namespace sekisho::control
