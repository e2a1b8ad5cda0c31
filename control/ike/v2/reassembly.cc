#include "control/ike/v2/reassembly.h"

namespace sekisho::ike::v2 {

bool Reassembly::wants(uint32_t message_id, const wire::EncryptedFragment& fragment) const {
  if (fragment.total > wire::max_fragments || fragment.sealed.body.size() > wire::max_message_length) return false;
  if (message_id != message_id_ || pieces_.empty()) return true;
  // A peer that finds its fragments too large sends more and smaller ones; those from before come late.
  if (fragment.total != pieces_.size()) return fragment.total > pieces_.size();
  return !pieces_[fragment.number - 1];
}

std::optional<Reassembly::Whole> Reassembly::add(uint32_t message_id, const wire::EncryptedFragment& fragment,
                                                 Bytes plaintext, ByteView datagram) {
  if (!same_message(message_id, fragment)) {
    clear();
    message_id_ = message_id;
    pieces_.resize(fragment.total);
    missing_ = fragment.total;
  }
  if (bytes_ + plaintext.size() > wire::max_message_length) {
    clear();
    return {};
  }
  bytes_ += plaintext.size();
  pieces_[fragment.number - 1] = std::move(plaintext);
  if (fragment.number == 1) {
    first_ = fragment.sealed.first;
    first_datagram_.assign(datagram.begin(), datagram.end());
  }
  if (--missing_ != 0) return {};

  Whole whole{.first = first_, .plaintext = {}, .first_datagram = std::move(first_datagram_)};
  whole.plaintext.reserve(bytes_);
  for (const auto& piece : pieces_) whole.plaintext.insert(whole.plaintext.end(), piece->begin(), piece->end());
  clear();
  return whole;
}

}  // namespace sekisho::ike::v2
