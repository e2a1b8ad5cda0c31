// Starts DPDK's environment layer (EAL): memory, threads, buses. Hugepages are used where enough are free, else
// ordinary pages. The manager is the main lcore; lcores 1..N are the workers, spread over the processors this process
// may use and sharing them where they do not suffice.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/message.h"
#include "dataplane/main/options.h"

namespace sekisho::dataplane {

// EAL's --lcores for the manager and `workers` workers on these processors: "0@0,1@1,2@0".
std::string lcore_map(unsigned workers, std::span<const unsigned> processors);

// The whole EAL argument vector. `huge`: there are enough hugepages.
std::vector<std::string> eal_arguments(const Options& options, std::span<const unsigned> processors, bool huge);

// Whether the EAL arguments let DPDK take PCI devices.
bool wants_pci(std::span<const std::string> eal);

// Megabytes in free hugepages of all sizes.
unsigned free_hugepage_mb();

Result<void> start_eal(const Options& options);

}  // namespace sekisho::dataplane
