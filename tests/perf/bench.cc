// sekisho-bench: what a packet costs in the fast path, in TSC cycles, next to what ipsec-mb alone takes for the same
// bytes. The method is in docs/performance.md.
#include <fmt/format.h>
#include <rte_cycles.h>
#include <rte_version.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

#include "dataplane/main/eal.h"
#include "dataplane/port/packet_pool.h"
#include "tests/perf/measurement.h"

namespace sekisho::perf {
namespace {

using nlohmann::json;

constexpr EspSuite default_suites[] = {EspSuite::aes128gcm16, EspSuite::aes256gcm16, EspSuite::aes128_sha1,
                                       EspSuite::aes256_sha256};
constexpr unsigned memory_mb = 512;

struct Settings {
  std::string json_file;
  std::vector<std::string> suites, frames, directions;
  unsigned tunnels = 1;
  Effort effort;
  bool openssl = false;
};

std::string_view name(Direction direction) { return direction == Direction::encrypt ? "encrypt" : "decrypt"; }

std::string cpu_model() {
  std::ifstream cpuinfo("/proc/cpuinfo");
  for (std::string line; std::getline(cpuinfo, line);)
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  return "unknown";
}

json describe(const Settings& settings, bool huge) {
  return {{"cpu", cpu_model()},
          {"tsc_mhz", rte_get_tsc_hz() / 1000000},
          {"memory", huge ? "hugepages" : "ordinary pages"},
          {"dpdk", rte_version()},
          {"backend", settings.openssl ? "openssl" : "ipsec-mb"},
          {"tunnels", settings.tunnels},
          {"runs", settings.effort.runs},
          {"passes", settings.effort.passes},
          {"packets", Measurement::packet_count}};
}

json to_json(const Cycles& cycles) { return {{"median", cycles.median}, {"min", cycles.min}, {"max", cycles.max}}; }

std::string text(const Cycles& cycles) {
  return fmt::format("{:7.0f} {:>14}", cycles.median, fmt::format("({:.0f}-{:.0f})", cycles.min, cycles.max));
}

// On the terminal only; the table is on stdout.
void show_progress(size_t done, size_t all, const std::string& what) {
  if (isatty(STDERR_FILENO) == 0) return;
  fmt::print(stderr, "\r\033[K{}", done == all ? "" : fmt::format("{}/{} {}", done + 1, all, what));
  std::fflush(stderr);
}

struct Cell {
  EspSuite suite;
  FrameMix mix;
  Direction direction;
};

// Whether `chosen` names it, or names nothing.
bool wanted(const std::vector<std::string>& chosen, std::string_view name) {
  return chosen.empty() || std::ranges::find(chosen, name) != chosen.end();
}

std::vector<Cell> cells_of(const Settings& settings) {
  std::vector<EspSuite> suites;
  for (const std::string& suite : settings.suites) suites.push_back(*find_esp_suite(suite));
  if (suites.empty()) suites.assign(std::begin(default_suites), std::end(default_suites));
  std::vector<Cell> cells;
  for (const EspSuite suite : suites)
    for (const FrameMix& mix : frame_mixes)
      for (const Direction direction : {Direction::encrypt, Direction::decrypt})
        if (wanted(settings.frames, mix.name) && wanted(settings.directions, name(direction)))
          cells.push_back({suite, mix, direction});
  return cells;
}

json measure(const Settings& settings, rte_mempool* pool) {
  json results = json::array();
  Measurement measurement(pool, settings.openssl ? crypto::EspBackend::openssl : crypto::EspBackend::ipsec_mb,
                          settings.tunnels);
  fmt::print("{:<14} {:>5} {:<8} {:>22} {:>22} {:>6}\n", "suite", "frame", "", "data path", "ipsec-mb alone", "ratio");
  const std::vector<Cell> cells = cells_of(settings);
  for (size_t i = 0; i < cells.size(); ++i) {
    const auto& [suite, mix, direction] = cells[i];
    show_progress(i, cells.size(), fmt::format("{} {} {}", info(suite).name, mix.name, name(direction)));
    const Figures figures = measurement.run(suite, mix, direction, settings.effort);
    show_progress(cells.size(), cells.size(), "");
    fmt::print("{:<14} {:>5} {:<8} {} {} {:6.2f}\n", info(suite).name, mix.name, name(direction), text(figures.path),
               text(figures.raw), figures.ratio());
    std::fflush(stdout);
    results.push_back({{"suite", info(suite).name},
                       {"frame", mix.name},
                       {"direction", name(direction)},
                       {"path", to_json(figures.path)},
                       {"raw", to_json(figures.raw)},
                       {"ratio", figures.ratio()}});
  }
  return results;
}

void run(const Settings& settings) {
  spdlog::set_level(spdlog::level::err);
  dataplane::Options options{.workers = 0, .memory_mb = memory_mb};
  const bool huge = dataplane::free_hugepage_mb() >= memory_mb;
  if (auto started = dataplane::start_eal(options); !started) throw std::runtime_error(started.error().text());
  auto pool = dataplane::create_packet_pool(memory_mb, 0);
  if (!pool) throw std::runtime_error(pool.error().text());

  json report = describe(settings, huge);
  fmt::print("TSC cycles a packet: median (least-greatest) of {} runs. {}, TSC {} MHz, {}, {}, {} tunnel{}.\n\n",
             settings.effort.runs, cpu_model(), rte_get_tsc_hz() / 1000000, huge ? "hugepages" : "ordinary pages",
             report["backend"].get<std::string>(), settings.tunnels, settings.tunnels == 1 ? "" : "s");
  report["results"] = measure(settings, *pool);
  if (settings.json_file.empty()) return;
  std::ofstream file(settings.json_file);
  file << report.dump(2) << '\n';
  if (!file.flush()) throw std::runtime_error("cannot write " + settings.json_file);
}

std::vector<std::string> names_of_suites() {
  std::vector<std::string> names;
  for (const EspSuiteInfo& suite : esp_suites) names.emplace_back(suite.name);
  return names;
}

std::vector<std::string> names_of_frames() {
  std::vector<std::string> names;
  for (const FrameMix& mix : frame_mixes) names.emplace_back(mix.name);
  return names;
}

}  // namespace
}  // namespace sekisho::perf

int main(int argc, char** argv) {
  using namespace sekisho::perf;
  Settings settings;
  CLI::App app("Measures the fast path's cost per packet, without a NIC. See docs/performance.md for the method.");
  app.add_option("--json", settings.json_file, "also write the figures to this file");
  app.add_option("--suite", settings.suites, "only these ESP suites")->check(CLI::IsMember(names_of_suites()));
  app.add_option("--frame", settings.frames, "only these frame sizes")->check(CLI::IsMember(names_of_frames()));
  app.add_option("--direction", settings.directions, "only encrypt, or only decrypt")
      ->check(CLI::IsMember(std::vector<std::string>{"encrypt", "decrypt"}));
  app.add_option("--tunnels", settings.tunnels, "packets take turns in so many tunnels")
      ->check(CLI::Range(1u, Gateway::max_tunnels));
  app.add_option("--runs", settings.effort.runs, "runs of each measurement")->check(CLI::Range(1, 1000));
  app.add_option("--passes", settings.effort.passes, "passes of each run")->check(CLI::Range(1, 10000));
  app.add_flag("--openssl", settings.openssl, "the data path uses OpenSSL instead of ipsec-mb");
  CLI11_PARSE(app, argc, argv);
  try {
    run(settings);
  } catch (const std::exception& error) {
    fmt::print(stderr, "sekisho-bench: {}\n", error.what());
    return 1;
  }
  return 0;
}
