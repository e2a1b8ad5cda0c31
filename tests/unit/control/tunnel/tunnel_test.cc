#include "control/tunnel/sa_command.h"
#include "ipc/convert.h"
#include "tests/unit/control/tunnel/gateway.h"

using namespace sekisho;
using namespace sekisho::control;

TEST_CASE("a child SA becomes two commands that mirror each other") {
  ike::InstallChildSa child{
      .connection = "tokyo", .suite = EspSuite::aes256gcm16, .esn = true, .udp_encapsulation = true};
  child.inbound = {0x10001, SecretBytes::copy_of(Bytes(36, 0x11))};
  child.outbound = {0x20002, SecretBytes::copy_of(Bytes(36, 0x22))};
  child.local = {address("10.9.1.1"), 4500};
  child.remote = {address("10.9.2.2"), 4501};
  child.local_selectors = {selector("10.1.0.0/24"), selector("fd00:1::/64")};
  child.remote_selectors = {selector("10.2.0.0/24"), selector("fd00:2::/64")};
  child.replay_window = 256;
  const auto in = make_sa_add(child, ipc::Direction::inbound, ipc::SaId(1), ipc::TunnelId(3));
  const auto out = make_sa_add(child, ipc::Direction::outbound, ipc::SaId(2), ipc::TunnelId(3));
  CHECK(in.spi == 0x10001);
  CHECK(in.key[0] == 0x11);
  CHECK(in.replay_window == 256);
  CHECK(ipc::to_address(in.source) == address("10.9.2.2"));
  CHECK(in.source_port == 4501);
  CHECK(in.selector_pairs == 2);
  CHECK(ipc::to_address(in.selectors[0].source.first) == address("10.2.0.0"));
  CHECK(ipc::to_address(in.selectors[0].source.last) == address("10.2.0.255"));
  CHECK(ipc::to_address(in.selectors[1].destination.first) == address("fd00:1::"));
  CHECK(out.spi == 0x20002);
  CHECK(out.key[35] == 0x22);
  CHECK(out.key[36] == 0);
  CHECK(ipc::to_address(out.source) == address("10.9.1.1"));
  CHECK(out.destination_port == 4501);
  CHECK(ipc::to_address(out.selectors[0].source.first) == address("10.1.0.0"));
}

TEST_CASE("selectors are paired by family and protocol, and cut where an SA holds no more") {
  TrafficSelector tcp = selector("10.1.0.0/24"), udp = selector("10.2.0.0/24");
  tcp.protocol = 6;
  udp.protocol = 17;
  CHECK(pair_selectors({tcp}, {udp}).empty());
  CHECK(pair_selectors({tcp}, {selector("10.2.0.0/24")}).front().protocol == 6);
  CHECK(pair_selectors({tcp}, {selector("fd00::/64")}).empty());
  const std::vector<TrafficSelector> many(5, selector("10.1.0.0/24"));
  CHECK(pair_selectors(many, many).size() == ipc::max_selector_pairs);
}

TEST_CASE("a tunnel lives from the acknowledged installation of a child to the removal of the last") {
  Dataplane dataplane;
  Gateway gateway(dataplane);
  const uint32_t first = gateway.install("tokyo", true, 0xa1);
  CHECK_FALSE(gateway.tunnels.live("tokyo"));
  dataplane.work();
  CHECK(gateway.tunnels.live("tokyo"));
  CHECK_FALSE(gateway.tunnels.live("osaka"));
  CHECK(gateway.sends_on("tokyo") == 0xa1);
  const auto owner = gateway.tunnels.owner(ipc::sa_of_spi(first), first);
  REQUIRE(owner);
  CHECK(owner->name == "tokyo");
  CHECK_FALSE(gateway.tunnels.owner(ipc::sa_of_spi(first), first + ipc::max_sas));

  gateway.tunnels.remove_child("tokyo", first);
  CHECK_FALSE(gateway.tunnels.live("tokyo"));
  dataplane.work();
  CHECK(dataplane.sas.empty());
  CHECK(gateway.sends_on("tokyo") == 0);
}

