#include "dataplane/main/options.h"

#include <CLI/CLI.hpp>
#include <string_view>

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

What stands behind "--" goes to DPDK's environment layer as it is. Without it no PCI device is
touched; virtual devices (net_af_packet, net_memif, net_tap, ...) need nothing here, they are
named in the configuration of sekisho-control.

SIGTERM ends it: ports are closed and the kernel twin interfaces vanish.)";

}  // namespace

std::optional<int> parse_options(int argc, char** argv, Options& options) {
  // CLI11 would take EAL's options for its own.
  int own = 1;
  while (own < argc && std::string_view(argv[own]) != "--") ++own;
  for (int i = own + 1; i < argc; ++i) options.eal.emplace_back(argv[i]);

  CLI::App app(description, "sekisho-dataplane");
  app.footer(footer);
  app.add_option("--socket", options.socket, "where control connects")->capture_default_str()->type_name("PATH");
  app.add_option("--workers", options.workers, "forwarding threads; more than there are processors share them")
      ->capture_default_str()
      ->check(CLI::Range(1U, ipc::max_workers));
  app.add_option("--memory", options.memory_mb, "for packets and tables")
      ->capture_default_str()
      ->type_name("MB")
      ->check(CLI::Range(256U, 1U << 20));
  app.add_flag("--no-huge", options.no_huge, "use ordinary pages (also chosen where hugepages do not suffice)");
  app.add_flag("--busy-poll", options.busy_poll, "never let an idle worker sleep: lowest latency, whole processors");
  app.add_flag("--af-xdp", options.af_xdp, "keep the privileges that net_af_xdp devices need (BPF, CAP_SYS_ADMIN)");
  std::string crypto = "ipsec-mb";
  app.add_option("--crypto", crypto, "who computes ESP")
      ->capture_default_str()
      ->check(CLI::IsMember({"ipsec-mb", "openssl"}));
  try {
    app.parse(own, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  options.openssl = crypto == "openssl";
  return {};
}

}  // namespace sekisho::dataplane
