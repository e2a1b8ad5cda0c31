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

void read_document(const Node& root, Context& context) {
  const Object object(root,
                      {"security_groups", "vrfs", "ports", "frr", "routes", "guards", "groups", "tunnels", "key_log"});
  const auto security_groups = object.get("security_groups");
  if (security_groups)
    if (const auto groups = security_groups->members()) {
      check_count(*security_groups, groups->size(), max_security_groups);
      for (const auto& [name, group] : *groups) read_security_group(name, group, context);
    }
  if (const auto node = object.get("frr")) read_frr(*node, context);
  if (const auto node = object.get("vrfs"))
    if (const auto vrfs = node->members()) {
      check_count(*node, vrfs->size(), ipc::max_vrfs - 1);  // beside the front door
      for (const auto& [name, vrf] : *vrfs) read_vrf(name, vrf, context);
    }
  if (const auto node = object.get("ports"))
    if (const auto ports = node->members()) {
      check_count(*node, ports->size(), ipc::max_ports);
      for (const auto& [name, port] : *ports) read_port(name, port, context);
    }
  read_table(object, "", context.config.routes, context.config.guards, context);
  if (const auto node = object.get("groups"))
    if (const auto groups = node->members()) {
      check_count(*node, groups->size(), max_groups);
      for (const auto& [name, group] : *groups) read_group(name, group, context);
    }
  if (const auto node = object.get("tunnels"))
    if (const auto tunnels = node->members()) {
      check_count(*node, tunnels->size(), ipc::max_tunnels);
      for (const auto& [name, tunnel] : *tunnels) read_tunnel(name, tunnel, context);
    }
  if (security_groups)
    if (const size_t count = filter_count(context.config); count > ipc::max_filters)
      security_groups->fail(
          messages::config_too_large,
          fmt::format("interfaces have {} different lists of them, at most {}", count, ipc::max_filters));
  check_groups(context);
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