TEST_CASE("a rekeyed child takes over when it is to, and the tunnel lives throughout") {
  Dataplane dataplane;
  Gateway gateway(dataplane);
  const uint32_t first = gateway.install("tokyo", true, 0xa1);
  dataplane.work();
  const auto since = gateway.tunnels.live_since("tokyo");
  gateway.now += std::chrono::seconds(1);
  const uint32_t second = gateway.install("tokyo", false, 0xa2);
  dataplane.work();
  CHECK(gateway.sends_on("tokyo") == 0xa1);
  gateway.tunnels.activate("tokyo", second);
  dataplane.work();
  CHECK(gateway.sends_on("tokyo") == 0xa2);
  gateway.tunnels.remove_child("tokyo", first);
  dataplane.work();
  CHECK(gateway.sends_on("tokyo") == 0xa2);
  CHECK(dataplane.sas.size() == 2);
  CHECK(gateway.tunnels.live_since("tokyo") == since);
}

TEST_CASE("a tunnel lives on while the next child is on its way, and not if that is refused") {
  const bool refuse = GENERATE(false, true);
  Dataplane dataplane;
  Gateway gateway(dataplane);
  const uint32_t first = gateway.install("tokyo", true, 0xa1);
  CHECK_FALSE(gateway.tunnels.live("tokyo"));
  dataplane.work();
  gateway.changed.clear();
  const uint32_t second = gateway.install("tokyo", true, 0xa2);
  gateway.tunnels.remove_child("tokyo", first);
  CHECK(gateway.tunnels.live("tokyo"));
  CHECK(gateway.changed.empty());
  dataplane.refuse = refuse;
  dataplane.work();
  CHECK(gateway.refused == (refuse ? std::vector{second} : std::vector<uint32_t>{}));
  CHECK(gateway.tunnels.live("tokyo") == !refuse);
}

TEST_CASE("a tunnel whose only child is not to be sent on yet does not live") {
  Dataplane dataplane;
  Gateway gateway(dataplane);
  const uint32_t child = gateway.install("tokyo", false, 0xa1);
  dataplane.work();
  CHECK_FALSE(gateway.tunnels.live("tokyo"));
  gateway.tunnels.activate("tokyo", child);
  CHECK_FALSE(gateway.tunnels.live("tokyo"));
  dataplane.work();
  CHECK(gateway.tunnels.live("tokyo"));
  gateway.tunnels.remove_child("tokyo", child);
  CHECK_FALSE(gateway.tunnels.live("tokyo"));
}

TEST_CASE("when the child that sends goes, the newest other one takes over") {
  Dataplane dataplane;
  Gateway gateway(dataplane);
  gateway.install("tokyo", true, 0xa1);
  gateway.install("tokyo", true, 0xa2);
  const uint32_t third = gateway.install("tokyo", true, 0xa3);
  dataplane.work();
  gateway.tunnels.remove_child("tokyo", third);
  dataplane.work();
  CHECK(gateway.sends_on("tokyo") == 0xa2);
}

TEST_CASE("a refused installation is reported, gives its ids back and leaves the tunnel sending as before") {
  Dataplane dataplane;
  Gateway gateway(dataplane);
  gateway.install("tokyo", true, 0xa1);
  dataplane.work();
  dataplane.refuse = true;
  const uint32_t second = gateway.install("tokyo", true, 0xa2);
  dataplane.work();
  dataplane.refuse = false;
  CHECK(gateway.refused == std::vector{second});
  CHECK(gateway.tunnels.live("tokyo"));
  gateway.install("osaka", true, 0xb1);
  dataplane.work();
  CHECK(gateway.sends_on("tokyo") == 0xa1);
  CHECK(dataplane.sas.size() == 4);
}

