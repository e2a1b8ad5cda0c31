// The program itself against a control socket: what it prints, and the exit codes that scripts rely on.
#include <sys/wait.h>
#include <systemd/sd-event.h>

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <cstdio>
#include <functional>
#include <nlohmann/json.hpp>
#include <thread>

#include "control/rpc/server.h"
#include "tests/unit/control/rpc/fake_operations.h"

namespace sekisho::cli {
namespace {

struct Outcome {
  int code = -1;
  std::string text;  // stdout and stderr
};

class Daemon {
 public:
  explicit Daemon(const std::function<void(rpc::FakeOperations&)>& prepare = {}) {
    if (prepare) prepare(operations_);
    operations_.tunnel_.last_error =
        rpc::LastError{{&messages::ike_peer_unreachable, "10.9.2.2"}, operations_.now() - std::chrono::seconds(60)};
    REQUIRE(sd_event_new(&loop_) >= 0);
    auto server = rpc::Server::listen(loop_, operations_, {.socket = socket()});
    if (!server) FAIL(server.error().text());
    server_ = std::move(*server);
    thread_ = std::thread([this] {
      while (!stop_) sd_event_run(loop_, 20'000);
    });
  }
  ~Daemon() {
    stop_ = true;
    thread_.join();
    server_.reset();
    sd_event_unref(loop_);
  }

  std::filesystem::path directory() const { return operations_.fixture().directory(); }
  std::filesystem::path socket() const { return directory() / "control.sock"; }
  std::string file(const std::string& name, std::string_view text) const {
    operations_.fixture().write(name, text);
    return directory() / name;
  }

  Outcome run(const std::string& arguments) const {
    const char* program = getenv("SEKISHO");
    REQUIRE(program != nullptr);
    const std::string command = std::string(program) + " --socket " + socket().string() + " " + arguments + " 2>&1";
    std::FILE* pipe = popen(command.c_str(), "r");
    REQUIRE(pipe != nullptr);
    Outcome outcome;
    char chunk[4096];
    while (const size_t count = fread(chunk, 1, sizeof chunk, pipe)) outcome.text.append(chunk, count);
    outcome.code = WEXITSTATUS(pclose(pipe));
    return outcome;
  }

 private:
  rpc::FakeOperations operations_;
  sd_event* loop_ = nullptr;
  std::unique_ptr<rpc::Server> server_;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

bool has(const Outcome& outcome, std::string_view part) { return outcome.text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("the program asks a daemon and ends with the code of the answer") {
  const Daemon daemon;
  const auto check = [&](const std::string& arguments, int code, std::string_view part) {
    const Outcome outcome = daemon.run(arguments);
    INFO(arguments << "\n" << outcome.text);
    CHECK(outcome.code == code);
    CHECK(has(outcome, part));
  };
  check("status", 1, "0 of 1 up");  // a port is absent, and the tunnel has an error
  check("status", 1, "1 of 2 present");
  check("show tunnel >/dev/full", 1, "");
  check("--help >/dev/full", 1, "");
  check("show ike-sa", 0, "none\n");
  check("show child-sa tokyo", 0, "none\n");
  check("show tunnel", 0, "SKO-IKE-001");
  check("show tunnel kyoto", 1, "SKO-SYS-020: no such object: tunnel kyoto");
  check("show port --json", 0, "\"present\": true");
  check("show route", 0, "10.9.1.254");
  check("show bgp summary", 0, "169.254.1.2");
  check("show bgp received 192.0.2.1", 1, "SKO-RTG-017: bgpd has no such neighbour: 192.0.2.1");
  check("show bgp", 2, "subcommand");
  check("tunnel up tokyo --timeout 0", 1, "SKO-SYS-026");  // the old error is not taken for an answer
  check("tunnel rekey tokyo", 1, "SKO-SYS-030: nothing to rekey");
  check("tunnel rekey tokyo --child voice", 1, "SKO-SYS-020: no such object: child tokyo voice");
  check("explain tunnel tokyo", 0, "tokyo");
  check("explain tunnel kyoto", 1, "SKO-SYS-020");
  check("explain SKO-IKE-001", 0, "SKO-IKE-001");
  check("tunnel down tokyo --json", 0, "\"name\": \"tokyo\"");
  check("tunnel down tokyo", 0, "until the peer brings it up");
  for (const char* group : {"tunnel", "group", "config"})
    check(std::string(group) + " --help", 0, std::string("Examples:\n  sekisho ") + group + " ");
  check("config diff " + daemon.file("same.json", config::valid_text), 0, "nothing to change");
  check("config diff " + daemon.file("bad.json", R"({"prots": {}})"), 1, "did you mean \"ports\"?");
  check("config apply " + daemon.file("binary.json", "\xff\xfe"), 1, "not UTF-8");
  check("config apply " + daemon.file("empty.json", "{}"), 0, "tunnel tokyo goes down and is removed\napplied\n");
  check("config apply nowhere/x.json", 1, std::filesystem::current_path().string() + "/nowhere/x.json: No such file");
  check("config diff " + daemon.file("no_route.json", R"({"tunnels": {"tokyo": {"interface": {"name": "vti0"},
      "local": {"address": "10.9.1.1"}, "remote": {"address": "10.9.2.2"}, "psk_file": "psk/tokyo"}}})"),
        0, "warning, tunnel tokyo\n  SKO-CFG-064");
  check("show secrets", 2, "SKO-SYS-031");
  check("shwo tunnel", 2, "\"shwo\"; did you mean \"show\"?");
  check("--socket x show tunel", 2, "\"tunel\"; did you mean \"tunnel\"?");
  check("tunnel restart tokyo", 2, "\"restart\"; here are known: up down rekey");
  check("tunnel", 2, "subcommand");
  check("tunnel rekey tokyo --child voice --ike", 2, "excludes");
  check("tunnel up", 2, "NAME is required");
  check("--socket /nowhere status", 3, "SKO-SYS-021");
}

TEST_CASE("a tunnel whose probe is not answered is up, and is no success") {
  const auto probed = [](rpc::ProbeView::State state) {
    return [state](rpc::FakeOperations& operations) {
      config::Config config = operations.running();
      config.tunnels.at("tokyo").probe = config::Probe{.target = *IpAddress::parse("169.254.1.2")};
      operations.run(std::move(config));
      operations.tunnel_.phase = rpc::TunnelPhase::up;
      operations.tunnel_.probe = rpc::ProbeView{.state = state};
      ike::ChildSaView child{.name = "tokyo"};
      child.outbound_active = true;
      operations.ike_sas_ = {{.connection = "tokyo", .children = {child}}};
    };
  };
  const auto up = [&](rpc::ProbeView::State state) { return Daemon(probed(state)).run("tunnel up tokyo --timeout 0"); };
  CHECK(up(rpc::ProbeView::State::answering).code == 0);
  CHECK(up(rpc::ProbeView::State::unheard).code == 0);
  const Outcome unanswered = up(rpc::ProbeView::State::unproven);
  CHECK(unanswered.code == 1);
  CHECK(has(unanswered, "tokyo is up (probe unanswered)\n"));
  CHECK(has(unanswered, "SKO-SYS-034"));
  const Outcome failing = Daemon(probed(rpc::ProbeView::State::failing)).run("tunnel up tokyo");
  CHECK(failing.code == 1);
  CHECK(has(failing, "tokyo is up (probe fails)\n"));
}

TEST_CASE("a table of routes that comes in pages is shown whole") {
  const Daemon daemon([](rpc::FakeOperations& operations) {
    operations.routes_.clear();
    for (uint32_t i = 0; i < 2300; ++i)
      operations.routes_.push_back(
          {.prefix = Prefix(IpAddress::v4(Be32(0x14000000 + (i << 8))), 24), .interface = "wan"});
  });
  const Outcome text = daemon.run("show route"), list = daemon.run("show route wan --json");
  CHECK(std::ranges::count(text.text, '\n') == 2301);
  CHECK(has(text, "\n20.8.251.0/24  "));
  const auto parsed = nlohmann::json::parse(list.text, nullptr, false);
  REQUIRE(parsed.is_array());
  REQUIRE(parsed.size() == 2300);
  CHECK(parsed[1000]["prefix"] == "20.3.232.0/24");

  const Outcome endless = Daemon([](rpc::FakeOperations& operations) { operations.endless_ = true; }).run("show route");
  CHECK(endless.code == 1);
  CHECK(endless.text.starts_with("sekisho: SKO-SYS-027"));
}

TEST_CASE("with --json, answers and errors are JSON") {
  const Daemon daemon;
  for (const char* arguments :
       {"status", "show counters", "show bgp advertised", "show route", "show route wan", "show route x", "show ike-sa",
        "show tunnel kyoto", "explain", "explain SKO-IKE-001", "explain NONE", "shwo", "--socket /nowhere status"}) {
    const Outcome outcome = daemon.run(std::string(arguments) + " --json");
    INFO(arguments << "\n" << outcome.text);
    CHECK_FALSE(nlohmann::json::parse(outcome.text, nullptr, false).is_discarded());
  }
}

}  // namespace sekisho::cli
