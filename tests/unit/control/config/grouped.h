// A configuration with a group of two tunnels.
#pragma once

#include <string>
#include <string_view>

#include "tests/unit/control/config/fixture.h"

namespace sekisho::config {

// Two tunnels to the same networks, and the group of both.
inline Json grouped() {
  Json text = Json::parse(valid_text);
  Json& tunnels = text["tunnels"];
  tunnels["tokyo"]["selectors"] = {{"local", {"10.1.0.0/24", "169.254.0.0/16"}},
                                   {"remote", {"10.64.0.0/10", "10.128.0.0/24"}}};
  tunnels["osaka"] = tunnels["tokyo"];
  tunnels["osaka"]["interface"] = {{"name", "vti1"}};
  tunnels["osaka"]["remote"]["address"] = "10.9.3.3";
  text["groups"]["cloud"] = {{"tunnels", {"tokyo", "osaka"}}, {"routes", {"10.64.0.0/10"}}};
  return text;
}

inline Json with(std::string_view pointer, const Json& value) {
  Json text = grouped();
  text[Json::json_pointer(std::string(pointer))] = value;
  return text;
}

}  // namespace sekisho::config
