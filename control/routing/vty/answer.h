// The JSON that a daemon of FRR answers, which is not trusted: how large it may become is decided before it is parsed.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

#include "control/routing/vty/faults.h"

namespace sekisho::vty {

using nlohmann::json;

struct AnswerLimits {
  size_t values = 0;  // a value has up to 150 octets in memory, and in the text perhaps one: `[[[[`
  size_t levels = 0;  // of arrays and objects within one another
};

// Errors: faults.verbose, faults.nonsense.
Result<json> parse_answer(std::string_view text, AnswerLimits limits, const Faults& faults);

// A member of an object; null where it is missing, of another type, or where there is no object.
const json& member(const json& object, const char* key);
json text(const json& object, const char* key);
json number(const json& object, const char* key);  // not below zero

}  // namespace sekisho::vty
