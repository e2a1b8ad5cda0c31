// What the dataplane is told of security groups, and what is known of them from it.
#include "control/main/filters.h"

#include <catch2/catch.hpp>
#include <deque>
#include <map>

#include "base/messages/dataplane.h"
#include "ipc/convert.h"
#include "ipc/counter_memory.h"
#include "tests/unit/control/commands.h"

namespace sekisho::control {
namespace {

using Rules = std::map<std::string, std::vector<uint16_t>>;  // of which ports, by interface

// Holds what it is told last and takes, or refuses.
struct Dataplane final : TransactionSink {
  bool up = true, refuse = false;
  std::deque<std::pair<std::vector<StoredCommand>, DataplaneClient::Done>> queue;
  std::map<std::string, ipc::FilterId> attachments;
  std::map<ipc::FilterId, ipc::FilterAdd> filters;
  std::map<ipc::FilterId, std::vector<uint16_t>> ports;
  ipc::CounterMemory memory = std::move(*ipc::CounterMemory::create());

  bool ready() const override { return up; }
  void submit(Transaction transaction, DataplaneClient::Done done) override {
    REQUIRE(up);
    queue.emplace_back(std::move(transaction).take(), std::move(done));
  }
  const ipc::CounterTable* counters() const override { return up ? &memory.table() : nullptr; }

  void take(const StoredCommand& command) {
    if (as<ipc::FiltersReplace>(command)) {
      attachments.clear();
      filters.clear();
      ports.clear();
    } else if (const auto filter = as<ipc::FilterAdd>(command)) {
      REQUIRE(filter->id.value() < ipc::max_filters);
      REQUIRE(filters.emplace(filter->id, *filter).second);
    } else if (const auto rule = as<ipc::FilterRuleAdd>(command)) {
      REQUIRE(filters.contains(rule->filter));
      ports[rule->filter].push_back(rule->first_port);
    } else if (const auto attachment = as<ipc::FilterAttach>(command)) {
      REQUIRE(filters.contains(attachment->filter));
      REQUIRE(attachments.emplace(*ipc::to_string(attachment->interface), attachment->filter).second);
    } else {
      FAIL("a command of another kind");
    }
  }
  // The answer to the oldest transaction.
  void answer() {
    REQUIRE_FALSE(queue.empty());
    auto [commands, done] = std::move(queue.front());
    queue.pop_front();
    if (refuse) return done(Error{&messages::transaction_refused, "so it is"});
    for (const StoredCommand& command : commands) take(command);
    done({});
  }
  Rules rules() {
    Rules all;
    for (const auto& [interface, id] : attachments) all[interface] = ports[id];
    return all;
  }
  void count(ipc::FilterId id, uint64_t packets) {
    memory.table().writers[ipc::slow_path_slot].filters[id.value()].value[0] += packets;
  }
};

// Groups of one rule each, which allows their port in; interfaces by the groups that they have.
config::Config configuration(const std::map<std::string, uint16_t>& groups,
                             const std::map<std::string, std::vector<std::string>>& ports,
                             const std::map<std::string, std::vector<std::string>>& tunnels = {}) {
  config::Config config;
  for (const auto& [name, port] : groups)
    config.security_groups[name].in = {config::SecurityRule{.protocol = 6, .ports = {{port, port}}}};
  for (const auto& [name, attached] : ports) config.ports[name].security_groups = attached;
  for (const auto& [name, attached] : tunnels) {
    config.tunnels[name].interface.name = name;
    config.tunnels[name].interface.security_groups = attached;
  }
  return config;
}

struct Lab {
  Dataplane dataplane;
  std::vector<Error> failures;
  Filters filters{dataplane, [this](const Error& error) { failures.push_back(error); }};

