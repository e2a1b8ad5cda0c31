// Whether a message of the dataplane can be right: ids below their bounds, enumerations in range, texts terminated.
#pragma once

#include "ipc/schema.h"

namespace sekisho::control {

bool plausible(const ipc::TransactionResult& result);
bool plausible(const ipc::PortState& port);
bool plausible(const ipc::TunnelState& tunnel);
bool plausible(const ipc::SaState& sa);
bool plausible(const ipc::InventoryEnd& end);
bool plausible(const ipc::SaEvent& event);
bool plausible(const ipc::UnknownSpi& report);
bool plausible(const ipc::TrafficWaiting& report);
bool plausible(const ipc::PacketDenied& report);

}  // namespace sekisho::control