TEST_CASE("a tunnel sends on one SA of each child definition, and each is replaced by itself") {
  using Spis = std::vector<uint32_t>;
  Dataplane dataplane;
  Gateway gateway(dataplane);
  gateway.install("tokyo", true, 0xb1, "voice");
  const uint32_t data = gateway.install("tokyo", true, 0xa1, "data");
  dataplane.work();
  CHECK(gateway.all_sent_on("tokyo") == Spis{0xa1, 0xb1});  // by name
  // A rekey that this side answers: the new one is used once it is surely there.
  const uint32_t next = gateway.install("tokyo", false, 0xa2, "data");
  dataplane.work();
  CHECK(gateway.all_sent_on("tokyo") == Spis{0xa1, 0xb1});
  gateway.tunnels.activate("tokyo", next);
  gateway.tunnels.remove_child("tokyo", data);
  dataplane.work();
  CHECK(gateway.all_sent_on("tokyo") == Spis{0xa2, 0xb1});
  // A refused one leaves the others alone.
  dataplane.refuse = true;
  gateway.install("tokyo", true, 0xc1, "bulk");
  dataplane.work();
  dataplane.refuse = false;
  gateway.tunnels.remove_child("tokyo", next);
  dataplane.work();
  CHECK(gateway.all_sent_on("tokyo") == Spis{0xb1});
  CHECK(gateway.tunnels.live("tokyo"));
  // More than the data path takes are installed, and do not send.
  for (uint32_t i = 0; i < 9; ++i)
    gateway.install("tokyo", true, 0xd0 + i, std::string(1, static_cast<char>('k' + i)).c_str());
  dataplane.work();
  CHECK(gateway.all_sent_on("tokyo").size() == ipc::max_tx_sas);
}

TEST_CASE("a new control replaces child by child what an earlier one sent on") {
  using Spis = std::vector<uint32_t>;
  Dataplane dataplane;
  {
    Gateway before(dataplane);
    before.install("tokyo", true, 0xa1, "data");
    before.install("tokyo", true, 0xb1, "voice");
    dataplane.work();
  }
  Gateway after(dataplane);
  CHECK(after.tunnels.live("tokyo"));
  CHECK(after.all_sent_on("tokyo") == Spis{0xa1, 0xb1});
  CHECK(after.tunnels.adopted("tokyo"));
  CHECK(after.tunnels.carries_leftover("tokyo", "voice"));
  after.install("tokyo", true, 0xb2, "voice");
  dataplane.work();
  CHECK(after.all_sent_on("tokyo") == Spis{0xb2, 0xa1, 0xb1});
  CHECK_FALSE(after.tunnels.adopted("tokyo"));
  CHECK_FALSE(after.tunnels.carries_leftover("tokyo", "voice"));
  CHECK(after.tunnels.carries_leftover("tokyo", "data"));
  // The last child has the time that the first one had.
  const Instant first = *after.tunnels.next_deadline();
  after.now += std::chrono::seconds(10);
  after.install("tokyo", true, 0xa2, "data");
  dataplane.work();
  CHECK(*after.tunnels.next_deadline() == first + std::chrono::seconds(10));
  CHECK_FALSE(after.tunnels.carries_leftover("tokyo", "data"));
  after.now = *after.tunnels.next_deadline();
  after.tunnels.expire_leftovers();
  dataplane.work();
  CHECK(after.all_sent_on("tokyo") == Spis{0xa2, 0xb2});
  CHECK(dataplane.sas.size() == 4);
}

TEST_CASE("what an earlier control left behind does not outlive its lifetime where nothing succeeds it") {
  Dataplane dataplane;
  {
    Gateway before(dataplane);
    before.install("tokyo", true, 0xa1);
    dataplane.work();
  }
  Gateway after(dataplane);
  const Instant adopted = after.now;
  CHECK(after.tunnels.live("tokyo"));
  REQUIRE(after.tunnels.next_deadline() == adopted + std::chrono::hours(1));
  after.now = *after.tunnels.next_deadline();
  after.tunnels.expire_leftovers();
  dataplane.work();
  CHECK_FALSE(after.tunnels.live("tokyo"));
  CHECK(dataplane.sas.empty());
  CHECK_FALSE(after.tunnels.next_deadline());
}

