// sekisho-control: decides. main() opens everything that needs privileges, gives them up, and runs the loop.
#include <signal.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdio>
#include <exception>

#include "control/config/grade.h"
#include "control/config/report.h"
#include "control/main/daemon.h"
#include "control/main/frr_doors.h"
#include "control/main/namespace_door.h"
#include "control/main/options.h"
#include "control/main/privileges.h"
#include "control/main/sandbox.h"
#include "control/rpc/server.h"
#include "crypto/ike/public_key_context.h"

namespace sekisho::control {
namespace {

struct FreeLoop {
  void operator()(sd_event* loop) const { sd_event_unref(loop); }
};
using Loop = std::unique_ptr<sd_event, FreeLoop>;

Loop make_loop() {
  sd_event* loop = nullptr;
  if (const int result = sd_event_new(&loop); result < 0)
    throw std::system_error(-result, std::generic_category(), "sd_event_new");
  return Loop(loop);
}

int on_stop(sd_event_source*, const signalfd_siginfo*, void* daemon) {
  static_cast<Daemon*>(daemon)->shut_down();
  return 0;
}

int on_reload(sd_event_source*, const signalfd_siginfo*, void* daemon) {
  static_cast<Daemon*>(daemon)->reload();
  return 0;
}

void watch_signals(sd_event* loop, Daemon& daemon) {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, number);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  sd_event_add_signal(loop, nullptr, SIGTERM, on_stop, &daemon);
  sd_event_add_signal(loop, nullptr, SIGINT, on_stop, &daemon);
  sd_event_add_signal(loop, nullptr, SIGHUP, on_reload, &daemon);
}

int critical(const Error& error) {
  spdlog::critical("{}", error.text());
  return 1;
}

int run(const Options& options) {
  // First of all, so that the children have seen no secret. They are made where the configuration has nothing for them,
  // too: that may change.
  auto frr = FrrDoors::open(options.frr);
  if (!frr) return critical(frr.error());
  auto namespaces = NamespaceDoor::open();
  if (!namespaces) return critical(namespaces.error());
  crypto::public_key_context();  // what may throw throws now
  auto config = config::load(options.config, config::UnusableKeyLog::left_off);
  if (!config) {
    spdlog::critical("{} cannot be used:\n{}", options.config.string(), config::to_text(config.error()));
    return 1;
  }
  const Loop loop = make_loop();
  auto daemon = Daemon::start(loop.get(), std::move(*config), options.config.string(), options.dataplane,
                              std::move(*frr), std::move(*namespaces));
  if (!daemon) return critical(daemon.error());
  watch_signals(loop.get(), **daemon);
  auto server = rpc::Server::listen(loop.get(), **daemon, {.socket = options.socket});
  if (!server) return critical(server.error());
  if (auto dropped = drop_privileges(); !dropped) return critical(dropped.error());
  if (auto entered = enter_sandbox(); !entered) return critical(entered.error());
  spdlog::info("ready: {} serves the CLI, {} is to be the dataplane's", options.socket.string(), options.dataplane);
  return sd_event_loop(loop.get()) < 0 ? 1 : 0;
}

}  // namespace
}  // namespace sekisho::control

int main(int argc, char** argv) {
  using namespace sekisho;
  control::Options options;
  if (const auto code = control::parse_options(argc, argv, options)) return *code;
  if (options.grade) return config::grade_file(options.config, options.json, stdout);
  if (options.check) return config::check_file(options.config, options.json, stdout);
  spdlog::set_default_logger(spdlog::stderr_color_mt("control"));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e %^%l%$ %v");
  try {
    return control::run(options);
  } catch (const std::exception& error) {
    spdlog::critical("{}", error.what());
    return 1;
  }
}
