#include <fmt/format.h>

#include "base/messages/config.h"
#include "base/messages/system.h"
#include "control/config/config.h"
#include "control/config/error_list.h"
#include "control/config/files.h"
#include "control/config/json_document.h"
#include "control/config/sections.h"
#include "control/config/security_groups.h"
#include "ipc/schema.h"

namespace sekisho::config {
namespace {

constexpr size_t max_security_groups = 64;
constexpr size_t max_groups = ipc::max_tunnels / 2;  // of two tunnels at least

void read_key_log(const Node& node, Context& context) {
  const auto directory = Object(node, {"directory"}).require("directory");
  const auto path = directory ? directory->text() : std::nullopt;
  if (!path) return;
  if (path->empty()) return directory->fail(messages::config_key_log_directory, "the path is empty");
  const auto usable = open_private_directory(context.directory / *path);
  if (usable)
    context.config.key_log = KeyLog{std::filesystem::absolute(context.directory / *path).lexically_normal()};
  else if (context.unusable_key_log == UnusableKeyLog::left_off)
    context.config.key_log_fault = Error{&messages::key_log_failed, usable.error().detail};
  else
    directory->fail(messages::config_key_log_directory, usable.error().detail);
}

// Each member of a section. False where it is no object, so that it is not known which there are.
template <typename Read>
bool read_section(const Object& document, std::string_view key, size_t most, Context& context, Read read) {
  const auto node = document.get(key);
  if (!node) return true;
  const auto members = node->members();
  if (!members) return false;
  check_count(*node, members->size(), most);
  for (const auto& [name, member] : *members) read(name, member, context);
  return true;
}

void read_document(const Node& root, Context& context) {
  const Object object(root,
                      {"security_groups", "vrfs", "ports", "frr", "routes", "guards", "groups", "tunnels", "key_log"});
  context.security_groups_known =
      read_section(object, "security_groups", max_security_groups, context, read_security_group);
  if (const auto node = object.get("frr")) read_frr(*node, context);
  context.vrfs_known = read_section(object, "vrfs", ipc::max_vrfs - 1, context, read_vrf);  // beside the front door
  read_section(object, "ports", ipc::max_ports, context, read_port);
  read_table(object, "", context.config.routes, context.config.guards, context);
  read_section(object, "groups", max_groups, context, read_group);
  const bool tunnels_known = read_section(object, "tunnels", ipc::max_tunnels, context, read_tunnel);
  if (const auto security_groups = object.get("security_groups"))
    if (const size_t count = filter_count(context.config); count > ipc::max_filters)
      security_groups->fail(
          messages::config_too_large,
          fmt::format("interfaces have {} different lists of them, at most {}", count, ipc::max_filters));
  if (tunnels_known) check_groups(context);
  check_ipv6_fits(context);
  check_probes(context);
  if (const auto node = object.get("key_log")) read_key_log(*node, context);
}

const Message& message_of(FileFault::Kind kind) {
  switch (kind) {
    case FileFault::Kind::exposed:
      return messages::config_writable;
    case FileFault::Kind::too_long:
      return messages::config_too_large;
    case FileFault::Kind::unreadable:
      break;
  }
  return messages::file_unreadable;
}

std::unexpected<ConfigErrors> unusable(const std::filesystem::path& file, const FileFault& fault) {
  std::error_code error;
  const std::string place = std::filesystem::absolute(file, error).string();
  return std::unexpected(
      ConfigErrors{{"", Error{&message_of(fault.kind), fmt::format("{}: {}", shown(place), fault.detail)}}});
}

}  // namespace

void check_count(const Node& node, size_t count, size_t most) {
  if (count > most) node.fail(messages::config_too_large, fmt::format("{} entries, at most {}", count, most));
}

std::expected<Config, ConfigErrors> decode(std::string_view text, const std::filesystem::path& directory,
                                           UnusableKeyLog unusable_key_log) {
  ErrorList errors;
  const auto document = parse_document(text, errors);
  if (!document) return std::unexpected(errors.take());
  Context context{.directory = directory, .unusable_key_log = unusable_key_log};
  read_document(Node(*document, "", errors), context);
  if (!errors.empty()) return std::unexpected(errors.take());
  return std::move(context.config);
}

std::expected<Config, ConfigErrors> load(const std::filesystem::path& file, UnusableKeyLog unusable_key_log) {
  const auto text = read_public_file(file, max_config_size);
  if (!text) return unusable(file, text.error());
  return decode(as_text(*text), file.parent_path(), unusable_key_log);
}

}  // namespace sekisho::config