TEST_CASE("what an earlier control left behind goes when the peer turns out to be dead, and nothing else does") {
  Dataplane dataplane;
  {
    Gateway before(dataplane);
    before.install("tokyo", true, 0xa1);
    dataplane.work();
  }
  Gateway after(dataplane);
  after.tunnels.abandon("osaka");
  CHECK(after.tunnels.live("tokyo"));
  after.tunnels.abandon("tokyo");
  dataplane.work();
  CHECK_FALSE(after.tunnels.live("tokyo"));
  CHECK(dataplane.sas.empty());
  after.install("tokyo", true, 0xa2);
  dataplane.work();
  after.tunnels.abandon("tokyo");
  dataplane.work();
  CHECK(after.tunnels.live("tokyo"));
}

TEST_CASE("a child SA whose peer moved keeps its SAs, which learn the new addresses") {
  Dataplane dataplane;
  Gateway gateway(dataplane);
  const uint32_t spi = gateway.install("tokyo", true, 0xa1);
  dataplane.work();
  ike::UpdateChildSa update{.connection = "tokyo",
                            .inbound_spi = spi,
                            .udp_encapsulation = true,
                            .local = {address("10.9.1.7"), 4500},
                            .remote = {address("10.9.2.8"), 61000}};
  gateway.tunnels.move(update);
  gateway.tunnels.move(update);
  dataplane.work();
  REQUIRE(dataplane.sas.size() == 2);
  for (const auto& [id, sa] : dataplane.sas) {
    const bool inbound = sa.direction == ipc::Direction::inbound;
    CHECK(ipc::to_address(inbound ? sa.source : sa.destination) == update.remote.address);
    CHECK(ipc::to_address(inbound ? sa.destination : sa.source) == update.local.address);
    CHECK((inbound ? sa.source_port : sa.destination_port) == 61000);
    CHECK((inbound ? sa.destination_port : sa.source_port) == 4500);
    CHECK(sa.udp_encapsulation == 1);
  }
  CHECK(gateway.sends_on("tokyo") == 0xa1);
  // Nothing is said of a child that the dataplane does not hold, nor to a dataplane that is not there.
  update.inbound_spi = spi + 1;
  gateway.tunnels.move(update);
  update.inbound_spi = spi;
  gateway.tunnels.dataplane_down();
  gateway.tunnels.move(update);
  CHECK(dataplane.queue.empty());
}

TEST_CASE("ids never run out over many rekeys, lost dataplanes and abandoned negotiations") {
  Dataplane dataplane;
  Gateway gateway(dataplane);
  uint32_t last = gateway.install("tokyo");
  for (int i = 0; i < 70'000; ++i) {
    const uint32_t next = gateway.install("tokyo");
    gateway.tunnels.remove_child("tokyo", last);
    last = next;
    const auto abandoned = gateway.tunnels.allocate_inbound_spi();
    REQUIRE(abandoned);
    gateway.tunnels.release_inbound_spi(*abandoned);
    if (i % 1000 == 0) {
      // With the removal under way or not.
      if (i % 2000 == 0) dataplane.work();
      dataplane = Dataplane();
      gateway.tunnels.dataplane_down();
      gateway.tunnels.dataplane_up({});
    }
    dataplane.work();
  }
  CHECK(dataplane.sas.size() == 2);
}

TEST_CASE("a dataplane that lost its SAs gets new ones and never the old") {
  Dataplane dataplane;
  Gateway gateway(dataplane);
  const uint32_t first = gateway.install("tokyo", true, 0xa1);
  dataplane.work();
  dataplane = Dataplane();
  dataplane.up = false;
  gateway.tunnels.dataplane_down();
  CHECK_FALSE(gateway.tunnels.live("tokyo"));
  CHECK_FALSE(gateway.tunnels.allocate_inbound_spi());
  dataplane.up = true;
  CHECK(gateway.tunnels.dataplane_up({}) == std::vector<std::string>{"tokyo"});
  dataplane.work();
  CHECK(dataplane.sas.empty());
  CHECK(gateway.sends_on("tokyo") == 0);
  CHECK(gateway.tunnels.lost("tokyo", first));
  gateway.install("tokyo", true, 0xa2);
  gateway.tunnels.remove_child("tokyo", first);
  dataplane.work();
  CHECK(gateway.sends_on("tokyo") == 0xa2);
  CHECK(gateway.tunnels.live("tokyo"));
}

