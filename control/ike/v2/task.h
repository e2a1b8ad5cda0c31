// An exchange that we start: it says what to ask and takes the answer. Tasks wait in their IKE SA's queue, since the
// window is one request wide.
#pragma once

#include <optional>
#include <string_view>

#include "control/ike/v2/context.h"
#include "control/ike/wire/payloads.h"

namespace sekisho::ike::v2 {

struct IkeSa;

class Task {
 public:
  enum class Kind : uint8_t {
    authenticate,
    create_child,
    rekey_ike,
    delete_child,
    delete_ike,
    probe,
    update_addresses,
    check_routability,
    path_probe
  };

  virtual ~Task() = default;
  virtual Kind kind() const = 0;
  virtual wire::ExchangeType exchange() const = 0;
  // The request; nothing where there is nothing left to ask, and the task is dropped.
  virtual std::optional<wire::Payloads> request(Context& context, IkeSa& sa) = 0;
  virtual void response(Context& context, IkeSa& sa, const wire::Payloads& payloads) = 0;
  // The answer is authentic, but malformed or with a critical payload that is not understood: a refusal without a
  // reason, though the peer may have made what was asked for.
  virtual void unreadable(Context& context, IkeSa& sa) { response(context, sa, {}); }
  // The request, which says nothing but by its size, goes out in one datagram that nobody may fragment, and after so
  // long it goes out empty; see RequestWindow::sent_padded().
  virtual std::optional<Duration> padded_for() const { return {}; }
  // The request goes out once more.
  virtual void repeated(Context&, IkeSa&) {}
  // The definition that a new child is asked for by; empty: none is.
  virtual std::string_view new_child() const { return {}; }
  // The SA goes before the answer came: gives back what the request took.
  virtual void abandon(Context&, IkeSa&) {}
};

}  // namespace sekisho::ike::v2
