// A directory with certificates, and a configuration by which both ends authenticate by them.
#pragma once

#include "tests/unit/control/config/fixture.h"
#include "tests/unit/crypto/authority.h"

namespace sekisho::config {

// A chain of three, its key, and a revocation list.
class CertificateFixture : public Fixture {
 public:
  CertificateFixture()
      : root(testing::root_authority()),
        middle(root.issue({.subject = "CN=Intermediate", .basic_constraints = "critical,CA:TRUE"})),
        own(middle.issue({.subject = "C=JP, O=Lab, CN=a", .alternative_names = "DNS:a.lab,IP:10.9.1.1"})) {
    write("root.pem", root.certificate_pem(), 0644);
    write("own.pem", own.certificate_pem() + middle.certificate_pem() + root.certificate_pem(), 0644);
    write("own.key", own.key_pem());
    write("other.key", root.key_pem());
    write("exposed.key", own.key_pem(), 0644);
    write("root.crl", root.list_pem({}), 0644);
    write("writable.pem", root.certificate_pem(), 0666);
    write("x25519.pem", root.issue({.subject = "CN=X", .key_type = "X25519"}).certificate_pem(), 0644);
  }

  testing::Credential root, middle, own;
};

inline Json certified() {
  Json config = Json::parse(valid_text);
  Json& tunnel = config["tunnels"]["tokyo"];
  tunnel.erase("psk_file");
  tunnel["local"] = {{"address", "10.9.1.1"},
                     {"id", "a.lab"},
                     {"auth", "certificate"},
                     {"certificate", "own.pem"},
                     {"private_key", "own.key"}};
  tunnel["remote"] = {{"address", "10.9.2.2"},       {"id", "b.lab"},        {"auth", "certificate"},
                      {"authorities", {"root.pem"}}, {"crls", {"root.crl"}}, {"require_crl", true}};
  return config;
}

}  // namespace sekisho::config
