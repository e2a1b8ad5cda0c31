// How two processes come to share their outboxes: over a connected UNIX stream socket each sends one hello, with the
// descriptors of its outbox, of its doorbell and, on the dataplane's side, of its counters; then each reads the
// other's.
//
// The hello begins with a magic and the schema's version, and that much never changes, so daemons of different versions
// tell each other apart whatever else differs.
#pragma once

#include <cstdint>
#include <span>

#include "base/message.h"
#include "base/unique_fd.h"

namespace sekisho::ipc {

enum class Side : uint8_t { control, dataplane };

struct Hello {
  uint64_t magic = hello_magic;
  uint32_t version = 0;
  Side side = Side::control;
  uint8_t descriptors = 0;
  uint16_t reserved = 0;

  static constexpr uint64_t hello_magic = 0x6f6873696b65737f;
};
static_assert(sizeof(Hello) == 16);

// What the peer passed. counters is empty where the peer is control.
struct PeerDescriptors {
  UniqueFd outbox;
  UniqueFd doorbell;
  UniqueFd counters;
};

// Sends our hello with these descriptors (in the order of PeerDescriptors) and waits for the peer's, at most a second.
Result<PeerDescriptors> shake_hands(int socket, Side side, std::span<const int> descriptors);

}  // namespace sekisho::ipc
