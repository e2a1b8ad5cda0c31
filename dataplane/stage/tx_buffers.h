// One worker's outgoing frames, gathered per port and sent in bursts; flushed at the end of every burst that came in.
#pragma once

#include <array>
#include <cstdint>

#include "dataplane/worker/ports.h"
#include "ipc/counters.h"

struct rte_mbuf;

namespace sekisho::dataplane {

class TxBuffers {
 public:
  explicit TxBuffers(ipc::WriterCounters& counters) : counters_(counters) {}

  // Takes the frame over. The port must exist in `ports`.
  void add(const WorkerPorts& ports, ipc::PortId port, rte_mbuf* frame);
  void flush(const WorkerPorts& ports);

 private:
  static constexpr unsigned capacity = 64;
  void flush_port(const WorkerPorts& ports, unsigned port);

  struct Buffer {
    unsigned count = 0;
    std::array<rte_mbuf*, capacity> frames;
  };
  ipc::WriterCounters& counters_;
  uint32_t waiting_ = 0;  // a bit for each port with frames
  static_assert(ipc::max_ports <= 32);
  std::array<Buffer, ipc::max_ports> buffers_;
};

}  // namespace sekisho::dataplane
