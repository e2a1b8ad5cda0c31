// The two ends of the handshakes that script/bench ike measures: a gateway with a connection to each of many peers, and
// these peers, in an engine each. Neither has a data path.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "control/ike/engine.h"
#include "tests/unit/crypto/authority.h"

namespace sekisho::bench {

// What a handshake is made of.
struct Suite {
  const char* name;
  const char* proposal;
  bool by_certificate;  // ECDSA over P-256, both ends, each certificate issued by the anchor itself; else a PSK
};
inline constexpr Suite suites[] = {
    {"x25519, PSK", "aes128gcm16-prfsha256-x25519", false},
    {"ecp256, ECDSA P-256", "aes128gcm16-prfsha256-ecp256", true},
};

// The connections as the gateway has them and as its peers have them, of one authority.
struct Connections {
  std::vector<ike::Connection> of_gateway, of_peers;
};
Connections connect(const Suite& suite, unsigned peers);

using Datagrams = std::vector<ike::DatagramReceived>;

class Party {
 public:
  Party(std::vector<ike::Connection> connections, ike::EngineOptions options);

  // The first message to each peer, as the other end receives it.
  Datagrams initiate();
  // The answers, in the same form. Of a message in fragments only the last has one.
  Datagrams take(Datagrams messages);
  size_t child_sas() const { return child_sas_; }

 private:
  // Hands out SPIs and forgets them.
  class NoDataPath final : public ike::Environment {
   public:
    Random& random() override { return random_; }
    WallTime wall_clock() const override { return testing::new_year; }
    std::optional<uint32_t> allocate_inbound_spi() override { return ++last_spi_; }
    void release_inbound_spi(uint32_t) override {}
    bool carries(const std::string&, const std::string&) const override { return false; }

   private:
    SystemRandom random_;
    uint32_t last_spi_ = 0x1000;
  };
  void step(ike::Event event, Datagrams& sent);

  std::vector<std::string> names_;
  NoDataPath environment_;
  ike::Engine engine_;
  size_t child_sas_ = 0;
};

}  // namespace sekisho::bench
