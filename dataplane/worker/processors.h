// Which processors the workers run on.
#pragma once

#include <sched.h>

#include <span>

namespace sekisho::dataplane {

// Whether each thread is bound to one processor, no two to the same, so that none takes turns with another of them.
bool own_processors(std::span<const cpu_set_t> threads);
// The same for EAL's lcores 1..workers. Where there is no processor more than workers, one of them still takes turns
// with the manager and the slow path, which sleep unless something is to be done.
bool workers_have_own_processors(unsigned workers);

}  // namespace sekisho::dataplane
