// bfdd's sessions (RFC 5880), out of the JSON that its command line prints. A pure function of text that is not
// trusted: what is missing or of another type is an error, and so are words that it never says.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/message.h"

namespace sekisho::bfd {

enum class Status : uint8_t { shutdown, down, init, up };
std::string_view word(Status status);

struct Session {
  IpAddress peer;
  std::string interface;  // empty: of no particular one
  Status status{};
  uint32_t id = 0;         // "my discriminator": another one, and bfdd has begun it anew
  std::string diagnostic;  // why it went down last (RFC 5880, 4.1), in bfdd's words: "control detection time expired"

  friend bool operator==(const Session&, const Session&) = default;
};

// bfdd has it for those alone who may do all.
inline constexpr const char* sessions_question[] = {"enable", "show bfd peers json"};
inline constexpr size_t max_sessions = 5000;

// As FRR 8.4 and 10.3 say them, all VRFs' together: interfaces' names are unique. Errors: SKO-RTG-038.
Result<std::vector<Session>> read_sessions(std::string_view text);

}  // namespace sekisho::bfd
