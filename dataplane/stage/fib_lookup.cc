#include <rte_fib.h>
#include <rte_fib6.h>

#include <cstring>

#include "dataplane/stage/stages.h"
#include "dataplane/stage/wire.h"

namespace sekisho::dataplane {
namespace {

// The destinations of one family, and which packets they belong to.
template <typename Key>
struct Lookup {
  int count = 0;
  union {
    Key keys[burst_size];
  };
  union {
    uint64_t found[burst_size];
  };
  union {
    Packet* packets[burst_size];
  };
  Lookup() {}
  void hand_out() {
    for (int i = 0; i < count; ++i) packets[i]->next_hop = ipc::NextHopId(static_cast<uint16_t>(found[i]));
  }
};

}  // namespace

void fib_lookup(Context& context, Burst& in) {
  Lookup<uint32_t> v4;
  Lookup<uint8_t[16]> v6;
  for (Packet& packet : in.items()) {
    if (packet.header.family == 4) {
      v4.packets[v4.count] = &packet;
      v4.keys[v4.count++] = load32(packet.l3 + 16);
    } else {
      v6.packets[v6.count] = &packet;
      std::memcpy(v6.keys[v6.count++], packet.l3 + 24, 16);
    }
  }
  const Replica& replica = *context.replica;
  if (v4.count > 0) rte_fib_lookup_bulk(replica.fib4.get(), v4.keys, v4.found, v4.count);
  if (v6.count > 0) rte_fib6_lookup_bulk(replica.fib6.get(), v6.keys, v6.found, v6.count);
  v4.hand_out();
  v6.hand_out();
}

}  // namespace sekisho::dataplane
