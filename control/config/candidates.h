// Connections that only their names tell apart when an exchange begins: those of one version, one local address and one
// remote address, or any. Who comes is known by the identity, and before that the first of them by name answers
// (ike/connection_table.h). Where it would answer otherwise than the right one, the right one may not come up.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

#include "control/ike/connection.h"

namespace sekisho::config {

class Candidates {
 public:
  // IKEv1: whether by certificates.
  using Method = std::pair<ike::IkeVersion, bool>;

  // To be called in the order of names. What of the connection, by its keys in the configuration, differs from the
  // first one that the same addresses fit and is decided before the identity is known; nothing where nothing does. The
  // connection must live as long as this does.
  std::optional<std::string> difference(const ike::Connection& connection);

 private:
  std::map<std::tuple<Method, IpAddress, IpAddress>, const ike::Connection*> first_;  // local, remote
};

}  // namespace sekisho::config
