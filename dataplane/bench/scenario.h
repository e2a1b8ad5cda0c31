// A scenario: what a benchmark sends through the data plane, as its file in pktgen-scenarios/ describes it
// (pktgen-scenarios/README.md lists the fields). Lists span cells, the combinations that are measured one by one.
//
// The file's key is the only way in which this process ever gets keys from a file. It exists in benchmark mode alone,
// where no control socket is opened: a key that is used again meets its IVs again.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/esp_suite.h"
#include "base/message.h"
#include "base/secret_bytes.h"

namespace sekisho::dataplane::bench {

enum class Direction : uint8_t {
  plain,  // LAN to WAN in clear
  out,    // LAN to WAN, sealed
  in,     // WAN to LAN, opened
};
std::string_view name(Direction direction);

// In which order packets belong to tunnels and routes.
enum class Order : uint8_t { turn, random };
std::string_view name(Order order);

// What the manager does meanwhile.
enum class During : uint8_t {
  nothing,
  rekey,   // replaces the SAs of all tunnels, one tunnel after the other, without a gap
  commit,  // adds and removes thousands of routes
};
std::string_view name(During during);

// The frame of the plaintext packet without FCS.
using FrameSize = uint16_t;
inline constexpr FrameSize imix = 0;  // 7:4:1 of 64, 570 and 1418 bytes
inline constexpr FrameSize min_frame = 64, max_frame = 1800;
std::string size_name(FrameSize size);

// The ports' devices: made of memory and fed by the built-in runner, or DPDK device strings.
inline constexpr std::string_view memory_device = "memory";

inline constexpr size_t key_size = 32;

struct Scenario {
  std::string name;
  std::vector<Direction> directions;
  Family family = Family::ipv4;
  std::vector<EspSuite> suites;  // none for plain
  std::vector<FrameSize> sizes;
  std::vector<unsigned> tunnels = {1}, routes = {1}, workers = {1};
  unsigned paths = 1;  // that each route shares its packets out to
  Order order = Order::turn;
  During during = During::nothing;
  SecretBytes key;  // of key_size; empty: there is none
  uint16_t replay_window = 256;
  unsigned security_rules = 0;  // of a filter that all interfaces have, in each direction; 0: there is none
  std::string lan_device{memory_device}, wan_device{memory_device};

  bool in_memory() const { return lan_device == memory_device; }
};

// From the text of a file. Errors name the field by its JSON pointer, and show nothing of what it holds.
Result<Scenario> parse_scenario(std::string_view text);
// `place` is a file, or a folder: its scenario.json is meant. Names the scenario after the file, or after its folder
// where it is called scenario.json.
Result<Scenario> load_scenario(const std::string& place);

// Replaces what the file says: "lan=DEVICE" or "wan=DEVICE".
Result<void> override_port(Scenario& scenario, std::string_view assignment);
// Whatever can be wrong about a scenario as a whole.
Result<void> check(const Scenario& scenario);

// Restricts the lists; an empty one leaves everything.
struct Filter {
  std::vector<std::string> suites, sizes, directions;
  std::vector<unsigned> tunnels, routes, workers;
};

struct Cell {
  Direction direction{};
  std::optional<EspSuite> suite;  // nothing for plain
  FrameSize size = 0;
  unsigned tunnels = 1, routes = 1, workers = 1;
};
// What is expensive to set up changes least often. An error where nothing is left.
Result<std::vector<Cell>> cells_of(const Scenario& scenario, const Filter& filter);

}  // namespace sekisho::dataplane::bench
