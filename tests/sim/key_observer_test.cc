// Who observes keys is told each SA's, and both ends the same ones.
#include <algorithm>
#include <catch2/catch.hpp>
#include <tuple>

#include "tests/sim/world.h"

namespace sekisho::sim {
namespace {

Bytes copied(const SecretBytes& secret) { return {secret.view().begin(), secret.view().end()}; }

struct Notebook final : ike::KeyObserver {
  std::vector<std::tuple<uint64_t, uint64_t, Bytes, Bytes, Bytes, Bytes>> ike_sas;
  std::vector<std::pair<uint64_t, Bytes>> isakmp_sas;
  std::vector<std::pair<uint32_t, Bytes>> inbound, outbound;  // by SPI

  void ike_sa(const ike::IkeSaKeys& keys) override {
    ike_sas.emplace_back(keys.spi_i, keys.spi_r, copied(keys.ei), copied(keys.er), copied(keys.ai), copied(keys.ar));
  }
  void isakmp_sa(const ike::IsakmpSaKeys& keys) override {
    isakmp_sas.emplace_back(keys.initiator_cookie, copied(keys.encryption));
  }
  void child_sa(const ike::InstallChildSa& child) override {
    inbound.emplace_back(child.inbound.spi, copied(child.inbound.key_material));
    outbound.emplace_back(child.outbound.spi, copied(child.outbound.key_material));
  }
  bool agrees(const Notebook& other) const {
    return ike_sas == other.ike_sas && isakmp_sas == other.isakmp_sas && inbound == other.outbound &&
           outbound == other.inbound;
  }
};

// Up, with each SA renewed once, under the eyes of both notebooks.
void live(World& world, ike::IkeVersion version, Notebook& of_a, Notebook& of_b) {
  world.version = version;
  world.a.data_path->observer = &of_a;
  world.b.data_path->observer = &of_b;
  for (Node* node : {&world.b, &world.a}) {
    ike::Connection connection = connection_of(world, *node);
    connection.ike_proposals = {*ike::IkeProposal::parse("aes128-sha256-ecp256")};
    connection.children.front().esp_proposals = {*ike::EspProposal::parse("aes128-sha1")};
    world.step(*node, ike::SetConnection{std::move(connection)});
  }
  world.run_for(1s);
  world.step(world.a, ike::RekeyIke{tunnel});
  world.run_for(1s);
  world.step(world.a, ike::RekeyChild{tunnel});
  world.run_for(1s);
}

}  // namespace

TEST_CASE("both ends tell an observer of the same keys, of each IKE SA and child SA") {
  for_seeds(1, [](World& world) {
    Notebook of_a, of_b;
    live(world, ike::IkeVersion::v2, of_a, of_b);
    CHECK(of_a.agrees(of_b));
    CHECK(of_a.ike_sas.size() == 2);
    CHECK(of_a.inbound.size() == 2);
    CHECK(of_a.isakmp_sas.empty());
  });
}

TEST_CASE("the same with IKEv1") {
  for_seeds(1, [](World& world) {
    Notebook of_a, of_b;
    live(world, ike::IkeVersion::v1, of_a, of_b);
    CHECK(of_a.agrees(of_b));
    CHECK(of_a.isakmp_sas.size() == 2);
    CHECK(of_a.inbound.size() == 2);
    CHECK(of_a.ike_sas.empty());
  });
}

}  // namespace sekisho::sim
