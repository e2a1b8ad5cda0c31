#include "cli/rpc_client.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <system_error>

#include "base/messages/config.h"
#include "base/messages/system.h"
#include "base/unique_fd.h"

namespace sekisho::cli {
namespace {

using nlohmann::json;

constexpr size_t max_answer = size_t{128} << 20;
constexpr timeval patience{.tv_sec = 30, .tv_usec = 0};

std::unexpected<Error> unreachable(const std::string& socket, int number) {
  return fail(number == EACCES || number == EPERM ? messages::rpc_not_permitted : messages::control_unreachable,
              socket + ": " + std::error_code(number, std::generic_category()).message());
}

Result<UniqueFd> connect_to(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return unreachable(path, ENAMETOOLONG);
  std::memcpy(address.sun_path, path.data(), path.size());
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd || connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return unreachable(path, errno);
  for (const int option : {SO_RCVTIMEO, SO_SNDTIMEO})
    setsockopt(fd.get(), SOL_SOCKET, option, &patience, sizeof patience);
  return fd;
}

// A daemon that turns the caller away writes its reason and hangs up, so failure to send is judged by what comes back.
void send_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return;
    text.remove_prefix(static_cast<size_t>(count));
  }
}

Result<std::string> receive_line(int fd, const std::string& socket) {
  std::string line;
  std::array<char, 65536> chunk;
  while (line.size() <= max_answer) {
    const ssize_t count = recv(fd, chunk.data(), chunk.size(), 0);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return unreachable(socket, errno == EAGAIN ? ETIMEDOUT : errno);
    if (count == 0) return unreachable(socket, ECONNRESET);
    const std::string_view piece(chunk.data(), static_cast<size_t>(count));
    const size_t newline = piece.find('\n');
    line += piece.substr(0, newline);
    if (newline != std::string_view::npos) return line;
  }
  return fail(messages::control_answer_malformed, "the answer does not end");
}

}  // namespace

Result<json> ask(const std::string& socket, const std::string& method, const json& params) {
  std::string request;
  try {
    request = json{{"jsonrpc", "2.0"}, {"id", 1}, {"method", method}, {"params", params}}.dump() + "\n";
  } catch (const json::exception&) {  // the only text that cannot be put into JSON
    return fail(messages::config_not_json, "the text is not UTF-8");
  }
  const auto fd = connect_to(socket);
  if (!fd) return std::unexpected(fd.error());
  send_all(fd->get(), request);
  const auto line = receive_line(fd->get(), socket);
  if (!line) return std::unexpected(line.error());
  const json answer = json::parse(*line, nullptr, /*allow_exceptions=*/false);
  if (!answer.is_object() || answer.contains("result") == answer.contains("error"))
    return fail(messages::control_answer_malformed, "neither result nor error");
  return answer;
}

}  // namespace sekisho::cli
