// What the dataplane is told of ports, and which id each goes by.
#include "control/main/ports.h"

#include <catch2/catch.hpp>

#include "ipc/convert.h"
#include "tests/unit/control/commands.h"

using namespace sekisho;
using namespace sekisho::control;

namespace {

// Takes everything, and keeps what it was told last.
struct Sink final : TransactionSink {
  std::vector<StoredCommand> told;
  bool ready() const override { return true; }
  void submit(Transaction transaction, DataplaneClient::Done done) override {
    for (StoredCommand& command : std::move(transaction).take()) told.push_back(std::move(command));
    done(std::nullopt);
  }
  const ipc::CounterTable* counters() const override { return nullptr; }

  // The last that was told of that kind.
  template <typename T>
  std::optional<T> last() const {
    std::optional<T> found;
    for (const StoredCommand& command : told)
      if (const auto wanted = as<T>(command)) found = wanted;
    return found;
  }
};

struct Lab {
  Sink sink;
  uint64_t round = 1;
  Ports ports{sink, [] {}, [this] { return round; }};

  void set(const std::string& name, const std::string& device) {
    config::Port port;
    port.device = device;
    ports.set(name, port, ipc::front_door);
  }
  uint16_t id(const std::string& name) const { return static_cast<uint16_t>(ports.all().at(name).id->value()); }
};

ipc::PortState held(uint16_t id, const char* name, const char* device) {
  ipc::PortState state{};
  state.id = ipc::PortId(id);
  state.name = ipc::to_text<16>(name);
  state.device = ipc::to_text<240>(device);
  return state;
}

}  // namespace

TEST_CASE("a port's id goes to no other while the dataplane may have routes out of it") {
  Lab lab;
  lab.set("wan", "eth0");
  lab.set("lan", "eth1");
  REQUIRE(lab.id("lan") == 1);
  SECTION("a port is taken away") {
    lab.ports.remove("lan");
    CHECK(lab.sink.last<ipc::PortRemove>()->id == ipc::PortId(1));
  }
  SECTION("a port gets another device") {
    lab.set("lan", "eth2");
    CHECK(lab.id("lan") == 2);
    lab.ports.remove("lan");
  }
  // What was under way when it went may name it still.
  lab.ports.routed(1);
  lab.set("guest", "eth3");
  CHECK(lab.id("guest") > 1);
  lab.round = 2;
  lab.ports.routed(2);
  lab.set("spare", "eth4");
  CHECK(lab.id("spare") == 1);
}

TEST_CASE("nor does that of a port that another control has left in the dataplane") {
  Lab lab;
  Inventory inventory;
  inventory.ports = {held(0, "old", "eth0"), held(1, "lan", "eth1")};
  lab.set("lan", "eth1");
  lab.set("wan", "eth0");
  lab.ports.dataplane_up(inventory);
  CHECK(lab.id("lan") == 1);
  CHECK(lab.id("wan") == 2);
  CHECK(lab.sink.last<ipc::PortRemove>()->id == ipc::PortId(0));
}

TEST_CASE("a port that finds no id has one as soon as the routes are told") {
  Lab lab;
  for (unsigned i = 0; i < ipc::max_ports; ++i) lab.set("port" + std::to_string(i), "eth" + std::to_string(i));
  lab.set("port0", "other");
  CHECK_FALSE(lab.ports.all().at("port0").present);
  lab.ports.routed(2);
  CHECK(lab.ports.all().at("port0").present);
  CHECK(lab.id("port0") == 0);
}

TEST_CASE("a port is to be filtered while it has security groups, whatever becomes of their filter") {
  Lab lab;
  config::Port port;
  const auto filtered = [&](std::vector<std::string> groups) {
    port.security_groups = std::move(groups);
    lab.ports.set("lan", port, ipc::front_door);
    return lab.sink.last<ipc::PortSet>()->filtered != 0;
  };
  CHECK_FALSE(filtered({}));
  CHECK(filtered({"office"}));
  CHECK_FALSE(filtered({}));
}
