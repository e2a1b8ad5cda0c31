#include "dataplane/worker/processors.h"

#include <rte_lcore.h>

#include <vector>

namespace sekisho::dataplane {

bool own_processors(std::span<const cpu_set_t> threads) {
  cpu_set_t taken;
  CPU_ZERO(&taken);
  for (const cpu_set_t& thread : threads) {
    cpu_set_t both;
    CPU_AND(&both, &taken, &thread);
    if (CPU_COUNT(&thread) != 1 || CPU_COUNT(&both) != 0) return false;
    CPU_OR(&taken, &taken, &thread);
  }
  return true;
}

bool workers_have_own_processors(unsigned workers) {
  std::vector<cpu_set_t> threads;
  for (unsigned lcore = 1; lcore <= workers; ++lcore) threads.push_back(rte_lcore_cpuset(lcore));
  return own_processors(threads);
}

}  // namespace sekisho::dataplane