TEST_CASE("a lost connection to a dataplane that lives on changes nothing there") {
  Dataplane dataplane;
  Gateway gateway(dataplane);
  gateway.install("tokyo", true, 0xa1);
  dataplane.work();
  gateway.tunnels.dataplane_down();
  CHECK(gateway.tunnels.dataplane_up(dataplane.inventory()).empty());
  dataplane.work();
  CHECK(gateway.tunnels.live("tokyo"));
  CHECK(gateway.sends_on("tokyo") == 0xa1);
  CHECK(dataplane.sas.size() == 2);
}

TEST_CASE("a new control adopts what forwards, replaces it, and takes away what nobody wants") {
  Dataplane dataplane;
  {
    Gateway before(dataplane);
    before.install("tokyo", true, 0xa1);
    before.tunnels.set("kyoto", "vti9", {.mtu = 1400});
    dataplane.work();
    before.install("kyoto", true, 0xc1);
    dataplane.work();
  }
  Gateway after(dataplane);
  CHECK(after.tunnels.live("tokyo"));
  CHECK_FALSE(after.tunnels.live("osaka"));
  CHECK(after.sends_on("tokyo") == 0xa1);
  CHECK(dataplane.tunnels.size() == 2);
  CHECK(dataplane.sas.size() == 2);

  after.install("tokyo", true, 0xa2);
  dataplane.work();
  CHECK(after.sends_on("tokyo") == 0xa2);
  CHECK(dataplane.sas.size() == 4);  // inbound packets of the old one may be under way
  REQUIRE(after.tunnels.next_deadline());
  CHECK(*after.tunnels.next_deadline() > after.now + std::chrono::seconds(10));  // a peer may send on it for so long
  after.tunnels.expire_leftovers();
  CHECK(dataplane.queue.empty());
  after.now = *after.tunnels.next_deadline();
  after.tunnels.expire_leftovers();
  dataplane.work();
  CHECK(dataplane.sas.size() == 2);
  CHECK(after.sends_on("tokyo") == 0xa2);
  CHECK_FALSE(after.tunnels.next_deadline());
}

TEST_CASE("a removed tunnel takes its SAs along") {
  Dataplane dataplane;
  Gateway gateway(dataplane);
  const uint32_t first = gateway.install("tokyo");
  dataplane.work();
  gateway.tunnels.remove("tokyo");
  dataplane.work();
  CHECK(dataplane.sas.empty());
  CHECK(dataplane.tunnels.size() == 1);
  gateway.tunnels.remove_child("tokyo", first);
  CHECK(dataplane.queue.empty());
}

TEST_CASE("a removed tunnel's id, which routes may name still, is not the next tunnel's") {
  Dataplane dataplane;
  Gateway gateway(dataplane);
  const ipc::TunnelId before = *gateway.tunnels.id("tokyo");
  gateway.tunnels.remove("tokyo");
  gateway.tunnels.set("kyoto", "vti2", {.mtu = 1400});
  dataplane.work();
  CHECK(gateway.tunnels.id("kyoto") != before);
  CHECK(dataplane.tunnels.size() == 2);
}

TEST_CASE("a tunnel is to be filtered while its interface has security groups, with every SA that comes") {
  Dataplane dataplane;
  Gateway gateway(dataplane);
  CHECK(gateway.set("tokyo").filtered == 0);
  gateway.tunnels.set("tokyo", "vti0", {.mtu = 1400}, {}, {.filtered = true});
  dataplane.work();
  CHECK(gateway.set("tokyo").filtered == 1);
  CHECK(gateway.set("tokyo").on_traffic == 0);
  gateway.install("tokyo");
  dataplane.work();
  CHECK(gateway.set("tokyo").filtered == 1);
  CHECK(gateway.set("osaka").filtered == 0);
  gateway.tunnels.set("tokyo", "vti0", {.mtu = 1400});
  dataplane.work();
  CHECK(gateway.set("tokyo").filtered == 0);
}

