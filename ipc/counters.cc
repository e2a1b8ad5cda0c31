#include "ipc/counters.h"

namespace sekisho::ipc {
namespace {

// In the order of the enumerations; the array's size is the enumeration's, so a missing name does not compile into an
// empty one unnoticed: the test looks at each.
constexpr std::array<std::string_view, static_cast<size_t>(DropReason::count)> drop_names = {"malformed-ethernet",
                                                                                             "malformed-ip",
                                                                                             "unsupported-ethertype",
                                                                                             "blackhole",
                                                                                             "no-outbound-sa",
                                                                                             "port-tx-full",
                                                                                             "punt-full",
                                                                                             "no-memory",
                                                                                             "esp-truncated",
                                                                                             "esp-fragment",
                                                                                             "esp-unknown-spi",
                                                                                             "esp-wrong-address",
                                                                                             "esp-replay",
                                                                                             "esp-integrity",
                                                                                             "esp-padding",
                                                                                             "esp-next-header",
                                                                                             "esp-inner-malformed",
                                                                                             "selector-inbound",
                                                                                             "selector-outbound",
                                                                                             "sa-expired",
                                                                                             "cipher-failure",
                                                                                             "foreign-mac",
                                                                                             "too-big",
                                                                                             "esp-ecn",
                                                                                             "fragment-malformed",
                                                                                             "fragment-timeout",
                                                                                             "fragment-limit",
                                                                                             "security-group-in",
                                                                                             "security-group-out",
                                                                                             "flow-table-full"};

constexpr std::array<std::string_view, static_cast<size_t>(SaCounter::count)> sa_names = {
    "packets",     "bytes",    "truncated", "replay",        "integrity", "padding",
    "next-header", "selector", "expired",   "wrong-address", "no-memory", "cipher-failure"};

constexpr std::array<std::string_view, static_cast<size_t>(PortCounter::count)> port_names = {
    "rx-packets", "rx-bytes", "tx-packets", "tx-bytes", "punted", "from-kernel"};

template <typename Names, typename Enum>
std::string_view look_up(const Names& names, Enum value) {
  const auto index = static_cast<size_t>(value);
  return index < names.size() ? names[index] : "unknown";
}

}  // namespace

std::string_view name(DropReason reason) { return look_up(drop_names, reason); }
std::string_view name(SaCounter counter) { return look_up(sa_names, counter); }
std::string_view name(PortCounter counter) { return look_up(port_names, counter); }

}  // namespace sekisho::ipc
