// SKO-BEN: the benchmark mode of sekisho-dataplane.
#pragma once

#include "base/message.h"

namespace sekisho::messages {

inline constexpr Message scenario_not_json{
    "SKO-BEN-001", Severity::error, "scenario is not JSON",
    "The file breaks the rules of JSON, or an object has the same field twice, at the place that the detail names.",
    "Mend the syntax there."};
inline constexpr Message scenario_unknown_field{"SKO-BEN-002", Severity::error, "unknown field in a scenario",
                                                "No such field is known at this place; it may be misspelt.",
                                                "Correct or remove it; pktgen-scenarios/README.md lists the fields."};
inline constexpr Message scenario_bad_value{"SKO-BEN-003", Severity::error, "value in a scenario cannot be used",
                                            "The field takes another kind of value, or the value is out of range.",
                                            "Write a value as the detail describes it."};
inline constexpr Message scenario_contradiction{
    "SKO-BEN-004", Severity::error, "fields of a scenario contradict each other",
    "Each field is right by itself, but together they describe what cannot be measured.",
    "Change one of the fields that the detail names, or make two scenarios of it."};
inline constexpr Message scenario_nothing_left{
    "SKO-BEN-005", Severity::error, "nothing to measure",
    "The options leave none of the scenario's combinations of suite, size, direction, tunnels, routes and workers.",
    "Choose values that the scenario's lists hold, which the detail names."};
inline constexpr Message bench_static_keys{"SKO-BEN-006", Severity::warning, "keys come from a file: test traffic only",
                                           "In benchmark mode all keys follow from the scenario file, so whoever has "
                                           "it reads the traffic, and each start uses "
                                           "the same keys and IVs again.",
                                           "Send nothing through it that is not made for the test."};
inline constexpr Message bench_wrong_packet{
    "SKO-BEN-007", Severity::error, "a packet came out wrong",
    "Before measuring, each packet is compared with what it must be, by another implementation of the cryptography.",
    "Report this message with its detail, the scenario and the machine; figures of this build mean nothing."};

inline constexpr Message scenario_several_cells{
    "SKO-BEN-008", Severity::error, "one combination is wanted",
    "Ports other than memory, and a capture file, serve one combination of suite, tunnels, routes and workers; "
    "a capture file also one size and direction.",
    "Choose with --suite, --tunnels, --routes, --workers, --size and --direction."};

inline constexpr Message bench_idle_option{"SKO-BEN-009", Severity::error, "option without effect",
                                           "The option is for another kind of ports than the scenario has.",
                                           "Leave it out, or choose ports with --port."};

inline constexpr const Message* bench_messages[] = {
    &scenario_not_json,      &scenario_unknown_field, &scenario_bad_value,
    &scenario_contradiction, &scenario_nothing_left,  &bench_static_keys,
    &bench_wrong_packet,     &scenario_several_cells, &bench_idle_option};

}  // namespace sekisho::messages
