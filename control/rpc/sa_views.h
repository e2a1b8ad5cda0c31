// Helpers of the JSON views that the SAs and the rest share.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/traffic_selector.h"

namespace sekisho::rpc {

// With milliseconds; negative where `end` lies before `start`.
double seconds_between(Instant start, Instant end);
// A counter's name as a JSON key: "rx-bytes" is "rx_octets".
std::string counter_key(std::string_view name);

// Null where it is empty.
nlohmann::json text_or_null(const std::string& text);
nlohmann::json selector_texts(const std::vector<TrafficSelector>& selectors);

}  // namespace sekisho::rpc
