// The command line of sekisho-dataplane.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dataplane/bench/plan.h"

namespace sekisho::dataplane {

struct Options {
  std::string socket = "/run/sekisho/dataplane.sock";
  unsigned workers = 1;
  unsigned memory_mb = 512;
  unsigned vrfs = 0;  // besides the front door, that memory is left for
  bool no_huge = false;
  bool busy_poll = false;
  bool af_xdp = false;                  // keep the privileges that net_af_xdp needs
  bool openssl = false;                 // ESP by OpenSSL instead of intel-ipsec-mb
  std::optional<bench::Options> bench;  // measure instead of serving a control
  std::vector<std::string> eal;         // whatever stands behind "--"
};

// Fills `options`; or, where the process is to end at once (--help, a usage error), has printed why and returns the
// exit code.
std::optional<int> parse_options(int argc, char** argv, Options& options);

}  // namespace sekisho::dataplane
