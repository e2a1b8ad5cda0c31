#include "dataplane/main/options.h"

#include <CLI/CLI.hpp>
#include <string_view>

#include "crypto/esp/esp_crypto.h"
#include "ipc/schema.h"

namespace sekisho::dataplane {
namespace {

constexpr const char* description = R"(sekisho-dataplane: forwards packets and does ESP on DPDK ports.

It starts empty. sekisho-control connects to its socket and tells it which ports to open, which
tunnels exist and where packets go; it keeps all of that, and goes on forwarding, when control ends.)";

constexpr const char* footer = R"(
Examples:
  sekisho-dataplane                               one worker, hugepages if there are enough
  sekisho-dataplane --workers 2 --no-huge         on a machine without hugepages
  sekisho-dataplane -- -a 0000:03:00.0            let DPDK take this PCI device
  sekisho-dataplane --bench FILE --size 64        measure: what a 64-byte packet costs

What stands behind "--" goes to DPDK's environment layer as it is. Without it no PCI device is
touched; virtual devices (net_af_packet, net_memif, net_tap, ...) need nothing here, they are
named in the configuration of sekisho-control.

SIGTERM ends it: ports are closed and the kernel twin interfaces vanish.

With --bench it serves no control and opens no socket. It takes ports, tunnels, keys and routes from a
scenario file (pktgen-scenarios/*/scenario.json, docs/performance.md) and measures the same workers:
TSC cycles a packet and core, next to those of the ports alone (io) and of the cryptography of the same
bytes alone (crypto). --suite, --size, --direction, --tunnels, --routes and --workers may be given
several times and restrict it to some of the scenario's combinations.

The ports of a scenario are made of memory, and the built-in runner feeds them. With --port they may be
any devices of DPDK, PCI devices after "--" included. Then the workers forward whatever comes in, their
own loop running, and each second's rates are printed. For example, from a file that is replayed:

  sekisho-dataplane --bench FILE --size 64 --direction out --write-pcap lan.pcap
  sekisho-dataplane --bench FILE --size 64 --direction out --seconds 5
      --port lan=net_pcap0,rx_pcap=lan.pcap,infinite_rx=1 --port wan=net_null0,no-rx=1

Sealed input that is replayed wants "replay_window": 0 in the scenario.)";

// A list as CLI11 shall take it: `--size 64 --size imix`, or `--size 64,imix`.
template <typename T>
CLI::Option* add_list(CLI::App& app, const char* name, std::vector<T>& values, const char* what) {
  return app.add_option(name, values, what)->delimiter(',')->allow_extra_args(false)->group("Benchmark");
}

void add_bench_options(CLI::App& app, bench::Options& options) {
  const char* group = "Benchmark";
  CLI::Option* file = app.add_option("--bench", options.file, "measure this scenario (the file or its folder)")
                          ->type_name("FILE")
                          ->group(group);
  add_list(app, "--suite", options.filter.suites, "only these ESP suites")->needs(file);
  add_list(app, "--size", options.filter.sizes, "only these frame sizes; imix is one")->needs(file);
  add_list(app, "--direction", options.filter.directions, "only plain, out or in")->needs(file);
  add_list(app, "--tunnels", options.filter.tunnels, "only these numbers of tunnels")->needs(file);
  add_list(app, "--routes", options.filter.routes, "only these numbers of routes")->needs(file);
  const auto effort = [&](const char* name, unsigned& value, const char* what) {
    app.add_option(name, value, what)->capture_default_str()->check(CLI::Range(1, 10'000))->needs(file)->group(group);
  };
  effort("--runs", options.effort.runs, "runs of each measurement");
  effort("--passes", options.effort.passes, "passes of each run");
  CLI::Option* port =
      app.add_option("--port", options.ports, "this device instead of the scenario's; may be given for both ports")
          ->type_name("lan|wan=DEVICE")
          ->allow_extra_args(false)
          ->needs(file)
          ->group(group);
  CLI::Option* seconds =
      app.add_option("--seconds", options.seconds, "how long to forward between such devices; else until SIGTERM")
          ->needs(file)
          ->group(group);
  app.add_option("--write-pcap", options.pcap_file,
                 "write the frames that come in, for a generator, and measure nothing")
      ->type_name("FILE")
      ->needs(file)
      ->excludes(port, seconds)
      ->group(group);
  app.add_flag("--json-lines", options.json_lines, "print an object of JSON for each cell as it finishes")
      ->needs(file)
      ->group(group);
}

}  // namespace

std::optional<int> parse_options(int argc, char** argv, Options& options) {
  // CLI11 would take EAL's options for its own.
  int own = 1;
  while (own < argc && std::string_view(argv[own]) != "--") ++own;
  for (int i = own + 1; i < argc; ++i) options.eal.emplace_back(argv[i]);

  CLI::App app(description, "sekisho-dataplane");
  app.footer(footer);
  app.add_option("--socket", options.socket, "where control connects")->capture_default_str()->type_name("PATH");
  CLI::Option* workers =
      app.add_option("--workers", options.workers,
                     "forwarding threads; more than there are processors share them. With --bench: only this number")
          ->capture_default_str()
          ->check(CLI::Range(1U, ipc::max_workers));
  CLI::Option* memory = app.add_option("--memory", options.memory_mb, "for packets and tables")
                            ->capture_default_str()
                            ->type_name("MB")
                            ->check(CLI::Range(256U, 1U << 20));
  app.add_option("--vrfs", options.vrfs,
                 "so many VRFs besides the front door find memory even where it does not grow (docs/datapath.md)")
      ->capture_default_str()
      ->check(CLI::Range(0U, ipc::max_vrfs - 1U));
  app.add_flag("--no-huge", options.no_huge, "use ordinary pages (also chosen where hugepages do not suffice)");
  app.add_flag("--busy-poll", options.busy_poll, "never let an idle worker sleep: lowest latency, whole processors");
  app.add_flag("--af-xdp", options.af_xdp, "keep the privileges that net_af_xdp devices need (BPF, CAP_SYS_ADMIN)");
  std::string crypto = crypto::EspCrypto::available(crypto::EspBackend::ipsec_mb) ? "ipsec-mb" : "openssl";
  app.add_option("--crypto", crypto, "who computes ESP")
      ->capture_default_str()
      ->check(CLI::IsMember({"ipsec-mb", "openssl"}));
  bench::Options bench;
  add_bench_options(app, bench);
  try {
    app.parse(own, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  options.openssl = crypto == "openssl";
  if (bench.file.empty()) return {};
  if (workers->count() > 0) bench.filter.workers = {options.workers};
  if (memory->count() == 0) options.memory_mb = 0;
  bench.own_effort = app.count("--runs") + app.count("--passes") > 0;
  bench.busy_poll = options.busy_poll;
  options.bench = std::move(bench);
  return {};
}

}  // namespace sekisho::dataplane
