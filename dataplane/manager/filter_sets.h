// Which filter each interface has, made anew by every transaction that changes it.
//
// An interface has the filter that is attached to its name. Where there is none, and the interface is to be filtered
// (PortRecord::filtered, TunnelRecord::filtered), it has the closed one, which has no rules: whatever becomes of the
// filters that control sends, and whichever control it is, such an interface is never open.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "dataplane/filter/filter.h"
#include "dataplane/manager/holdings.h"
#include "dataplane/manager/staging.h"

namespace sekisho::dataplane {

class FilterSets {
 public:
  FilterSets();

  struct Change {
    std::unique_ptr<const Filters> filters;  // nullptr: no interface has one
  };
  // What workers are to see before they see what else a transaction changes; nothing where it is what they see already.
  // To be called once with each transaction that is carried out. An interface that goes keeps the filter that it has,
  // for a worker may have a packet of it, until another comes in its place or filters are replaced.
  std::optional<Change> take(const Staging& staging, const Holdings& before);

 private:
  void make(const FilterRecords& records);
  const Filter* filter_of(const std::string& interface, bool filtered) const;
  bool concerned(const auto& staged, const auto& held) const;

  FilterRecords records_;
  std::map<ipc::FilterId, std::shared_ptr<const Filter>> made_;  // of these
  std::shared_ptr<const Filter> closed_;
  uint16_t last_generation_ = 0;
  Filters current_;
  bool some_ = false;  // interface of these has a filter
};

}  // namespace sekisho::dataplane
