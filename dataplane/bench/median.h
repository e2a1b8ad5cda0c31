// The middle of a list; of two middles, the greater.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace sekisho::dataplane::bench {

template <typename T>
T median(std::vector<T> values) {
  const auto middle = values.begin() + static_cast<ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

}  // namespace sekisho::dataplane::bench
