// Which inner packets an SA may carry, in the form in which the data path asks (RFC 4301 section 4.4.1): host-order
// integers, one list a family, and a shortcut for "everything of this family".
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "base/message.h"
#include "ipc/schema.h"

namespace sekisho::dataplane {

__extension__ typedef unsigned __int128 AddressValue;  // either family, host order

// The fields of an inner packet that selectors look at.
struct Flow {
  AddressValue source = 0, destination = 0;
  uint8_t family = 4;
  uint8_t protocol = 0;
  // False in a fragment other than the first, or where the header is cut short: only selectors for any port match.
  bool has_ports = false;
  // ICMP: type and code in the high and low byte of both (RFC 4301 section 4.4.1.1).
  uint16_t source_port = 0, destination_port = 0;
};

// Two IPv4 ranges that leave protocol and ports open, small enough to stand with what the path reads of every SA.
struct Ipv4Ranges {
  uint32_t source = 0, source_span = 0;  // first address, and how far behind it the last one is
  uint32_t destination = 0, destination_span = 0;
  bool hold(uint32_t from, uint32_t to) const {
    return (from - source <= source_span) & (to - destination <= destination_span);
  }
};

class Selectors {
 public:
  static Result<Selectors> from(std::span<const ipc::SelectorPair> pairs);

  // Every packet of the family matches: no need to look at the packet.
  bool any(uint8_t family) const { return family == 4 ? any4_ : any6_; }
  // A flow's protocol and ports must be filled in, else addresses suffice.
  bool wants_ports() const { return wants_ports_; }
  bool match(const Flow& flow) const;
  // Those of the first pair that is of this kind: what they hold matches. Where there is none, 0.0.0.0 to 0.0.0.0,
  // which no packet has.
  Ipv4Ranges ipv4_ranges() const;

 private:
  struct Range {
    AddressValue first, last;
    uint16_t first_port, last_port;
  };
  struct Pair {
    Range source, destination;
    uint8_t family;
    uint8_t protocol;  // 0: any
  };
  static bool matches(const Pair& pair, const Flow& flow);
  static bool wants_ports(const Pair& pair);

  uint8_t count_ = 0;
  bool any4_ = false, any6_ = false, wants_ports_ = false;
  std::array<Pair, ipc::max_selector_pairs> pairs_{};
};

}  // namespace sekisho::dataplane
