#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <set>
#include <string>
#include <thread>

#include "base/messages/dataplane.h"
#include "control/dp/check.h"
#include "control/dp/client.h"
#include "control/dp/sa_ids.h"
#include "ipc/convert.h"

using namespace sekisho;
using namespace sekisho::control;

namespace {

struct Listener final : DataplaneListener {
  unsigned ups = 0, downs = 0, unreachables = 0;
  Inventory inventory;
  std::vector<ipc::SaEvent> events;
  std::vector<ipc::PortState> ports;

  void dataplane_up(const Inventory& held) override { ++ups, inventory = held; }
  void dataplane_down(const Error&) override { ++downs; }
  void dataplane_unreachable(const Error&) override { ++unreachables; }
  void port_changed(const ipc::PortState& port) override { ports.push_back(port); }
  void sa_event(const ipc::SaEvent& event) override { events.push_back(event); }
  void unknown_spi(const ipc::UnknownSpi&) override {}
  void traffic_waiting(const ipc::TrafficWaiting&) override {}
  void packet_denied(const ipc::PacketDenied&) override {}
};

struct Lab {
  std::string path = "/tmp/ipc-dp-test-" + std::to_string(::getpid()) + ".sock";
  UniqueFd listening;
  sd_event* loop = nullptr;
  Listener listener;
  ipc::CounterMemory counters = std::move(*ipc::CounterMemory::create());
  std::unique_ptr<ipc::Channel> dataplane;

