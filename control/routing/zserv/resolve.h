// From next hops to links. zebra says the gateway of a recursive route as its protocol said it (RFC 4271 section
// 5.1.3: a BGP next hop is often several hops away), so it is looked up here: the longest prefix that covers it leads
// on, until a link is known. A default route leads nowhere here: zebra may be told that it does (`ip nht
// resolve-via-default`), which it does not tell.
#pragma once

#include <map>
#include <vector>

#include "control/routing/zserv/table.h"

namespace sekisho::zserv {

// A way out: to `via` on the link or, without one, to whoever is addressed.
struct Way {
  uint32_t link = 0;
  std::optional<IpAddress> via;
  uint64_t weight = 1;

  friend bool operator==(const Way&, const Way&) = default;
};

// Looks gateways up in the table as it stands; each is looked up once. The table must not change meanwhile.
class Resolver {
 public:
  explicit Resolver(const Table& table) : table_(table) {}

  // No more than max_next_hops; none where no gateway leads to a link.
  std::vector<Way> ways(const Route& route);

 private:
  std::vector<Way> follow(const Route& route, unsigned depth);
  std::vector<Way> ways_to(const IpAddress& gateway, unsigned depth);
  const Route* covering(const IpAddress& gateway) const;

  const Table& table_;
  std::map<IpAddress, std::vector<Way>> known_;
  size_t steps_ = 0;
};

}  // namespace sekisho::zserv