  void set(const config::Config& config) {
    filters.set(config);
    if (!dataplane.queue.empty()) dataplane.answer();
  }
  void connect() {
    dataplane.up = true;
    filters.dataplane_up();
    dataplane.answer();
  }
  std::optional<uint64_t> passed(size_t filter = 0) {
    const auto view = filters.view().filters.at(filter);
    return view.counters ? std::optional((*view.counters)[0]) : std::nullopt;
  }
  void deny(const char* interface, ipc::FilterId filter, ipc::DenialReason reason = {}) {
    filters.denied({.filter = filter,
                    .reason = reason,
                    .has_ports = 1,
                    .destination_port = 22,
                    .interface = ipc::to_text<16>(interface)},
                   Instant{});
  }
};

}  // namespace

TEST_CASE("interfaces get the rules of their groups, and those without groups nothing") {
  Lab lab;
  lab.set(configuration({{"web", 443}, {"mail", 25}}, {{"lan", {"web"}}, {"wan", {}}},
                        {{"vti0", {"mail", "web"}}, {"vti1", {"web"}}}));
  CHECK(lab.dataplane.rules() == Rules{{"lan", {443}}, {"vti0", {25, 443}}, {"vti1", {443}}});
  CHECK(lab.dataplane.attachments["lan"] == lab.dataplane.attachments["vti1"]);
  CHECK(lab.dataplane.filters.size() == 2);
  CHECK(lab.failures.empty());
}

TEST_CASE("an edit is sent whole; a list of groups keeps its id and its identity through it") {
  Lab lab;
  lab.set(configuration({{"web", 443}, {"mail", 25}}, {{"lan", {"web"}}, {"wan", {"mail"}}}));
  const auto attachments = lab.dataplane.attachments;
  const auto identity = lab.dataplane.filters[attachments.at("lan")].identity;
  lab.set(configuration({{"web", 80}, {"mail", 25}}, {{"lan", {"web"}}, {"wan", {"mail"}}}));
  CHECK(lab.dataplane.rules() == Rules{{"lan", {80}}, {"wan", {25}}});
  CHECK(lab.dataplane.attachments == attachments);
  CHECK(lab.dataplane.filters[attachments.at("lan")].identity == identity);
  // One goes, another comes: the one that stays is not renumbered.
  lab.set(configuration({{"mail", 25}, {"dns", 53}}, {{"lan", {"dns"}}, {"wan", {"mail"}}}));
  CHECK(lab.dataplane.rules() == Rules{{"lan", {53}}, {"wan", {25}}});
  CHECK(lab.dataplane.attachments["wan"] == attachments.at("wan"));
  CHECK(lab.dataplane.filters[lab.dataplane.attachments["lan"]].identity != identity);
  // The last groups go: so do the filters, by a transaction that says so. Then there is nothing to say.
  lab.set(configuration({}, {{"lan", {}}, {"wan", {}}}));
  CHECK(lab.dataplane.filters.empty());
  lab.filters.set(configuration({}, {{"lan", {}}}));
  CHECK(lab.dataplane.queue.empty());
}

TEST_CASE("of an interface that is no longer configured nothing is said: it is closed by its flag") {
  Lab lab;
  lab.set(configuration({{"web", 443}}, {{"lan", {"web"}}, {"wan", {"web"}}}));
  lab.set(configuration({{"web", 443}}, {{"lan", {"web"}}}));
  CHECK(lab.dataplane.rules() == Rules{{"lan", {443}}});
}

TEST_CASE("nothing is sent before the dataplane is there, and all when it comes, each time") {
  Lab lab;
  lab.dataplane.up = false;
  lab.filters.set(configuration({{"web", 443}}, {{"lan", {"web"}}}));
  CHECK(lab.dataplane.queue.empty());
  CHECK_FALSE(lab.passed());
  lab.connect();
  CHECK(lab.dataplane.rules() == Rules{{"lan", {443}}});
  // Another dataplane.
  lab.dataplane.attachments.clear();
  lab.connect();
  CHECK(lab.dataplane.rules() == Rules{{"lan", {443}}});
  // An earlier control had some, this one has none.
  Lab later;
  later.dataplane.up = false;
  later.filters.set(configuration({}, {{"lan", {}}}));
  later.dataplane.attachments["lan"] = ipc::FilterId(0);
  later.connect();
  CHECK(later.dataplane.attachments.empty());
}

TEST_CASE("what is refused leaves in force what was there, and is told; nothing else is sent in its place") {
  Lab lab;
  lab.set(configuration({{"web", 443}}, {{"lan", {"web"}}}));
  CHECK_FALSE(lab.filters.view().refusal);
  lab.dataplane.refuse = true;
  lab.set(configuration({{"web", 80}}, {{"lan", {"web"}}}));
  CHECK(lab.dataplane.rules() == Rules{{"lan", {443}}});
  CHECK(lab.dataplane.queue.empty());
  REQUIRE(lab.failures.size() == 1);
  CHECK(lab.failures[0].message == &messages::transaction_refused);
  REQUIRE(lab.filters.view().refusal);
  lab.dataplane.refuse = false;
  lab.set(configuration({{"web", 8080}}, {{"lan", {"web"}}}));
  CHECK(lab.dataplane.rules() == Rules{{"lan", {8080}}});
  CHECK_FALSE(lab.filters.view().refusal);
}

TEST_CASE("a refusal that comes late does not take away what was sent after it") {
  Lab lab;
  lab.filters.set(configuration({{"web", 443}}, {{"lan", {"web"}}}));
  lab.filters.set(configuration({{"web", 80}}, {{"lan", {"web"}}}));
  lab.dataplane.refuse = true;
  lab.dataplane.answer();
  lab.dataplane.refuse = false;
  lab.dataplane.answer();
  CHECK(lab.dataplane.queue.empty());
  CHECK(lab.dataplane.rules() == Rules{{"lan", {80}}});
  CHECK_FALSE(lab.filters.view().refusal);
}

TEST_CASE("counts are those of a filter alone: not of one that had its id before, nor of an earlier control's") {
  Lab lab;
  lab.dataplane.up = false;
  lab.filters.set(configuration({{"web", 443}}, {{"lan", {"web"}}}));
  lab.dataplane.count(ipc::FilterId(0), 1000);  // by whatever an earlier control had under that id
  lab.connect();
  CHECK(lab.passed() == 0);
  lab.dataplane.count(ipc::FilterId(0), 5);
  CHECK(lab.passed() == 5);
  lab.set(configuration({{"web", 80}}, {{"lan", {"web"}}}));
  CHECK(lab.passed() == 5);
  lab.set(configuration({{"dns", 53}}, {{"lan", {"dns"}}}));
  CHECK(lab.passed() == 0);
  // What the dataplane has refused counts nothing: under its ids it has others.
  lab.dataplane.refuse = true;
  lab.set(configuration({{"mail", 25}}, {{"lan", {"mail"}}}));
  lab.dataplane.count(ipc::FilterId(0), 7);
  CHECK_FALSE(lab.passed());
  lab.dataplane.refuse = false;
  lab.set(configuration({{"mail", 26}}, {{"lan", {"mail"}}}));
  CHECK(lab.passed() == 0);
}

TEST_CASE("denials are kept with the filter of their interface, the last ones first") {
  Lab lab;
  lab.set(configuration({{"mail", 25}, {"web", 443}}, {{"lan", {"web"}}, {"wan", {"mail"}}}));
  const auto denials = [&](size_t filter) { return lab.filters.view().filters.at(filter).denials; };
  REQUIRE(lab.filters.view().filters.at(0).interfaces == std::vector<std::string>{"wan"});
  lab.deny("wan", lab.dataplane.attachments["wan"]);
  lab.deny("lan", lab.dataplane.attachments["wan"]);  // that id had another list of groups when it was denied
  lab.deny("lan", ipc::closed_filter, ipc::DenialReason::closed);
  lab.deny("elsewhere", lab.dataplane.attachments["lan"]);
  CHECK(denials(0).size() == 1);
  REQUIRE(denials(1).size() == 2);
  CHECK(denials(1)[0].reason == ipc::DenialReason::closed);
  CHECK(denials(1)[1].reason == ipc::DenialReason::no_rule);
  CHECK(denials(1)[1].destination_port == 22);
  CHECK(denials(1)[1].interface == "lan");
  for (int i = 0; i < 20; ++i) lab.deny("lan", lab.dataplane.attachments["lan"]);
  CHECK(denials(1).size() == Filters::kept_denials);
}

}  // namespace sekisho::control
