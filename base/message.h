// Operator messages: each has a stable id, a cause and a remedy, and stands in one catalogue (base/messages/, one file
// an area). An id once released is never given to another meaning.
#pragma once

#include <expected>
#include <span>
#include <string>
#include <string_view>

namespace sekisho {

enum class Severity : uint8_t { info, warning, error };

struct Message {
  std::string_view id;  // "SKO-IKE-012"
  Severity severity;
  std::string_view title;   // a few words: what happened
  std::string_view cause;   // why this is so
  std::string_view remedy;  // what the operator can do
};

// What went wrong, once: the catalogue entry, and the particulars of this case. No secret is ever put into `detail`.
struct Error {
  const Message* message;
  std::string detail;

  // "SKO-IKE-012: title: detail"
  std::string text() const;
};

template <typename T>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(const Message& message, std::string detail = {}) {
  return std::unexpected(Error{&message, std::move(detail)});
}

// Every message of every area, in the order of their ids.
std::span<const Message* const> message_catalogue();
// nullptr where there is no such id.
const Message* find_message(std::string_view id);

}  // namespace sekisho
