// The body of the Traffic Selector payloads, TSi and TSr alike (RFC 7296 section 3.13).
#pragma once

#include <span>

#include "control/ike/wire/message.h"

namespace sekisho::ike::wire {

Decoded<std::vector<TrafficSelector>> decode_traffic_selectors(ByteView body);
void encode_traffic_selectors(ByteWriter& writer, std::span<const TrafficSelector> selectors);

}  // namespace sekisho::ike::wire
