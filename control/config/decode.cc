#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <fstream>
#include <iterator>

#include "base/messages/config.h"
#include "base/messages/system.h"
#include "control/config/config.h"
#include "control/config/error_list.h"
#include "control/config/json_document.h"
#include "control/config/sections.h"
#include "ipc/schema.h"

namespace sekisho::config {
namespace {

constexpr size_t max_routes = 65536;

// Reports where there are more than `most` of something.
void check_count(const Node& node, size_t count, size_t most) {
  if (count > most) node.fail(messages::config_too_large, fmt::format("{} entries, at most {}", count, most));
}

void read_document(const Node& root, Context& context) {
  const Object object(root, {"ports", "routes", "tunnels"});
  if (const auto node = object.get("ports"))
    if (const auto ports = node->members()) {
      check_count(*node, ports->size(), ipc::max_ports);
      for (const auto& [name, port] : *ports) read_port(name, port, context);
    }
  if (const auto node = object.get("routes"))
    if (const auto routes = node->items()) {
      check_count(*node, routes->size(), max_routes);
      for (const Node& route : *routes) read_route(route, context);
    }
  if (const auto node = object.get("tunnels"))
    if (const auto tunnels = node->members()) {
      check_count(*node, tunnels->size(), ipc::max_tunnels);
      for (const auto& [name, tunnel] : *tunnels) read_tunnel(name, tunnel, context);
    }
}

std::unexpected<ConfigErrors> unreadable(const std::filesystem::path& file, std::string_view why) {
  return std::unexpected(
      ConfigErrors{{"", Error{&messages::file_unreadable, fmt::format("{}: {}", shown(file.string()), why)}}});
}

}  // namespace

std::expected<Config, ConfigErrors> decode(std::string_view text, const std::filesystem::path& directory) {
  ErrorList errors;
  const auto document = parse_document(text, errors);
  if (!document) return std::unexpected(errors.take());
  Context context{.directory = directory};
  read_document(Node(*document, "", errors), context);
  if (!errors.empty()) return std::unexpected(errors.take());
  return std::move(context.config);
}

std::expected<Config, ConfigErrors> load(const std::filesystem::path& file) {
  std::error_code error;
  const auto status = std::filesystem::status(file, error);
  if (error) return unreadable(file, error.message());
  if (!std::filesystem::is_regular_file(status)) return unreadable(file, "it is not a regular file");
  std::ifstream stream(file, std::ios::binary);
  if (!stream) return unreadable(file, std::error_code(errno, std::generic_category()).message());
  std::string text(max_config_size + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (stream.bad()) return unreadable(file, "reading failed");
  text.resize(static_cast<size_t>(stream.gcount()));
  return decode(text, file.parent_path());
}

}  // namespace sekisho::config
