#include "dataplane/main/eal.h"

#include <rte_eal.h>
#include <rte_errno.h>
#include <sched.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string_view>

#include "base/messages/dataplane.h"

namespace sekisho::dataplane {
namespace {

std::vector<unsigned> own_processors() {
  cpu_set_t set;
  std::vector<unsigned> processors;
  if (sched_getaffinity(0, sizeof set, &set) == 0)
    for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu)
      if (CPU_ISSET(cpu, &set)) processors.push_back(cpu);
  if (processors.empty()) processors.push_back(0);
  return processors;
}

bool has_option(std::span<const std::string> eal, std::initializer_list<std::string_view> names) {
  return std::ranges::any_of(eal, [&](std::string_view argument) {
    return std::ranges::any_of(names, [&](std::string_view name) {
      return argument == name || (argument.starts_with(name) && argument.substr(name.size()).starts_with('='));
    });
  });
}

}  // namespace

std::string lcore_map(unsigned workers, std::span<const unsigned> processors) {
  std::string map = "0@" + std::to_string(processors[0]);
  for (unsigned worker = 1; worker <= workers; ++worker)
    map += "," + std::to_string(worker) + "@" + std::to_string(processors[worker % processors.size()]);
  return map;
}

bool wants_pci(std::span<const std::string> eal) {
  return has_option(eal, {"-a", "--allow", "-b", "--block", "-w"}) ||
         std::ranges::any_of(eal, [](std::string_view a) { return a.size() > 2 && a.starts_with("-a"); });
}

std::vector<std::string> eal_arguments(const Options& options, std::span<const unsigned> processors, bool huge) {
  std::vector<std::string> arguments = {"sekisho-dataplane",
                                        "--lcores",
                                        lcore_map(options.workers, processors),
                                        "--main-lcore",
                                        "0",
                                        "-m",
                                        std::to_string(options.memory_mb)};
  const auto add_unless = [&](std::initializer_list<std::string_view> names, std::string argument) {
    if (!has_option(options.eal, names)) arguments.push_back(std::move(argument));
  };
  // Nothing of this process is to be found by another DPDK process, and no file stays behind.
  if (huge) add_unless({"--in-memory", "--file-prefix", "--huge-unlink", "--proc-type"}, "--in-memory");
  arguments.emplace_back("--no-telemetry");
  add_unless({"--log-level"}, "--log-level=*:warning");
  // rte_fib looks up with AVX-512 only where it is told that it may; without AVX-512 nothing changes.
  add_unless({"--force-max-simd-bitwidth"}, "--force-max-simd-bitwidth=512");
  if (!wants_pci(options.eal)) arguments.emplace_back("--no-pci");
  if (!huge) {
    add_unless({"--no-huge"}, "--no-huge");
    // EAL refuses --in-memory together with --no-huge; this is the same for ordinary pages.
    arguments.emplace_back("--no-shconf");
    add_unless({"--file-prefix"}, "--file-prefix=sekisho");
  }
  arguments.insert(arguments.end(), options.eal.begin(), options.eal.end());
  return arguments;
}

unsigned free_hugepage_mb() {
  unsigned long long free_kb = 0;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator("/sys/kernel/mm/hugepages", ignored)) {
    const std::string name = entry.path().filename();  // "hugepages-2048kB"
    unsigned long long pages = 0;
    std::ifstream(entry.path() / "free_hugepages") >> pages;
    if (name.starts_with("hugepages-")) free_kb += pages * std::strtoull(name.c_str() + 10, nullptr, 10);
  }
  return static_cast<unsigned>(free_kb >> 10);
}

Result<void> start_eal(const Options& options) {
  bool huge = !options.no_huge && !has_option(options.eal, {"--no-huge"});
  if (huge) {
    const unsigned free_mb = free_hugepage_mb();
    if (free_mb < options.memory_mb) {
      huge = false;
      spdlog::warn("{}", Error{&messages::no_hugepages, std::to_string(free_mb) + " MB free of " +
                                                            std::to_string(options.memory_mb) + " MB wanted"}
                             .text());
    }
  }
  std::vector<std::string> arguments = eal_arguments(options, own_processors(), huge);
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  if (rte_eal_init(static_cast<int>(argv.size()), argv.data()) < 0)
    return fail(messages::dpdk_start_failed, rte_strerror(rte_errno));
  return {};
}

}  // namespace sekisho::dataplane
