// The first packets of a cell are compared with what they must be, before anything is measured.
#pragma once

#include <span>

#include "dataplane/bench/source.h"

namespace sekisho::dataplane::bench {

class Verifier {
 public:
  // By OpenSSL, whatever the gateway uses.
  Verifier(const Scenario& scenario, const Cell& cell, const Gateway& gateway);

  // `sent` is what came out for the packets that `source` loaded last; it is decrypted in place.
  Result<void> check(const PacketSource& source, std::span<rte_mbuf* const> sent);

 private:
  Result<void> check_input(const PacketSource& source);
  // Nothing where all is right, else why not.
  std::string what_is_wrong(const PacketSource& source, rte_mbuf* frame, std::vector<bool>& seen);

  const Scenario& scenario_;
  const Cell cell_;
  const Gateway& gateway_;
  std::unique_ptr<Peers> peers_;  // where there is a suite
};

}  // namespace sekisho::dataplane::bench