TEST_CASE("a tunnel that is refused is set again, later and later, until it is taken") {
  using std::chrono::seconds;
  Dataplane dataplane;
  Gateway gateway(dataplane);
  dataplane.refuse = true;
  gateway.tunnels.set("kyoto", "vti2", {.mtu = 1400});
  dataplane.work();
  for (const int delay : {1, 2, 4, 8, 16, 32, 60, 60}) {
    REQUIRE(gateway.tunnels.next_deadline() == gateway.now + seconds(delay));
    gateway.now += seconds(delay) - std::chrono::milliseconds(1);
    gateway.tunnels.retry_refused();
    REQUIRE(dataplane.queue.empty());
    gateway.now += std::chrono::milliseconds(1);
    gateway.tunnels.retry_refused();
    CHECK_FALSE(gateway.tunnels.next_deadline());  // it is under way
    gateway.tunnels.retry_refused();
    REQUIRE(dataplane.queue.size() == 1);
    dataplane.work();
  }
  CHECK(gateway.refused_tunnels == std::vector<std::string>{"kyoto"});  // for the same reason it is told once
  CHECK_FALSE(gateway.tunnels.present("kyoto"));
  dataplane.refuse = false;
  gateway.now += seconds(60);
  gateway.tunnels.retry_refused();
  dataplane.work();
  CHECK(gateway.tunnels.present("kyoto"));
  CHECK_FALSE(gateway.tunnels.next_deadline());

  dataplane.refuse = true;
  gateway.tunnels.set("kyoto", "vti2", {.mtu = 1300});
  dataplane.work();
  CHECK(gateway.tunnels.next_deadline() == gateway.now + seconds(1));
  CHECK(gateway.refused_tunnels.size() == 2);
}

TEST_CASE("what was refused is not tried again once the dataplane or the tunnel is gone") {
  Dataplane dataplane;
  Gateway gateway(dataplane);
  dataplane.refuse = true;
  gateway.tunnels.set("tokyo", "vti0", {.mtu = 1300});
  gateway.tunnels.set("osaka", "vti1", {.mtu = 1300});
  dataplane.work();
  REQUIRE(gateway.tunnels.next_deadline());
  gateway.tunnels.remove("tokyo");
  dataplane.work();
  REQUIRE(gateway.tunnels.next_deadline());
  dataplane.up = false;
  gateway.tunnels.dataplane_down();
  CHECK_FALSE(gateway.tunnels.next_deadline());
}

TEST_CASE("traffic is counted over the lives of SAs") {
  Dataplane dataplane;
  Gateway gateway(dataplane);
  dataplane.memory.table().workers = 2;
  const uint32_t first = gateway.install("tokyo");
  dataplane.work();
  const auto count = [&](uint32_t spi, unsigned worker, uint64_t packets) {
    auto& value = dataplane.memory.table().writers[worker].sas[ipc::sa_of_spi(spi).value()].value;
    value[static_cast<size_t>(ipc::SaCounter::packets)] += packets;
    value[static_cast<size_t>(ipc::SaCounter::bytes)] += 100 * packets;
  };
  count(first, 0, 3);
  count(first, 1, 4);
  CHECK(gateway.tunnels.traffic("tokyo").first.packets == 7);
  const uint32_t second = gateway.install("tokyo");
  gateway.tunnels.remove_child("tokyo", first);
  dataplane.work();
  count(second, 1, 5);
  CHECK(gateway.tunnels.traffic("tokyo").first.packets == 12);
  CHECK(gateway.tunnels.traffic("tokyo").first.octets == 1200);
  REQUIRE(gateway.tunnels.child_counts().size() == 1);
  CHECK(gateway.tunnels.child_counts()[0].in[0] == 5);
  // What a worker beyond the number in use claims is not read.
  count(second, 3, 1000);
  CHECK(gateway.tunnels.traffic("tokyo").first.packets == 12);
}
