// One connection to the control socket: bytes to lines, answers back. One line after the other is answered, some of
// them later. Reading stops while answers wait to be given or taken, so a client that does not read makes nothing grow.
#pragma once

#include <systemd/sd-event.h>

#include <functional>
#include <memory>
#include <string>

#include "base/unique_fd.h"
#include "control/rpc/operations.h"

namespace sekisho::rpc {

struct ServerOptions;

class Client {
 public:
  using Gone = std::function<void(Client&)>;  // destroys the client; called last

  Client(sd_event* loop, UniqueFd fd, Operations& operations, const ServerOptions& options, Gone gone);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

 private:
  static int on_event(sd_event_source*, int fd, uint32_t events, void* self);
  // False: the connection is over.
  bool handle(uint32_t events);
  bool go_on();
  bool read_some();
  void answer_lines();
  void queue(std::string answer);
  void answered_later(std::string answer);
  bool write_some();
  void dismiss(std::string why);  // says so, then hangs up
  void watch();

  UniqueFd fd_;
  Operations& operations_;
  const ServerOptions& options_;
  Gone gone_;
  sd_event_source* source_ = nullptr;
  std::string input_;
  std::string output_;
  size_t written_ = 0;      // of output_
  bool finishing_ = false;  // close once output_ is written
  bool waiting_ = false;    // for the answer to the last line
  bool answering_ = false;
  std::shared_ptr<bool> here_ = std::make_shared<bool>();  // ends with this
};

}  // namespace sekisho::rpc
