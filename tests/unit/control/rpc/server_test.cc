#include "control/rpc/server.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-event.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/unique_fd.h"
#include "tests/unit/control/rpc/fake_operations.h"

namespace sekisho::rpc {
namespace {

using nlohmann::json;
constexpr std::string_view status_request = R"({"jsonrpc":"2.0","id":1,"method":"status"})"
                                            "\n";

class Harness {
 public:
  explicit Harness(ServerOptions options = {}) {
    REQUIRE(sd_event_new(&loop_) >= 0);
    options.socket = path();
    auto server = Server::listen(loop_, operations_, options);
    if (!server) FAIL(server.error().text());
    server_ = std::move(*server);
  }
  ~Harness() {
    server_.reset();
    sd_event_unref(loop_);
  }

  std::filesystem::path path() const { return operations_.fixture().directory() / "run" / "control.sock"; }
  sd_event* loop() const { return loop_; }
  FakeOperations& operations() { return operations_; }

  UniqueFd connected() const {
    UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, path().c_str());
    REQUIRE(connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    return fd;
  }

  // Turns the loop until nothing is left to do.
  void settle() {
    while (sd_event_run(loop_, 0) > 0) {
    }
  }

  void put(const UniqueFd& fd, std::string_view text) {
    while (!text.empty()) {
      const ssize_t count = send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL);
      if (count > 0) text.remove_prefix(static_cast<size_t>(count));
      settle();
      if (count < 0 && errno != EAGAIN) return;  // the server hung up
    }
  }

  // What the server has sent; `closed`: whether it hung up.
  std::string get(const UniqueFd& fd, bool& closed) {
    std::string text;
    char chunk[65536];
    for (;;) {
      const ssize_t count = recv(fd.get(), chunk, sizeof chunk, 0);
      closed = count == 0 || (count < 0 && errno == ECONNRESET);  // the latter: it left something unread
      if (count <= 0) return text;
      text.append(chunk, static_cast<size_t>(count));
      settle();
    }
  }

 private:
  FakeOperations operations_;
  sd_event* loop_ = nullptr;
  std::unique_ptr<Server> server_;
};

}  // namespace

TEST_CASE("requests are answered in order, also when they come in pieces") {
  Harness harness;
  struct stat status {};
  REQUIRE(stat(harness.path().c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
  const UniqueFd client = harness.connected();
  bool closed = false;
  for (const char c : status_request) harness.put(client, std::string_view(&c, 1));
  CHECK(json::parse(harness.get(client, closed))["result"]["tunnels"]["total"] == 1);
  harness.put(client, "\n{\n" + std::string(status_request));
  const std::string answers = harness.get(client, closed);
  const size_t newline = answers.find('\n');
  CHECK(json::parse(answers.substr(0, newline))["error"]["code"] == -32700);
  CHECK(json::parse(answers.substr(newline))["id"] == 1);
  CHECK_FALSE(closed);
  harness.put(client, status_request);
  shutdown(client.get(), SHUT_WR);
  harness.settle();
  CHECK_FALSE(harness.get(client, closed).empty());
  CHECK(closed);
}

TEST_CASE("an answer that comes later is awaited, and the lines behind it have their turn after it") {
  constexpr std::string_view later = R"({"jsonrpc":"2.0","id":7,"method":"bgp.show"})"
                                     "\n";
  Harness harness;
  harness.operations().bgpd_waits_ = true;
  UniqueFd client = harness.connected(), other = harness.connected();
  bool closed = false;
  harness.put(client, std::string(later) + std::string(status_request));
  harness.put(client, status_request);
  CHECK(harness.get(client, closed).empty());
  harness.put(other, status_request);
  CHECK_FALSE(harness.get(other, closed).empty());

  SECTION("it comes") {
    harness.operations().tell_bgp_();
    harness.settle();
    const std::string answers = harness.get(client, closed);
    const size_t first = answers.find('\n');
    CHECK(json::parse(answers.substr(0, first))["id"] == 7);
    CHECK(std::ranges::count(answers, '\n') == 3);
    CHECK_FALSE(closed);
  }
  SECTION("nobody waits for it any more") {
    client.reset();
    harness.settle();
    harness.operations().tell_bgp_();
    harness.put(other, status_request);
    CHECK_FALSE(harness.get(other, closed).empty());
  }
  SECTION("it is the last that is asked for") {
    shutdown(client.get(), SHUT_WR);
    harness.settle();
    harness.operations().tell_bgp_();
    harness.settle();
    CHECK(std::ranges::count(harness.get(client, closed), '\n') == 3);
    CHECK(closed);
  }
}

TEST_CASE("a line without an end is cut off") {
  Harness harness({.max_line = 1000});
  const UniqueFd client = harness.connected();
  bool closed = false;
  harness.put(client, std::string(200000, 'x'));
  CHECK(json::parse(harness.get(client, closed))["error"]["data"]["id"] == "SKO-SYS-023");
  CHECK(closed);
}

TEST_CASE("a client that does not read its answers holds nobody up") {
  Harness harness({.max_queued_output = 200000});
  const UniqueFd greedy = harness.connected();
  std::string requests;
  for (int i = 0; i < 500; ++i) requests += status_request;
  send(greedy.get(), requests.data(), requests.size(), MSG_NOSIGNAL);
  harness.settle();
  const UniqueFd other = harness.connected();
  bool closed = false;
  harness.put(other, status_request);
  CHECK(json::parse(harness.get(other, closed))["id"] == 1);
  CHECK_FALSE(closed);
  CHECK_FALSE(harness.get(greedy, closed).empty());
}

TEST_CASE("clients beyond the limit are turned away") {
  Harness harness({.max_clients = 1});
  bool closed = false;
  UniqueFd first = harness.connected();
  harness.settle();
  const UniqueFd second = harness.connected();
  harness.settle();
  CHECK(harness.get(second, closed).find("SKO-SYS-023") != std::string::npos);
  CHECK(closed);
  first.reset();
  harness.settle();
  const UniqueFd third = harness.connected();
  harness.put(third, status_request);
  CHECK(harness.get(third, closed).find("result") != std::string::npos);
}

TEST_CASE("a socket that is left over is replaced, one in use or another file is not") {
  Harness harness;
  const auto taken = Server::listen(harness.loop(), harness.operations(), {.socket = harness.path()});
  REQUIRE_FALSE(taken.has_value());
  CHECK(taken.error().detail.find("another daemon") != std::string::npos);
  const auto directory = harness.operations().fixture().directory();
  std::ofstream(directory / "file") << "x";
  CHECK_FALSE(Server::listen(harness.loop(), harness.operations(), {.socket = directory / "file"}).has_value());
  const std::string deep = directory / std::string(120, 'x');
  CHECK_FALSE(Server::listen(harness.loop(), harness.operations(), {.socket = deep}).has_value());

  const std::string left = directory / "left.sock";
  {
    const UniqueFd fd(socket(AF_UNIX, SOCK_STREAM, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, left.c_str());
    REQUIRE(bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  }
  CHECK(Server::listen(harness.loop(), harness.operations(), {.socket = left}).has_value());
  CHECK_FALSE(std::filesystem::exists(left));  // the server removed its own when it went
}

}  // namespace sekisho::rpc
