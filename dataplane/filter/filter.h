// Filters: what control has made of security groups. A filter is the rules of one list of groups, for both directions;
// interfaces that have the same list share it, and its flows. Rules speak of the end beyond the interface (remote) and
// the other one (local), so one rule serves all interfaces.
//
// The manager makes a set of filters for each change, publishes it whole, and frees the old one after a grace period.
// A filter whose rules have changed gets another generation: each of its flows is judged once more by the rules when
// its next packet comes.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/message.h"
#include "dataplane/filter/flow_table.h"
#include "dataplane/filter/packet_fields.h"
#include "ipc/schema.h"

namespace sekisho::dataplane {

// What the first packet of a flow shows to the rules.
struct RuleSubject {
  AddressValue remote = 0, local = 0;
  uint8_t family = 4, protocol = 0;
  bool has_port = false, has_type = false;
  uint16_t port = 0;  // destination
  uint8_t type = 0;   // ICMP
};

struct FilterRule {
  AddressValue remote = 0, remote_mask = 0, local = 0, local_mask = 0;
  uint16_t first_port = 0, last_port = UINT16_MAX;
  uint8_t family = 0, protocol = 0;  // 0: any
  bool wants_port = false, wants_type = false;
  uint8_t type = 0;

  bool allows(const RuleSubject& subject) const;
  friend bool operator==(const FilterRule&, const FilterRule&) = default;
};

// `rule` is valid (manager/validate.h).
FilterRule filter_rule(const ipc::FilterRuleAdd& rule);

struct Filter {
  ipc::FilterId id;
  uint64_t identity = 0;                         // of the flows
  uint16_t generation = 0;                       // of the rules, unlike that of any other filter for a long time
  std::array<std::vector<FilterRule>, 2> rules;  // by ipc::Direction

  bool allows(ipc::Direction direction, const RuleSubject& subject) const;
};

// Those in use, by interface; nullptr: packets pass.
struct Filters {
  std::array<const Filter*, ipc::max_ports> ports{};
  std::array<const Filter*, ipc::max_tunnels> tunnels{};
  std::vector<std::shared_ptr<const Filter>> owned;
};

// The filters and their flows.
class FilterTable {
 public:
  static constexpr size_t default_places = size_t{1} << 20;
  static constexpr Ticks ticks_per_second = 4;  // 2^32 last for 34 years

  static Result<std::unique_ptr<FilterTable>> create(size_t places = default_places, const FlowTimeouts& timeouts = {});
  ~FilterTable() { exchange(nullptr); }

  // Workers. nullptr: no interface has a filter.
  const Filters* active() const { return active_.load(std::memory_order_acquire); }
  FlowTable& flows() { return *flows_; }
  // Within a tick, in those that have passed since it was made.
  Ticks now() const;

  // The manager; the former set is in use until a grace period has passed.
  std::unique_ptr<const Filters> exchange(std::unique_ptr<const Filters> filters) {
    return std::unique_ptr<const Filters>(active_.exchange(filters.release(), std::memory_order_acq_rel));
  }

 private:
  explicit FilterTable(uint64_t ticks_per_cycle) : ticks_per_cycle_(ticks_per_cycle) {}

  uint64_t ticks_per_cycle_;  // of the TSC, in units of 2^-64
  uint64_t start_ = 0;        // TSC
  std::unique_ptr<FlowTable> flows_;
  std::atomic<const Filters*> active_{nullptr};
};

}  // namespace sekisho::dataplane
