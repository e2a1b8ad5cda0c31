#include "control/config/psk_file.h"

#include <fmt/format.h>

#include "base/messages/config.h"
#include "control/config/files.h"

namespace sekisho::config {
namespace {

const Message& message_of(FileFault::Kind kind) {
  switch (kind) {
    case FileFault::Kind::unreadable:
      break;
    case FileFault::Kind::exposed:
      return messages::config_psk_exposed;
    case FileFault::Kind::too_long:
      return messages::config_psk_length;
  }
  return messages::config_psk_unreadable;
}

}  // namespace

Result<SecretBytes> read_psk(const std::filesystem::path& file) {
  const auto content = read_secret_file(file, max_psk_size + 1);  // a newline
  if (!content) return fail(message_of(content.error().kind), content.error().detail);
  const ByteView text = content->view();
  const bool newline = !text.empty() && text.back() == '\n';
  const size_t length = text.size() - (newline ? 1 : 0);
  if (length == 0) return fail(messages::config_psk_length, "the file is empty");
  if (length > max_psk_size) return fail(messages::config_psk_length, fmt::format("more than {} bytes", max_psk_size));
  return SecretBytes::copy_of(text.first(length));
}

}  // namespace sekisho::config
