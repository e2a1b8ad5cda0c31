// What a cloud at the other end of BGP would not take.
#include <catch2/catch.hpp>
#include <string>

#include "base/messages/config.h"
#include "control/config/diff.h"
#include "tests/unit/control/config/fixture.h"

namespace sekisho::config {
namespace {

// A tunnel with this "bgp", and with that address inside.
std::expected<Config, ConfigErrors> decoded(const Json& bgp, const std::string& inside = "169.254.1.5/30") {
  const Fixture fixture;
  Json text = Json::parse(valid_text);
  text["tunnels"]["tokyo"]["bgp"] = bgp;
  text["tunnels"]["tokyo"]["interface"]["addresses"] = {inside};
  return decode(text.dump(), fixture.directory());
}

Json numbers(const char* cloud, uint32_t ours, uint32_t theirs) {
  return {{"cloud", cloud}, {"local_as", ours}, {"neighbour_as", theirs}};
}

void refused(const std::expected<Config, ConfigErrors>& config, const Message& message, const std::string& place,
             const std::string& detail) {
  REQUIRE_FALSE(config);
  INFO(describe(config.error()));
  REQUIRE(config.error().size() == 1);
  CHECK(config.error()[0].error.message == &message);
  CHECK(config.error()[0].pointer == "/tunnels/tokyo/bgp" + place);
  CHECK(config.error()[0].error.detail.starts_with(detail));
}

}  // namespace

TEST_CASE("what each cloud takes is valid") {
  const auto plain = decoded({{"local_as", 65001}, {"neighbour_as", 65001}});
  REQUIRE(plain);
  CHECK(plain->tunnels.at("tokyo").bgp == Bgp{.local_as = 65001, .neighbour_as = 65001, .cloud = Bgp::Cloud::none});
  CHECK(decoded(numbers("aws", 65000, 64512)));
  CHECK(decoded(numbers("aws", 65000, 10124)));  // its own, at its end
  CHECK(decoded(numbers("aws", 4200000000, 64512), "169.254.249.2/30"));
  CHECK(decoded(numbers("azure", 65001, 65515), "169.254.21.2/30"));
  CHECK(decoded(numbers("azure", 65001, 65515), "169.254.22.254/30"));
  CHECK(decoded(numbers("azure", 65001, 65515), "10.52.255.254/32"));
  CHECK(decoded(numbers("other", 65515, 7224), "169.254.0.2/30"));
}

TEST_CASE("an AS number that somebody keeps is refused with the reason") {
  const auto& message = messages::config_bgp_reserved_as;
  for (const uint32_t number : {23456u, 65535u, 4294967295u}) {
    refused(decoded(numbers("none", number, 1)), message, "/local_as", std::to_string(number));
    refused(decoded(numbers("none", 1, number)), message, "/neighbour_as", std::to_string(number));
  }
  for (const uint32_t number : {8074u, 8075u, 12076u, 65515u, 65517u, 65520u, 64496u, 64511u, 65536u, 65551u}) {
    refused(decoded(numbers("azure", number, 1), "10.0.0.1/32"), message, "/local_as", std::to_string(number));
    CHECK(decoded(numbers("other", number, 1)));
  }
  CHECK(decoded(numbers("azure", 65516, 1), "10.0.0.1/32"));
  refused(decoded(numbers("azure", 1, 64500), "10.0.0.1/32"), message, "/neighbour_as", "64500 is for documentation");
  for (const uint32_t number : {7224u, 9059u, 10124u, 17493u})
    refused(decoded(numbers("aws", number, 1)), message, "/local_as", std::to_string(number) + " is reserved by AWS");
  CHECK_FALSE(decoded(numbers("aws", 0, 1)));
  CHECK_FALSE(decoded({{"local_as", 4294967296}, {"neighbour_as", 1}}));
  CHECK_FALSE(decoded({{"local_as", 1}}));
}

TEST_CASE("no cloud is in the same AS") {
  for (const char* cloud : {"aws", "other"})
    refused(decoded(numbers(cloud, 65001, 65001)), messages::config_bgp_internal, "", "65001");
  refused(decoded(numbers("azure", 65001, 65001), "10.0.0.1/32"), messages::config_bgp_internal, "", "65001");
}

TEST_CASE("an inside address that a cloud keeps, or does not take, is refused with the reason") {
  const auto& message = messages::config_bgp_inside_address;
  for (const char* inside : {"169.254.0.2/30", "169.254.1.1/30", "169.254.5.2/30", "169.254.169.254/30"}) {
    refused(decoded(numbers("aws", 65000, 64512), inside), message, "/cloud", std::string(inside).substr(0, 10));
    refused(decoded(numbers("azure", 65000, 65515), inside), message, "/cloud", std::string(inside).substr(0, 10));
    CHECK(decoded(numbers("other", 65000, 64512), inside));
  }
  refused(decoded(numbers("azure", 65000, 65515), "169.254.23.1/30"), message, "/cloud", "169.254.23.1 is not within");
  CHECK(decoded(numbers("aws", 65000, 64512), "169.254.6.1/30"));
}

TEST_CASE("a tunnel stays up while what is said of its BGP changes") {
  const auto before = decoded(numbers("aws", 65000, 64512)), after = decoded(numbers("aws", 65000, 64513));
  REQUIRE(before);
  REQUIRE(after);
  const Plan plan = diff(*before, *after);
  REQUIRE(plan.changes.size() == 1);
  CHECK(plan.changes[0].pointer == "/tunnels/tokyo/bgp/neighbour_as");
  REQUIRE(plan.effects.size() == 1);
  CHECK(plan.effects[0].kind == Effect::Kind::in_place);
}

}  // namespace sekisho::config
