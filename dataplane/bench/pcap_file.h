// A capture file (libpcap's format, version 2.4) of Ethernet frames.
#pragma once

#include <cstdint>
#include <fstream>
#include <span>
#include <string>

namespace sekisho::dataplane::bench {

class PcapFile {
 public:
  explicit PcapFile(const std::string& path);
  // Frames are a microsecond apart.
  void add(std::span<const uint8_t> frame);
  // False where anything could not be written.
  [[nodiscard]] bool close();

 private:
  void integers(std::initializer_list<uint32_t> values);

  std::ofstream file_;
  uint32_t count_ = 0;
};

}  // namespace sekisho::dataplane::bench
