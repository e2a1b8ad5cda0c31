// A directory with psk files, and a configuration that refers to them.
#pragma once

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "control/config/config.h"

namespace sekisho::config {

using Json = nlohmann::ordered_json;

inline constexpr std::string_view valid_text = R"({
  "ports": {
    "wan": { "device": "net_af_packet0,iface=wan-wire", "addresses": ["10.9.1.1/24"] },
    "lan": { "device": "net_af_packet1,iface=lan-wire", "addresses": ["10.1.0.1/24", "fd00:1::1/64"] }
  },
  "routes": [ { "prefix": "0.0.0.0/0", "via": "10.9.1.254" } ],
  "tunnels": {
    "tokyo": {
      "interface": { "name": "vti0", "addresses": ["169.254.1.1/30"] },
      "local":  { "address": "10.9.1.1", "id": "a.lab" },
      "remote": { "address": "10.9.2.2" },
      "psk_file": "psk/tokyo",
      "ike": { "dpd_interval": 30 },
      "esp": { "lifetime": 3600 }
    }
  }
})";

class Fixture {
 public:
  Fixture() {
    char name[] = "/tmp/config-test-XXXXXX";
    directory_ = mkdtemp(name);
    std::filesystem::create_directory(directory_ / "psk");
    write("psk/tokyo", "swordfish\n");
    write("psk/osaka", "swordfish");
    write("psk/other", "marlin");
    write("psk/empty", "");
    write("psk/newline", "\n");
    write("psk/long", std::string(257, 'x'));
    write("psk/longest", std::string(256, 'x') + "\n");
    write("psk/exposed", "swordfish", 0644);
    mkfifo((directory_ / "psk/fifo").c_str(), 0600);
  }
  ~Fixture() { std::filesystem::remove_all(directory_); }
  Fixture(const Fixture&) = delete;
  Fixture& operator=(const Fixture&) = delete;

  const std::filesystem::path& directory() const { return directory_; }
  void write(const std::string& name, std::string_view text, mode_t mode = 0600) const {
    std::ofstream(directory_ / name, std::ios::binary) << text;
    chmod((directory_ / name).c_str(), mode);
  }

 private:
  std::filesystem::path directory_;
};

inline std::string describe(const ConfigErrors& errors) {
  std::string text;
  for (const auto& [pointer, error] : errors) text += pointer + ": " + error.text() + "\n";
  return text;
}

}  // namespace sekisho::config
