// Transforms of IKEv1 to and from what they stand for, apart from choosing among them. What is not understood, or
// contradicts itself, stands for nothing.
#pragma once

#include <optional>

#include "control/ike/v1/suite/proposals.h"

namespace sekisho::ike::v1::suite {

// A phase 1 transform: one combination, how both ends prove themselves, and for how long it holds.
struct IkeTransform {
  IkeProposal proposal;
  wire::IkeAuthentication authentication{};
  Lifetime lifetime;
};
std::optional<IkeTransform> read_ike_transform(const wire::Transform& transform);
wire::Transform make_ike_transform(const IkeTransform& meaning, uint8_t number);

// A phase 2 transform of ESP.
struct EspTransform {
  EspSuite suite{};
  crypto::KeyExchangeId pfs = crypto::KeyExchangeId::none;
  wire::EncapsulationMode mode{};
  Lifetime lifetime;
};
std::optional<EspTransform> read_esp_transform(const wire::Transform& transform);
wire::Transform make_esp_transform(const EspTransform& meaning, uint8_t number);

}  // namespace sekisho::ike::v1::suite
