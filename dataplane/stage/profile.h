// Where the cycles of a burst go, stage by stage. For measurements: a worker without a profile pays one predicted
// branch a stage and burst.
#pragma once

#include <rte_cycles.h>

#include <array>
#include <cstdint>
#include <string_view>

namespace sekisho::dataplane {

enum class Stage : uint8_t {
  receive,  // the device
  ip_input,
  sad_lookup,
  esp_open,  // what is around the cryptography
  open,      // the cryptography
  tunnel_input,
  fib_lookup,
  security_groups,
  ip_forward,
  tunnel_output,
  esp_seal,  // what is around the cryptography
  seal,      // the cryptography
  transmit,  // the device
  count,
};

constexpr std::string_view name(Stage stage) {
  constexpr std::array<std::string_view, static_cast<size_t>(Stage::count)> names = {
      "receive",         "ip-input",   "sad-lookup",    "esp-open", "open", "tunnel-input", "fib-lookup",
      "security-groups", "ip-forward", "tunnel-output", "esp-seal", "seal", "transmit"};
  return names[static_cast<size_t>(stage)];
}

struct StageProfile {
  std::array<uint64_t, static_cast<size_t>(Stage::count)> cycles{};  // TSC
  uint64_t last = 0;

  void start() { last = rte_rdtsc(); }
  // What was done since the last mark belongs to `stage`.
  void mark(Stage stage) {
    const uint64_t now = rte_rdtsc();
    cycles[static_cast<size_t>(stage)] += now - last;
    last = now;
  }
};

}  // namespace sekisho::dataplane
