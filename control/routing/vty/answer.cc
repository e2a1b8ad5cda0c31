#include "control/routing/vty/answer.h"

#include <algorithm>
#include <string>

#include "base/json_nesting.h"

namespace sekisho::vty {

Result<json> parse_answer(std::string_view text, AnswerLimits limits, const Faults& faults) {
  const auto begins_value = [](char c) { return c == '[' || c == '{' || c == ','; };
  if (static_cast<size_t>(std::ranges::count_if(text, begins_value)) > limits.values)
    return fail(faults.verbose, "more than " + std::to_string(limits.values) + " values");
  if (nests_deeper(text, limits.levels))
    return fail(faults.nonsense, "JSON of more than " + std::to_string(limits.levels) + " levels");
  json document = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (document.is_discarded()) return fail(faults.nonsense, "no JSON: " + std::string(text.substr(0, 200)));
  return document;
}

const json& member(const json& object, const char* key) {
  static const json none;
  if (!object.is_object()) return none;
  const auto found = object.find(key);
  return found == object.end() ? none : *found;
}

json text(const json& object, const char* key) {
  const json& value = member(object, key);
  return value.is_string() ? value : json();
}

json number(const json& object, const char* key) {
  const json& value = member(object, key);
  return value.is_number_unsigned() ? value : json();
}

}  // namespace sekisho::vty
