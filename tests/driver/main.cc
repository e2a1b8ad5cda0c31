// drive-dataplane SOCKET: one transaction from standard input (tests/driver/driver.h), then what the dataplane says.
//
//   drive-dataplane SOCKET [--replace] [--listen SECONDS] [--counters] < commands
//
// Exit code 0: applied. 1: refused. 2: no channel, or no answer.
#include <CLI/CLI.hpp>
#include <iostream>
#include <iterator>

#include "tests/driver/driver.h"

namespace {

int drive(const std::string& socket, bool replace, double listen, bool counters) {
  using namespace sekisho;
  auto channel = driver::connect(socket);
  if (!channel) {
    std::cerr << channel.error().text() << "\n";
    return 2;
  }
  const auto print = [](const ipc::ReceivedMessage& message) { std::cout << driver::describe(message) << std::endl; };
  const std::string commands(std::istreambuf_iterator<char>(std::cin), {});
  const auto result = driver::transact(**channel, 1, replace, commands, print);
  if (!result) {
    std::cerr << result.error().text() << "\n";
    return 2;
  }
  ipc::ReceivedMessage message;
  const std::chrono::milliseconds patience(static_cast<int>(listen * 1000));
  const auto end = std::chrono::steady_clock::now() + patience;
  while (listen > 0 && std::chrono::steady_clock::now() < end) {
    const auto got =
        driver::receive(**channel, message,
                        std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now()));
    if (!got || !*got) break;
    print(message);
  }
  if (counters) std::cout << driver::describe(*(*channel)->peer_counters());
  return result->status == ipc::TransactionStatus::applied ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("plays control for a sekisho-dataplane: one transaction from standard input", "drive-dataplane");
  std::string socket;
  bool replace = false, counters = false;
  double listen = 0;
  app.add_option("socket", socket, "of the dataplane")->required();
  app.add_flag("--replace", replace, "routes and next hops not named go");
  app.add_option("--listen", listen, "seconds to print events after the answer");
  app.add_flag("--counters", counters, "print the counters at the end");
  CLI11_PARSE(app, argc, argv);
  return drive(socket, replace, listen, counters);
}
