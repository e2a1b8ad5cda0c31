#include "dataplane/bench/report.h"

#include <fmt/format.h>
#include <rte_cycles.h>
#include <rte_version.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/version.h"
#include "dataplane/bench/raw_crypto.h"

namespace sekisho::dataplane::bench {
namespace {

using nlohmann::ordered_json;

std::string processor() {
  std::ifstream cpuinfo("/proc/cpuinfo");
  for (std::string line; std::getline(cpuinfo, line);)
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  return "unknown";
}

double rounded(double value, double places) { return std::round(value * places) / places; }

ordered_json describe(const Scenario& scenario, const Cell& cell) {
  ordered_json row = {{"scenario", scenario.name},
                      {"direction", name(cell.direction)},
                      {"suite", nullptr},
                      {"size", cell.size},
                      {"tunnels", cell.tunnels},
                      {"routes", cell.routes},
                      {"workers", cell.workers},
                      {"paths", scenario.paths},
                      {"order", name(scenario.order)},
                      {"family", scenario.family == Family::ipv4 ? 4 : 6},
                      {"during", name(scenario.during)}};
  if (cell.suite) row["suite"] = info(*cell.suite).name;
  if (cell.size == imix) row["size"] = size_name(imix);
  return row;
}

void print_line(const ordered_json& line) {
  // A scenario's name is a folder's, which may hold any bytes.
  fmt::print("{}\n", line.dump(-1, ' ', false, ordered_json::error_handler_t::replace));
  std::fflush(stdout);
}

std::string cycles_text(double cycles) { return std::isnan(cycles) ? "-" : fmt::format("{:.1f}", cycles); }

std::string spread_text(const Spread& spread) {
  return std::isnan(spread.median) ? "-" : fmt::format("{:.1f} ({:.0f}-{:.0f})", spread.median, spread.min, spread.max);
}

ordered_json describe(const Totals::Port& port, double seconds) {
  const auto rate = [&](uint64_t count, double unit) {
    return rounded(static_cast<double>(count) / seconds / unit, 1000);
  };
  return {{"rx_mpps", rate(port.rx_packets, 1e6)},
          {"rx_gbps", rate(port.rx_bytes * 8, 1e9)},
          {"tx_mpps", rate(port.tx_packets, 1e6)},
          {"tx_gbps", rate(port.tx_bytes * 8, 1e9)}};
}

// That all workers together take in.
double packets_a_second(const Figures& figures) {
  double rate = 0;
  for (const double cycles : figures.workers)
    if (cycles != 0) rate += static_cast<double>(rte_get_tsc_hz()) / cycles;
  return rate;
}

}  // namespace

std::string Report::title(const Cell& cell) {
  return fmt::format("{}{} {}, {} tunnel{}, {} route{}, {} worker{}", cell.suite ? info(*cell.suite).name : "",
                     cell.suite ? " " + size_name(cell.size) : size_name(cell.size), name(cell.direction), cell.tunnels,
                     cell.tunnels == 1 ? "" : "s", cell.routes, cell.routes == 1 ? "" : "s", cell.workers,
                     cell.workers == 1 ? "" : "s");
}

void Report::machine(const MachineReport& machine) {
  const std::string memory = machine.huge ? "hugepages" : "ordinary pages";
  const std::string backend = machine.backend == crypto::EspBackend::openssl ? "openssl" : "ipsec-mb";
  const uint64_t tsc_mhz = rte_get_tsc_hz() / 1'000'000;
  if (!json_lines_) {
    const std::string of = scenario_.in_memory() ? fmt::format("{} runs", machine.effort.runs) : "the seconds";
    fmt::print("{}: TSC cycles a packet and core, median (least-greatest) of {}.\n{}, TSC {} MHz, {}, {}.\n\n",
               scenario_.name, of, processor(), tsc_mhz, memory, backend);
    return;
  }
  print_line({{"machine",
               {{"cpu", processor()},
                {"processors", machine.processors},
                {"tsc_mhz", tsc_mhz},
                {"memory", memory},
                {"dpdk", rte_version()},
                {"ipsec_mb", ipsec_mb_version()},
                {"backend", backend},
                {"sekisho", version()},
                {"runs", machine.effort.runs},
                {"passes", machine.effort.passes},
                {"packets", pass_packets}}}});
}

void Report::progress(const std::string& what) {
  if (json_lines_)
    print_line({{"progress", what}});
  else if (isatty(STDERR_FILENO) != 0)
    fmt::print(stderr, "\r\033[K{}", what);
}

// What a row is about: a cell, but for what several cells have not in common.
struct Report::Label {
  const Cell& cell;
  bool one_size = true, one_direction = true;
};

void Report::cell(const Cell& cell, const Figures& figures, const std::string& note) { row({cell}, figures, note); }

void Report::forwarded(const std::vector<Cell>& cells, const Figures& figures, const std::string& note) {
  const Cell& first = cells.front();
  const bool one_size = std::ranges::all_of(cells, [&](const Cell& cell) { return cell.size == first.size; });
  const bool one_direction =
      std::ranges::all_of(cells, [&](const Cell& cell) { return cell.direction == first.direction; });
  row({first, one_size, one_direction}, figures, note);
}

void Report::row(const Label& label, const Figures& figures, const std::string& note) {
  constexpr double unknown = std::numeric_limits<double>::quiet_NaN();
  const Cell& cell = label.cell;
  const double loss =
      figures.packets == 0 ? unknown : static_cast<double>(figures.lost) / static_cast<double>(figures.packets);
  const double rate = packets_a_second(figures) * (figures.lost == 0 ? 1 : 1 - loss);
  const double mpps = rate / 1e6, gbps = rate * figures.inner_bytes * 8 / 1e9;
  const double overhead = figures.helpers != 0 ? unknown : figures.path.median - figures.io - figures.crypto;
  if (json_lines_) {
    ordered_json row = describe(scenario_, cell);
    if (!label.one_size) row["size"] = nullptr;
    if (!label.one_direction) row["direction"] = nullptr;
    row["mpps"] = rounded(mpps, 1000);
    row["gbps"] = rounded(gbps, 1000);
    row["cycles_per_packet"] = rounded(figures.path.median, 10);
    row["cycles_min"] = rounded(figures.path.min, 10);
    row["cycles_max"] = rounded(figures.path.max, 10);
    row["crypto_cycles"] = rounded(figures.crypto, 10);  // NaN is null in JSON
    row["io_cycles"] = rounded(figures.io, 10);
    row["overhead_cycles"] = rounded(overhead, 10);
    row["loss"] = loss;
    row["stages"] = ordered_json::object();
    for (size_t stage = 0; stage < figures.stages.size(); ++stage)
      if (figures.stages[stage] != 0)
        row["stages"][std::string(name(static_cast<Stage>(stage)))] = rounded(figures.stages[stage], 10);
    row["repeated"] = figures.repeated;
    if (figures.helpers != 0) row["helpers"] = figures.helpers;
    if (scenario_.during != During::nothing) row["changes"] = figures.changes;
    if (!note.empty()) row["note"] = note;
    if (figures.workers.size() > 1)
      for (const double cycles : figures.workers) row["worker_cycles"].push_back(rounded(cycles, 10));
    return print_line(row);
  }
  progress("");
  if (!std::exchange(headed_, true))
    fmt::print("{:<14} {:>5} {:<5} {:>7} {:>7} {:>3} {:>22} {:>6} {:>7} {:>8} {:>7} {:>7} {:>6}\n", "suite", "size", "",
               "tunnels", "routes", "wrk", "cycles", "io", "crypto", "overhead", "Mpps", "Gbit/s", "loss");
  fmt::print("{:<14} {:>5} {:<5} {:>7} {:>7} {:>3} {:>22} {:>6} {:>7} {:>8} {:>7.2f} {:>7.2f} {:>6}\n",
             cell.suite ? info(*cell.suite).name : "-", label.one_size ? size_name(cell.size) : "-",
             label.one_direction ? name(cell.direction) : "-", cell.tunnels, cell.routes, cell.workers,
             spread_text(figures.path), cycles_text(figures.io), cycles_text(figures.crypto), cycles_text(overhead),
             mpps, gbps,
             loss == 0          ? "0"
             : std::isnan(loss) ? "-"
                                : fmt::format("{:.1e}", loss));
  if (scenario_.during != During::nothing) fmt::print("  {}: {} times\n", name(scenario_.during), figures.changes);
  if (!note.empty()) fmt::print("  {}\n", note);
  std::fflush(stdout);
}

void Report::second(const Second& second) {
  const ordered_json lan = describe(second.totals.lan, second.length), wan = describe(second.totals.wan, second.length);
  if (json_lines_)
    return print_line({{"second", second.number}, {"lan", lan}, {"wan", wan}, {"dropped", second.totals.dropped}});
  const auto text = [](const ordered_json& port) {
    return fmt::format("rx {:.3f} Mpps {:.2f} Gbit/s, tx {:.3f} Mpps {:.2f} Gbit/s", port["rx_mpps"].get<double>(),
                       port["rx_gbps"].get<double>(), port["tx_mpps"].get<double>(), port["tx_gbps"].get<double>());
  };
  fmt::print("{:>4} s  lan {}  wan {}  dropped {}\n", second.number, text(lan), text(wan), second.totals.dropped);
  std::fflush(stdout);
}

void Report::skipped(const Cell& cell, const std::string& note) {
  if (json_lines_) {
    ordered_json row = describe(scenario_, cell);
    row["note"] = note;
    return print_line(row);
  }
  progress("");
  fmt::print("{}: {}\n", title(cell), note);
  std::fflush(stdout);
}

}  // namespace sekisho::dataplane::bench
