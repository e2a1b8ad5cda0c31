// How large a datagram the way to the peer carries, found by asking (RFC 8899 section 5): which size to ask for next,
// and what follows from what came back. No I/O and no clock; whoever holds this sends the probes, one at a time, and
// knows whether the answer to one is authentic. Nothing else changes what is found: no ICMP message, and no silence
// while the base gets no answer either.
//
//   the link's MTU ---- answered --------------------------------> found
//        | not                                                       | once a minute: does it still hold?
//        v                                                           | not: from the base upwards
//   the base (1280, over IPv4 576) -- not answered -> not found      | every ten minutes: is there more by now?
//        | answered                                                  v
//        `--> usual MTUs, then any size, in between ---------------> found
//
// All sizes are of IP datagrams, header included, in octets.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "base/address.h"
#include "base/clock.h"
#include "control/ike/outer_way.h"

namespace sekisho::ike {

class PathMtu {
 public:
  // What the size is of. With another one it is looked for anew.
  struct Path {
    Endpoint local, remote;
    OuterWay way;
    friend bool operator==(const Path&, const Path&) = default;
  };
  struct Found {
    uint16_t mtu = 0;
    Instant proven{};  // the last time
  };
  struct Conclusion {
    std::optional<uint16_t> mtu;
    bool news = false;  // another one than at the last conclusion, or at first than the link's
  };
  // The largest datagram of at most `limit` that a probe can be; 0: there is none. Block ciphers leave gaps.
  using Fit = std::function<uint16_t(uint16_t limit)>;

  static constexpr unsigned max_probes = 3;  // of one size, until it counts as too large (MAX_PROBES)
  static constexpr Duration settling_time = std::chrono::seconds(1);  // of a path, before anything is asked
  static constexpr Duration confirm_interval = std::chrono::minutes(1);
  static constexpr Duration raise_interval = std::chrono::minutes(10);  // PMTU_RAISE_TIMER

  // This is where the peer is now. What was found before stays until there is something better to say, but for what
  // was found on the way to another address.
  void follow(const Path& path, const Fit& fit, Instant now);
  const std::optional<Path>& path() const { return path_; }

  // When next() has something to say; nothing: there is no path.
  std::optional<Instant> due() const { return due_; }
  // The size to probe now.
  std::optional<uint16_t> next(const Fit& fit, Instant now);
  // How long to wait for the answer to that: more with each probe of a size, `longest` with the last.
  Duration patience(Duration longest) const;
  // The probe of that size was answered in time, or was not.
  void answered(const Fit& fit, Instant now);
  void failed(const Fit& fit, Instant now);

  // The whole link's MTU is found where the largest probe that fits it is answered, and that size is neither a usual
  // MTU itself nor is there one in between: no usual path looks the same.
  const std::optional<Found>& found() const { return found_; }
  // Whether found() is not settled; a mere look for a larger one does not count.
  bool searching() const { return searching_ && (!found_ || other_path_ || low_ < found_->mtu); }
  // A search has ended since it was asked last.
  std::optional<Conclusion> take_conclusion();

 private:
  uint16_t upper() const;
  uint16_t base() const;
  uint16_t choose(const Fit& fit) const;
  uint16_t stands_for(uint16_t size, const Fit& fit) const;
  void begin(uint16_t proven, const Fit& fit, Instant at);
  void proceed(const Fit& fit, Instant at);
  void settle(const Fit& fit, Instant now);

  std::optional<Path> path_;
  std::optional<Found> found_;
  bool other_path_ = false;  // found_ is of the path before
  bool searching_ = false;
  uint16_t low_ = 0;   // the largest size that this search may rely on; 0: none yet
  uint16_t high_ = 0;  // the smallest that is too large
  uint16_t size_ = 0;  // the one in question
  unsigned failures_ = 0;
  std::optional<Instant> due_;
  Instant proven_{}, raise_at_{};
  bool concluded_ = false;
  std::optional<uint16_t> told_;
};

}  // namespace sekisho::ike
