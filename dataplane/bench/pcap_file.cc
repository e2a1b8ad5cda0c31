#include "dataplane/bench/pcap_file.h"

namespace sekisho::dataplane::bench {

PcapFile::PcapFile(const std::string& path) : file_(path, std::ios::binary) {
  constexpr uint32_t magic = 0xa1b2c3d4, version = 4u << 16 | 2, longest = 65535, ethernet = 1;
  integers({magic, version, 0, 0, longest, ethernet});
}

void PcapFile::add(std::span<const uint8_t> frame) {
  const auto length = static_cast<uint32_t>(frame.size());
  integers({count_ / 1'000'000, count_ % 1'000'000, length, length});
  file_.write(reinterpret_cast<const char*>(frame.data()), static_cast<std::streamsize>(frame.size()));
  ++count_;
}

bool PcapFile::close() {
  file_.close();
  return !file_.fail();
}

// In the byte order of this machine, which the magic number tells.
void PcapFile::integers(std::initializer_list<uint32_t> values) {
  for (const uint32_t value : values) file_.write(reinterpret_cast<const char*>(&value), sizeof value);
}

}  // namespace sekisho::dataplane::bench
