// What workers tell the manager: a small ring, many producers, one consumer. An event that finds the ring
// full is raised again by a later packet.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "base/address.h"
#include "base/big_endian.h"
#include "base/message.h"
#include "ipc/schema.h"

struct rte_ring;

namespace sekisho::dataplane {

enum class PathEventKind : uint8_t { sa, unknown_spi, traffic_waiting, packet_denied };

struct PathEvent {
  PathEventKind kind{};
  ipc::SaEventKind sa_event{};  // sa
  Be16 source_port;             // source_changed
  IpAddress source;             // source_changed, unknown_spi: outer; packet_denied
  ipc::SaId id;                 // sa
  uint32_t spi = 0;
  ipc::TunnelId tunnel;  // traffic_waiting; packet_denied, unless `port` is set
  // packet_denied
  std::optional<ipc::PortId> port;
  IpAddress destination;
  uint16_t denied_source_port = 0, denied_destination_port = 0;
  ipc::FilterId filter;
  ipc::Direction direction{};
  uint8_t protocol = 0;
  bool has_ports = false;
  ipc::DenialReason denial{};
};
static_assert(sizeof(PathEvent) == 68);  // DPDK's rings want a multiple of 4

inline PathEvent sa_event(ipc::SaEventKind kind, ipc::SaId id, uint32_t spi) {
  PathEvent event;
  event.kind = PathEventKind::sa;
  event.sa_event = kind;
  event.id = id;
  event.spi = spi;
  return event;
}

class EventRing {
 public:
  static Result<std::unique_ptr<EventRing>> create();
  ~EventRing();

  // Any worker. False: full.
  bool push(const PathEvent& event);
  // The manager. False: empty.
  bool pop(PathEvent& event);

 private:
  explicit EventRing(rte_ring* ring) : ring_(ring) {}
  rte_ring* ring_;
};

}  // namespace sekisho::dataplane
