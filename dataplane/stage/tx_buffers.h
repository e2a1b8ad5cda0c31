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

  // Takes the frame of `length` bytes over. The port must exist in `ports`.
  void add(const WorkerPorts& ports, ipc::PortId port, rte_mbuf* frame, uint32_t length) {
    Buffer& buffer = buffers_[port.value()];
    buffer.frames[buffer.count++] = frame;
    buffer.bytes += length;
    waiting_ |= uint32_t{1} << port.value();
    if (buffer.count == capacity) [[unlikely]]
      flush_port(ports, port.value());
  }
  void flush(const WorkerPorts& ports);

 private:
  static constexpr unsigned capacity = 64;
  void flush_port(const WorkerPorts& ports, unsigned port);

  struct Buffer {
    unsigned count = 0;
    uint64_t bytes = 0;
    std::array<rte_mbuf*, capacity> frames;
  };
  ipc::WriterCounters& counters_;
  uint32_t waiting_ = 0;  // a bit for each port with frames
  static_assert(ipc::max_ports <= 32);
  std::array<Buffer, ipc::max_ports> buffers_;
};

}  // namespace sekisho::dataplane