  Lab() { REQUIRE(sd_event_new(&loop) >= 0); }
  ~Lab() {
    sd_event_unref(loop);
    ::unlink(path.c_str());
  }
  void listen() {
    listening.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(::bind(listening.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(listening.get(), 4) == 0);
  }
  // The dataplane's side accepts while the loop runs.
  void accept() {
    std::thread other([this] {
      UniqueFd socket(::accept4(listening.get(), nullptr, nullptr, SOCK_CLOEXEC));
      dataplane = std::move(*ipc::Channel::open(std::move(socket), ipc::Side::dataplane, &counters));
    });
    const bool connected = until([&, this] { return client_counters && client_counters(); });
    other.join();
    REQUIRE(connected);
  }
  std::function<bool()> client_counters;

  bool until(const std::function<bool()>& condition) {
    const Instant deadline = MonotonicClock::now() + std::chrono::seconds(10);
    while (!condition()) {
      if (MonotonicClock::now() > deadline) return false;
      sd_event_run(loop, 100'000);
    }
    return true;
  }
  template <ipc::Message T>
  void report(const T& message) {
    REQUIRE(dataplane->send(message));
    dataplane->flush();
  }
};

}  // namespace

TEST_CASE("SaIds are unique while taken and come back as late as possible") {
  SaIds ids(4);
  CHECK(ids.claim(ipc::SaId(1)));
  CHECK_FALSE(ids.claim(ipc::SaId(1)));
  CHECK_FALSE(ids.claim(ipc::SaId(4)));
  CHECK(ids.available() == 3);
  CHECK(ids.allocate() == ipc::SaId(0));
  CHECK(ids.allocate() == ipc::SaId(2));
  ids.release(ipc::SaId(0));
  CHECK(ids.allocate() == ipc::SaId(3));
  CHECK(ids.allocate() == ipc::SaId(0));
  CHECK_FALSE(ids.allocate());
  ids.release(ipc::SaId(1));
  CHECK(ids.allocate() == ipc::SaId(1));
  CHECK_FALSE(ids.allocate());
}

TEST_CASE("an SPI names its SaId and is none of the reserved ones") {
  SystemRandom random;
  std::set<uint32_t> seen;
  for (int i = 0; i < 1000; ++i) {
    const uint32_t spi = make_spi(ipc::SaId(77), random);
    CHECK(ipc::sa_of_spi(spi) == ipc::SaId(77));
    CHECK(spi >= ipc::max_sas);
    seen.insert(spi);
  }
  CHECK(seen.size() > 900);
}

TEST_CASE("the client connects when it can, takes the inventory, and connects again") {
  Lab lab;
  DataplaneClient client(lab.loop, lab.path, lab.listener, std::chrono::milliseconds(5));
  lab.client_counters = [&] { return client.counters() != nullptr; };
  REQUIRE(lab.until([&] { return lab.listener.unreachables == 1; }));
  lab.listen();
  lab.accept();
  CHECK_FALSE(client.up());
  lab.report(ipc::PortState{.id = ipc::PortId(2), .name = ipc::to_text<16>("wan")});
  lab.report(ipc::SaState{.id = ipc::SaId(9), .spi = 0x8009});
  lab.report(ipc::InventoryEnd{});
  REQUIRE(lab.until([&] { return client.up(); }));
  CHECK(lab.listener.inventory.ports.size() == 1);
  CHECK(lab.listener.inventory.sas.size() == 1);
  lab.report(ipc::PortState{.id = ipc::PortId(2), .link_up = 1, .name = ipc::to_text<16>("wan")});
  lab.report(ipc::SaEvent{.id = ipc::SaId(9), .spi = 0x8009, .kind = ipc::SaEventKind::soft_expired});
  REQUIRE(lab.until([&] { return lab.listener.events.size() == 1; }));
  CHECK(lab.listener.ports.size() == 1);

  lab.dataplane.reset();
  REQUIRE(lab.until([&] { return lab.listener.downs == 1; }));
  CHECK_FALSE(client.up());
  lab.accept();
  lab.report(ipc::InventoryEnd{});
  REQUIRE(lab.until([&] { return lab.listener.ups == 2; }));
  CHECK(lab.listener.inventory.ports.empty());
}

TEST_CASE("transactions larger than the ring arrive whole, and their results come back") {
  Lab lab;
  lab.listen();
  DataplaneClient client(lab.loop, lab.path, lab.listener, std::chrono::milliseconds(5));
  lab.client_counters = [&] { return client.counters() != nullptr; };
  lab.accept();
  lab.report(ipc::InventoryEnd{});
  REQUIRE(lab.until([&] { return client.up(); }));

  Transaction large(true);
  for (uint32_t i = 0; i < 3 * ipc::ring_capacity; ++i) large.add(ipc::SaRemove{ipc::SaId(i)});
  std::vector<std::string> results;
  client.submit(std::move(large),
                [&](const auto& refusal) { results.push_back(refusal ? refusal->detail : "applied"); });
  client.submit(Transaction(), [&](const auto& refusal) { results.push_back(refusal ? refusal->detail : "applied"); });
  CHECK(client.pending() == 2);

  uint32_t removals = 0;
  bool replaces = false;
  unsigned commits = 0;
  REQUIRE(lab.until([&] {
    ipc::ReceivedMessage message;
    lab.dataplane->drain();
    while (*lab.dataplane->receive(message)) {
      if (const auto begin = message.as<ipc::TransactionBegin>()) replaces |= begin->replace_routes;
      if (const auto remove = message.as<ipc::SaRemove>()) removals += remove->id == ipc::SaId(removals);
      if (const auto commit = message.as<ipc::TransactionCommit>()) {
        ipc::TransactionResult result{.id = commit->id};
        if (++commits == 2) {
          result.status = ipc::TransactionStatus::refused;
          result.reason = ipc::to_text<160>("no such thing");
        }
        lab.report(result);
      }
    }
    return results.size() == 2;
  }));
  CHECK(removals == 3 * ipc::ring_capacity);
  CHECK(replaces);
  CHECK(results[0] == "applied");
  CHECK(results[1].find("no such thing") != std::string::npos);
  CHECK(client.pending() == 0);
}

TEST_CASE("a refusal is told by the dataplane's own message where the catalogue has it") {
  Lab lab;
  lab.listen();
  DataplaneClient client(lab.loop, lab.path, lab.listener, std::chrono::milliseconds(5));
  lab.client_counters = [&] { return client.counters() != nullptr; };
  lab.accept();
  lab.report(ipc::InventoryEnd{});
  REQUIRE(lab.until([&] { return client.up(); }));
  CHECK_FALSE(client.silent_since());

  const auto refused = [&](const std::string& reason) {
    std::optional<Error> told;
    client.submit(Transaction(), [&](const auto& refusal) { told = refusal; });
    CHECK(client.silent_since());  // until it answers
    REQUIRE(lab.until([&] {
      ipc::ReceivedMessage message;
      lab.dataplane->drain();
      while (*lab.dataplane->receive(message))
        if (const auto commit = message.as<ipc::TransactionCommit>())
          lab.report(ipc::TransactionResult{.id = commit->id,
                                            .status = ipc::TransactionStatus::refused,
                                            .command = ipc::CommandType::port_set,
                                            .reason = ipc::to_text<160>(reason)});
      return told.has_value();
    }));
    CHECK_FALSE(client.silent_since());
    return *told;
  };
  const Error inner{&messages::port_unusable, "eth99: No such device"};
  const Error known = refused(inner.text());
  CHECK(known.message == &messages::port_unusable);
  CHECK(known.detail == "eth99: No such device");
  CHECK(refused(Error{&messages::twin_failed, {}}.text()).message == &messages::twin_failed);
  for (const char* other : {"no such thing", "SKO-DPL-012", "SKO-DPL-012: another title", "SKO-DPL-999: x", "",
                            "SKO-DPL-016: control connected: x"}) {
    const Error unknown = refused(other);
    CHECK(unknown.message == &messages::transaction_refused);
    CHECK(unknown.detail.ends_with(std::string("): ") + other));
  }
}

TEST_CASE("a tunnel that the dataplane tells of has an MTU that tunnels may have") {
  const auto is_plausible = [](uint16_t mtu) {
    return plausible(ipc::TunnelState{.mtu = mtu, .name = ipc::to_text<16>("vti0")});
  };
  CHECK(is_plausible(ipc::least_tunnel_mtu));
  CHECK(is_plausible(ipc::most_mtu));
  CHECK_FALSE(is_plausible(ipc::least_tunnel_mtu - 1));
  CHECK_FALSE(is_plausible(ipc::most_mtu + 1));
}

TEST_CASE("a dataplane that says what cannot be is disconnected") {
  const auto disconnects = [](const auto& message) {
    Lab lab;
    lab.listen();
    DataplaneClient client(lab.loop, lab.path, lab.listener, std::chrono::seconds(5));
    lab.client_counters = [&] { return client.counters() != nullptr; };
    lab.accept();
    lab.report(ipc::InventoryEnd{});
    REQUIRE(lab.until([&] { return client.up(); }));
    lab.report(message);
    return lab.until([&] { return lab.listener.downs == 1; });
  };
  CHECK(disconnects(ipc::TransactionResult{.id = ipc::TransactionId(5)}));  // never made
  CHECK(disconnects(ipc::InventoryEnd{}));                                  // a second time
  CHECK(disconnects(ipc::SaEvent{.id = ipc::SaId(ipc::max_sas)}));
  CHECK(disconnects(ipc::SaEvent{.kind = static_cast<ipc::SaEventKind>(17)}));
  CHECK(disconnects(ipc::PortState{.id = ipc::PortId(ipc::max_ports)}));
  CHECK(disconnects(ipc::SaRemove{}));  // a command
  ipc::PortState unterminated;
  unterminated.name.chars.fill('x');
  CHECK(disconnects(unterminated));
  CHECK(disconnects(ipc::PacketDenied{.filter = ipc::FilterId(ipc::max_filters + 1)}));
  CHECK(disconnects(ipc::PacketDenied{.direction = static_cast<ipc::Direction>(2)}));
  CHECK(disconnects(ipc::PacketDenied{.reason = static_cast<ipc::DenialReason>(9)}));
  CHECK(disconnects(ipc::PacketDenied{.source = {.family = 4}, .destination = {.family = 6}}));
  CHECK(disconnects(ipc::PacketDenied{.destination = {.family = 5}}));
}
