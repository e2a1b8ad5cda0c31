// sekisho-dataplane: the process that holds NICs, packets and keys in use. main() brings the parts up in the order in
// which they need each other and takes them down in reverse.
#include <pthread.h>
#include <rte_eal.h>
#include <signal.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/signalfd.h>

#include <cstdio>
#include <exception>

#include "base/messages/dataplane.h"
#include "base/unique_fd.h"
#include "dataplane/bench/bench.h"
#include "dataplane/main/eal.h"
#include "dataplane/main/options.h"
#include "dataplane/main/privileges.h"
#include "dataplane/manager/forwarding.h"
#include "dataplane/manager/listener.h"
#include "dataplane/manager/manager.h"
#include "dataplane/port/packet_pool.h"
#include "ipc/counter_memory.h"

namespace sekisho::dataplane {
namespace {

// Blocked before any thread starts, so that all inherit it and the signals are read from the descriptor alone.
UniqueFd stop_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  return UniqueFd(signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
}

crypto::EspBackend backend(const Options& options) {
  return options.openssl ? crypto::EspBackend::openssl : crypto::EspBackend::ipsec_mb;
}

Result<void> forward(const Options& options, int stop_fd) {
  auto listener = Listener::open(options.socket);
  if (!listener) return std::unexpected(listener.error());
  auto packets = create_packet_pool(options.memory_mb, 0);
  if (!packets) return std::unexpected(packets.error());
  auto large = create_large_pool();
  if (!large) return std::unexpected(large.error());
  auto counters = ipc::CounterMemory::create();
  if (!counters) return std::unexpected(counters.error());
  const ForwardingOptions forwarding_options{options.workers, options.memory_mb, options.vrfs, options.busy_poll,
                                             backend(options)};
  auto forwarding = Forwarding::start(forwarding_options, {*packets, *large}, counters->table());
  if (!forwarding) return std::unexpected(forwarding.error());
  spdlog::info("ready: {} worker{}, ESP by {}, control connects to {}", options.workers,
               options.workers == 1 ? "" : "s", options.openssl ? "OpenSSL" : "intel-ipsec-mb", options.socket);
  Manager(std::move(*listener), **forwarding, *counters).run(stop_fd);
  spdlog::info("ending");
  return {};
}

Result<void> start(const Options& options) {
  if (auto dropped = drop_privileges({.pci = wants_pci(options.eal), .af_xdp = options.af_xdp}); !dropped)
    return dropped;
  return start_eal(options);
}

// The way in for static keys; nothing of what serves a control is started.
Result<int> benchmark(Options options, int stop_fd) {
  auto plan = bench::make_plan(*options.bench);
  if (!plan) return std::unexpected(plan.error());
  options.workers = plan->workers;
  // What the user asked for counts, for better or worse.
  if (options.memory_mb == 0) options.memory_mb = plan->memory_mb;
  plan->memory_mb = options.memory_mb;
  if (auto started = start(options); !started) return std::unexpected(started.error());
  const auto finished = bench::run(*plan, *options.bench, backend(options), stop_fd);
  rte_eal_cleanup();
  if (!finished) return std::unexpected(finished.error());
  constexpr int interrupted = 130;  // as shells call it
  return *finished ? 0 : interrupted;
}

// The exit code.
Result<int> run(const Options& options) {
  if (!crypto::EspCrypto::available(backend(options))) return fail(messages::crypto_unavailable);
  const UniqueFd stop_fd = stop_signals();
  if (options.bench) return benchmark(options, stop_fd.get());
  if (auto started = start(options); !started) return std::unexpected(started.error());
  const auto result = forward(options, stop_fd.get());
  rte_eal_cleanup();
  if (!result) return std::unexpected(result.error());
  return 0;
}

}  // namespace
}  // namespace sekisho::dataplane

int main(int argc, char** argv) {
  spdlog::set_default_logger(spdlog::stderr_color_mt("dataplane"));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e %^%l%$ %v");
  sekisho::dataplane::Options options;
  if (const auto code = sekisho::dataplane::parse_options(argc, argv, options)) return *code;
  try {
    const auto code = sekisho::dataplane::run(options);
    if (code) return *code;
    spdlog::critical("{}", code.error().text());
    return 1;
  } catch (const std::exception& e) {
    spdlog::critical("start failed: {}", e.what());
    return 1;
  }
}
