// JSON-RPC 2.0 over a UNIX stream socket, one JSON object a line. Runs inside the daemon's sd-event loop and never
// blocks it.
//
// Attack surface: local users. The socket is 0600, and every caller must be root or the daemon's own user
// (SO_PEERCRED). Lines, clients and queued output are bounded; a client that breaks a bound is told so, where that is
// possible, and disconnected.
#pragma once

#include <filesystem>
#include <memory>

#include "base/message.h"
#include "control/rpc/operations.h"

struct sd_event;

namespace sekisho::rpc {

struct ServerOptions {
  std::filesystem::path socket = "/run/sekisho/control.sock";
  size_t max_line = size_t{4} << 20;
  size_t max_queued_output = size_t{64} << 20;  // of one client
  unsigned max_clients = 32;
};

class Server {
 public:
  // Creates the socket's directory where it is missing and replaces a socket that nobody listens on. The operations
  // must outlive the server, and the server the loop's last turn.
  static Result<std::unique_ptr<Server>> listen(sd_event* loop, Operations& operations, ServerOptions options);
  ~Server();  // closes all clients, removes the socket

 private:
  class Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sekisho::rpc
