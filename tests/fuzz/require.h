// A property that must hold for any input. Where it does not the process aborts, which libFuzzer and a test both see.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace sekisho::fuzz {

inline void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

}  // namespace sekisho::fuzz
