// Plays control for a sekisho-dataplane: a text of commands, one a line, becomes one transaction over the real channel.
//
//   port ID NAME MTU DEVICE [vrf=N]
//   port-remove ID
//   tunnel ID NAME MTU TX-SA[,TX-SA...]|- [on-traffic] [vrf=N]
//   tunnel-remove ID
//   next-hop ID drop|local|punt
//   next-hop ID adjacency PORT MAC
//   next-hop ID tunnel TUNNEL
//   group INDEX NEXT-HOP [NEXT-HOP...]     buckets, given again and again in turn
//   route PREFIX NEXT-HOP|group INDEX [vrf=N]
//   route-remove PREFIX [vrf=N]
//   sa in|out ID SPI TUNNEL SUITE SOURCE DESTINATION SEED [esn] [udp] [window=N] [hard-packets=N] [soft-packets=N]
//   sa-move ID SPI SOURCE DESTINATION [udp]
//   sa-remove ID
//
// An SA carries everything of both families; its key is SEED repeated, so the two ends of a test agree on it.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "base/message.h"
#include "ipc/channel.h"

namespace sekisho::driver {

Result<std::unique_ptr<ipc::Channel>> connect(const std::string& path);

// Waits for the next message of the dataplane; false once nothing came for so long. An Error: the channel is over.
Result<bool> receive(ipc::Channel& channel, ipc::ReceivedMessage& message, std::chrono::milliseconds patience);

// Sends the commands between a begin and a commit, and waits for the answer; `seen` is told what else comes meanwhile.
// Throws std::invalid_argument for a line that is no command.
Result<ipc::TransactionResult> transact(ipc::Channel& channel, uint32_t id, bool replace_routes,
                                        const std::string& commands,
                                        const std::function<void(const ipc::ReceivedMessage&)>& seen);

// One line for people: "port 0 wan 02:.. up", "applied 3", "refused 3: command 2: ...".
std::string describe(const ipc::ReceivedMessage& message);
// The counters that are not zero, summed over all writers: "drop blackhole 3", "port 0 rx-packets 17", ...
std::string describe(const ipc::CounterTable& counters);

}  // namespace sekisho::driver
