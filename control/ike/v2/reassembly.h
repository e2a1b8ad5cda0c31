// The fragments of one protected message, until it is whole (RFC 7383 section 2.6).
//
// Attack surface: fragments come from the network in any order and number. Nothing is kept of one whose ICV is wrong,
// so only the peer itself can fill this, and it cannot take more than wire::max_fragments pieces and
// wire::max_message_length bytes.
#pragma once

#include <vector>

#include "base/bytes.h"
#include "control/ike/wire/message.h"

namespace sekisho::ike::v2 {

class Reassembly {
 public:
  struct Whole {
    wire::PayloadType first{};
    Bytes plaintext;
    Bytes first_datagram;  // as it came: what a retransmission is known by
  };

  // Whether the fragment may add something; else it is not worth opening.
  bool wants(uint32_t message_id, const wire::EncryptedFragment& fragment) const;
  // Takes in a fragment that is wanted and authentic; `plaintext` is what it held. Returns the message once it is
  // whole, and is empty again then.
  std::optional<Whole> add(uint32_t message_id, const wire::EncryptedFragment& fragment, Bytes plaintext,
                           ByteView datagram);
  void clear() { *this = {}; }

 private:
  bool same_message(uint32_t message_id, const wire::EncryptedFragment& fragment) const {
    return message_id == message_id_ && fragment.total == pieces_.size();
  }

  uint32_t message_id_ = 0;
  std::vector<std::optional<Bytes>> pieces_;  // by number - 1
  size_t missing_ = 0;
  size_t bytes_ = 0;
  wire::PayloadType first_{};
  Bytes first_datagram_;
};

}  // namespace sekisho::ike::v2
