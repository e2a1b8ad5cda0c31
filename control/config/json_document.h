// JSON text to a tree. Stricter than the library alone: a key that stands twice in an object is an error, and depth and
// size have limits, so that no text makes the decoder recurse or allocate without bound.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

#include "control/config/error_list.h"

namespace sekisho::config {

using Json = nlohmann::ordered_json;

// Nothing where the text is no JSON at all; a key that stands twice is reported and the tree goes on with its last
// value.
std::optional<Json> parse_document(std::string_view text, ErrorList& errors);

}  // namespace sekisho::config
