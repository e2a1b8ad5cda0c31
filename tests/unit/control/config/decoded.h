// A configuration that has to be valid, or to have one error.
#pragma once

#include <catch2/catch.hpp>
#include <string>
#include <utility>

#include "tests/unit/control/config/fixture.h"

namespace sekisho::config {

inline Config decoded(const Json& text) {
  const Fixture fixture;
  auto config = decode(text.dump(), fixture.directory());
  if (!config) FAIL(describe(config.error()));
  return std::move(*config);
}

inline void refused(const Json& text, const std::string& at, const Message& message, const std::string& part = "") {
  const Fixture fixture;
  const auto config = decode(text.dump(), fixture.directory());
  INFO(text.dump());
  REQUIRE_FALSE(config);
  INFO(describe(config.error()));
  REQUIRE(config.error().size() == 1);
  CHECK(config.error().front().pointer == at);
  CHECK(config.error().front().error.message == &message);
  CHECK(config.error().front().error.detail.find(part) != std::string::npos);
}

}  // namespace sekisho::config
