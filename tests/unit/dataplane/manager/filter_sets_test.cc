// Which filter an interface has, by transactions as control may send them.
#include "dataplane/manager/filter_sets.h"

#include <catch2/catch.hpp>

#include "ipc/convert.h"

namespace sekisho::dataplane {
namespace {

constexpr ipc::PortId lan{1}, wan{2};
constexpr ipc::TunnelId vti{5};
constexpr ipc::FilterId web{0}, mail{1};

const crypto::EspCrypto& crypto() {
  static const auto backend = crypto::EspCrypto::create(crypto::EspBackend::openssl);
  return *backend;
}

ipc::PortSet port(ipc::PortId id, const char* name, bool filtered) {
  return {.id = id, .filtered = filtered, .name = ipc::to_text<16>(name), .device = ipc::to_text<240>("net_null0")};
}
ipc::TunnelSet tunnel(bool filtered, const char* name = "vti0") {
  return {.id = vti, .filtered = filtered, .name = ipc::to_text<16>(name)};
}
ipc::FilterAttach attach(ipc::FilterId filter, const char* name) { return {filter, ipc::to_text<16>(name)}; }

// The manager's part: what is fit to be carried out is, and then held.
struct Lab {
  FilterSets sets;
  Holdings holdings;
  std::shared_ptr<const Filters> seen;  // by workers
  unsigned changes = 0;

  bool take(const auto&... commands) {
    Staging staging({.id = ipc::TransactionId(7)}, crypto());
    (staging.add(commands), ...);
    if (staging.check(holdings)) return false;
    if (auto change = sets.take(staging, holdings)) {
      seen = std::move(change->filters);
      ++changes;
    }
    for (const auto& [id, staged] : staging.ports) holdings.ports[id] = staged.value;
    for (const auto& [id, staged] : staging.tunnels) holdings.tunnels[id] = staged.value;
    for (const auto& [id, index] : staging.removed_ports) holdings.ports.erase(id);
    for (const auto& [id, index] : staging.removed_tunnels) holdings.tunnels.erase(id);
    return true;
  }
  // "open", "closed", or the filter's id.
  static std::string word(const Filter* filter) {
    if (filter == nullptr) return "open";
    return filter->id == ipc::closed_filter ? "closed" : std::to_string(filter->id.value());
  }
  std::string of(ipc::PortId id) const { return seen ? word(seen->ports[id.value()]) : "open"; }
  std::string of(ipc::TunnelId id) const { return seen ? word(seen->tunnels[id.value()]) : "open"; }
  uint16_t generation(ipc::PortId id) const { return seen->ports[id.value()]->generation; }
};

}  // namespace

TEST_CASE("an interface has the filter that is attached to its name, whichever of the two comes first") {
  Lab lab;
  REQUIRE(lab.take(port(wan, "wan", false), tunnel(false)));
  CHECK(lab.seen == nullptr);
  REQUIRE(lab.take(ipc::FiltersReplace{}, ipc::FilterAdd{web}, ipc::FilterAdd{mail}, attach(web, "lan"),
                   attach(mail, "vti0")));
  CHECK(lab.of(vti) == "1");
  CHECK(lab.of(wan) == "open");
  REQUIRE(lab.take(port(lan, "lan", true)));
  CHECK(lab.of(lan) == "0");
  CHECK(lab.of(vti) == "1");
  REQUIRE(lab.take(ipc::FiltersReplace{}));
  CHECK(lab.of(vti) == "open");
}

TEST_CASE("an interface that is to be filtered passes nothing until its filter is there") {
  Lab lab;
  REQUIRE(lab.take(port(lan, "lan", true), tunnel(true)));
  CHECK(lab.of(lan) == "closed");
  CHECK(lab.of(vti) == "closed");
  // What is refused changes nothing.
  CHECK_FALSE(lab.take(ipc::FiltersReplace{}, ipc::FilterAdd{web}, attach(mail, "lan")));
  CHECK(lab.of(lan) == "closed");
  REQUIRE(lab.take(ipc::FiltersReplace{}, ipc::FilterAdd{web}, attach(web, "lan"), attach(web, "vti0")));
  CHECK(lab.of(lan) == "0");
  CHECK(lab.of(vti) == "0");
  CHECK_FALSE(lab.take(ipc::FiltersReplace{}, ipc::FilterAdd{web}, attach(mail, "lan")));
  CHECK(lab.of(lan) == "0");
}

TEST_CASE("an interface that another control does not know, or that goes, is not open for a moment") {
  Lab lab;
  REQUIRE(lab.take(ipc::FiltersReplace{}, ipc::FilterAdd{web}, attach(web, "lan"), attach(web, "vti0")));
  REQUIRE(lab.take(port(lan, "lan", true), tunnel(true)));
  REQUIRE(lab.take(ipc::FiltersReplace{}));
  CHECK(lab.of(lan) == "closed");
  CHECK(lab.of(vti) == "closed");
  REQUIRE(lab.take(ipc::PortRemove{lan}));
  CHECK(lab.of(lan) == "closed");
  // Another has its id now.
  REQUIRE(lab.take(port(lan, "dmz", false)));
  CHECK(lab.of(lan) == "open");
  CHECK(lab.of(vti) == "closed");
}

TEST_CASE("an interface is opened and closed by its flag, and by nothing else that is set of it") {
  Lab lab;
  REQUIRE(lab.take(port(lan, "lan", false), tunnel(false)));
  REQUIRE(lab.take(tunnel(true)));
  CHECK(lab.of(vti) == "closed");
  CHECK(lab.of(lan) == "open");
  const unsigned changes = lab.changes;
  ipc::TunnelSet narrower = tunnel(true);
  narrower.mtu = 1300;
  REQUIRE(lab.take(narrower));
  CHECK(lab.changes == changes);  // as with every rekey: nothing for workers to take up
  CHECK(lab.of(vti) == "closed");
  REQUIRE(lab.take(tunnel(false)));
  CHECK(lab.of(vti) == "open");
  CHECK(lab.seen == nullptr);
}

TEST_CASE("only what has changed of filters is another generation") {
  Lab lab;
  const ipc::FilterRuleAdd rule{.filter = web, .protocol = 6};
  REQUIRE(lab.take(port(lan, "lan", true), port(wan, "wan", true)));
  const auto replace = [&](const auto&... more) {
    return lab.take(ipc::FiltersReplace{}, ipc::FilterAdd{web}, ipc::FilterAdd{mail}, attach(web, "lan"),
                    attach(mail, "wan"), more...);
  };
  REQUIRE(replace());
  const uint16_t first = lab.generation(lan), other = lab.generation(wan);
  CHECK(first != other);
  REQUIRE(replace());
  CHECK(lab.generation(lan) == first);
  REQUIRE(replace(rule));
  CHECK(lab.generation(lan) != first);
  CHECK(lab.generation(lan) != other);
  CHECK(lab.generation(wan) == other);
}

TEST_CASE("what workers still see is there as long as they do") {
  Lab lab;
  REQUIRE(lab.take(ipc::FiltersReplace{}, ipc::FilterAdd{web}, attach(web, "lan")));
  REQUIRE(lab.take(port(lan, "lan", true), tunnel(true)));
  const auto seen = lab.seen;
  REQUIRE(lab.take(ipc::FiltersReplace{}));
  lab.sets = FilterSets();
  CHECK(Lab::word(seen->ports[lan.value()]) == "0");
  CHECK(Lab::word(seen->tunnels[vti.value()]) == "closed");
}

}  // namespace sekisho::dataplane
