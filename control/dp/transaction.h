// Commands for the dataplane that are to take effect together.
#pragma once

#include <vector>

#include "base/bytes.h"
#include "base/secret_bytes.h"
#include "ipc/schema.h"

namespace sekisho::control {

// A command as it will travel. Those that hold keys are kept in memory that is wiped.
struct StoredCommand {
  uint16_t type = 0;
  Bytes plain;
  SecretBytes secret;

  ByteView payload() const { return secret.empty() ? ByteView(plain) : secret.view(); }
};

class Transaction {
 public:
  // The next hops and routes of this transaction are all there are to be.
  explicit Transaction(bool replaces_routes = false) : replaces_routes_(replaces_routes) {}

  template <ipc::Message T>
  void add(const T& command) {
    const ByteView bytes(reinterpret_cast<const uint8_t*>(&command), sizeof command);
    StoredCommand stored{.type = static_cast<uint16_t>(T::type)};
    if constexpr (requires { command.key; })
      stored.secret = SecretBytes::copy_of(bytes);
    else
      stored.plain.assign(bytes.begin(), bytes.end());
    commands_.push_back(std::move(stored));
  }

  bool replaces_routes() const { return replaces_routes_; }
  const std::vector<StoredCommand>& commands() const { return commands_; }
  std::vector<StoredCommand> take() && { return std::move(commands_); }

 private:
  bool replaces_routes_;
  std::vector<StoredCommand> commands_;
};

}  // namespace sekisho::control
