#include <unistd.h>

#include <cerrno>
#include <expected>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <system_error>

#include "base/messages/system.h"
#include "base/printable.h"
#include "cli/nouns.h"
#include "cli/text.h"

namespace sekisho::cli {
namespace {

// What the daemon takes as a configuration at most (docs/configuration.md).
constexpr size_t max_file_size = size_t{16} << 20;

std::expected<std::string, std::string> read_file(const std::string& file) {
  std::error_code error;
  if (std::filesystem::is_directory(file, error)) return std::unexpected("is a directory");
  std::ifstream stream(file, std::ios::binary);
  if (!stream) return std::unexpected(std::generic_category().message(errno));
  std::string text(max_file_size + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (stream.bad()) return std::unexpected(std::generic_category().message(errno));
  if (stream.gcount() > static_cast<std::streamsize>(max_file_size)) return std::unexpected("is larger than 16 MiB");
  text.resize(static_cast<size_t>(stream.gcount()));
  return text;
}

// The file as a method takes it: its text, and its directory, which files that it names are relative to.
std::optional<json> parameters(Session& session, const std::string& file) {
  std::error_code error;
  const auto place = std::filesystem::absolute(file, error);
  const auto text = read_file(file);
  if (!text) {
    session.fail(exit_no, messages::file_unreadable, place.string() + ": " + text.error());
    return {};
  }
  return json{{"config", *text}, {"directory", place.parent_path().string()}};
}

bool is_valid(const json& result) { return at(result, "/valid") == true; }

// sekisho-control beside this program, else the one that PATH has; only returns where there is none.
void run_checker(const Session& session, const char* what, const std::string& file) {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  const std::string beside = self.parent_path() / "sekisho-control";
  for (const std::string& checker : {beside, std::string("sekisho-control")})
    execlp(checker.c_str(), "sekisho-control", what, file.c_str(), session.json_output ? "--json" : nullptr,
           static_cast<char*>(nullptr));
}

constexpr const char* no_checker = "sekisho-control is neither beside this program nor in PATH";

// The daemon's program is the checker, so that a file can be checked where no daemon runs; where only a daemon is
// within reach, it is asked.
void check(Session& session, const std::string& file) {
  run_checker(session, "--check", file);
  const auto params = parameters(session, file);
  if (!params) return;
  if (access(session.socket.c_str(), F_OK) != 0)
    return session.fail(exit_unreachable, messages::checker_failed, no_checker);
  const auto result = session.request("config.check", *params);
  if (!result) return;
  session.print(*result, [&](const json& answer) {
    return is_valid(answer) ? warnings_text(at(answer, "/warnings")) + printable(file) + " is valid\n"
                            : config_errors_text(at(answer, "/errors"));
  });
  if (!is_valid(*result)) session.exit_code = exit_no;
}

void grade(Session& session, const std::string& file) {
  run_checker(session, "--grade", file);
  session.fail(exit_unreachable, messages::checker_failed, no_checker);
}

void show_diff(Session& session, const std::string& file) {
  const auto params = parameters(session, file);
  const auto result = params ? session.request("config.diff", *params) : std::nullopt;
  if (!result) return;
  session.print(*result, plan_text);
  if (!is_valid(*result)) session.exit_code = exit_no;
}

// An applied configuration that is not the file the daemon starts from is gone after a restart.
void warn_if_elsewhere(Session& session, const std::string& file) {
  const auto status = session.request("status", json::object());
  if (!status || !at(*status, "/config_file").is_string()) return;
  const std::string kept = at(*status, "/config_file");
  std::error_code error;
  if (std::filesystem::equivalent(file, kept, error)) return;
  std::fprintf(stderr, "note: the daemon starts from %s; this configuration lasts until it restarts\n",
               printable(kept).c_str());
}

// What will change stands there before it does: who applies from afar may lose the connection by it.
void apply(Session& session, const std::string& file) {
  const auto params = parameters(session, file);
  if (!params) return;
  const auto plan = session.json_output ? json::object() : session.request("config.diff", *params);
  if (!plan) return;
  if (!session.json_output) session.print(*plan, plan_text);
  const auto result = session.request("config.apply", *params);
  if (!result) return;
  session.print(*result, [](const json& answer) -> std::string {
    if (!is_valid(answer)) return "nothing was applied\n";
    return at(answer, "/changes").empty() ? "" : "applied\n";
  });
  if (!is_valid(*result))
    session.exit_code = exit_no;
  else if (!session.json_output)
    warn_if_elsewhere(session, file);
}

void add_action(CLI::App& group, Session& session, const std::string& name, const std::string& description,
                const std::string& footer, void (*action)(Session&, const std::string&)) {
  CLI::App* command = group.add_subcommand(name, description);
  command->footer(footer);
  const auto file = std::make_shared<std::string>();
  command->add_option("FILE", *file, "the configuration, JSON")->required();
  command->callback([&session, action, file] { action(session, *file); });
}

std::string shown(const json& value) {
  return printable(value.is_null() ? "" : value.dump(-1, ' ', true, json::error_handler_t::replace));
}

std::string effect_text(const json& effect) {
  const std::string kind = field(effect, "/effect");
  if (kind == "added") return "is added";
  if (kind == "removed") return "goes down and is removed";
  if (kind == "rebuilt") return "goes down, and is negotiated anew";
  return "stays as it is: this takes effect in place";
}

}  // namespace

std::string plan_text(const json& plan) {
  if (at(plan, "/valid") != true) return config_errors_text(at(plan, "/errors"));
  std::string text = changes_text(at(plan, "/changes"));
  for (const json& effect : at(plan, "/effects"))
    text += "tunnel " + field(effect, "/tunnel") + " " + effect_text(effect) + "\n";
  return text + warnings_text(at(plan, "/warnings"));
}

std::string changes_text(const json& changes) {
  if (changes.empty()) return "nothing to change\n";
  std::string text;
  for (const json& change : changes) {
    const std::string place = field(change, "/pointer"), kind = field(change, "/kind");
    const std::string before = shown(at(change, "/before")), after = shown(at(change, "/after"));
    if (kind == "add")
      text += "+ " + place + "  " + after + "\n";
    else if (kind == "remove")
      text += "- " + place + "  " + before + "\n";
    else
      text += "~ " + place + "  " + before + " -> " + after + "\n";
  }
  return text;
}

std::string config_errors_text(const json& errors) {
  std::string text;
  for (const json& error : errors) {
    const std::string place = field(error, "/pointer");
    text += (place == "-" ? "(whole file)" : place) + "\n" + message_text(error, "  ");
  }
  return text + "not valid: " + std::to_string(errors.size()) + (errors.size() == 1 ? " error\n" : " errors\n");
}

void add_config(CLI::App& app, Session& session) {
  add_action(
      app, session, "check", "grade the algorithms of a configuration by RFC 8247 and RFC 8221",
      "Says as well what is weak in other ways, and what is to be warned of. Needs no running daemon. Ends with 0\n"
      "when the file is valid and there is nothing of that, and nothing that the RFCs advise against, else with 1.\n\n"
      "Examples:\n  sekisho check /etc/sekisho/sekisho.json\n"
      "  sekisho check new.json --json | jq '.grades[] | select(.discouraged)'",
      grade);
  CLI::App* group = app.add_subcommand("config", "check a configuration, compare it with the running one, apply it");
  group->require_subcommand(1);
  group->footer(
      "Check and diff change nothing. `sekisho check FILE` grades the algorithms of a file.\n\n"
      "Examples:\n  sekisho config check /etc/sekisho/sekisho.json\n  sekisho config diff new.json\n"
      "  sekisho config apply new.json");
  add_action(
      *group, session, "check", "say everything that is wrong with a file",
      "And what is to be warned of, which leaves it valid. Needs no running daemon. Ends with 0 when the file is\n"
      "valid, else with 1.\n\n"
      "Examples:\n  sekisho config check /etc/sekisho/sekisho.json\n"
      "  sekisho config check new.json --json | jq -r '.errors[].pointer'",
      check);
  add_action(*group, session, "diff", "say what applying a file would change",
             "Says which tunnels would go down and which would change in place, and what of the file is to be warned\n"
             "of. Defaults are filled in on both sides, and secrets are only ever shown as \"changed\".\n\n"
             "Examples:\n  sekisho config diff new.json",
             show_diff);
  add_action(
      *group, session, "apply", "make a file the running configuration",
      "Checks all of it first, and says which tunnels go down and what is to be warned of; a tunnel that the file\n"
      "does not change is not touched. The file that the daemon starts from is not written: edit it and apply it,\n"
      "or send the daemon SIGHUP. Where nothing differs, the files of the key log are opened anew all the same.\n\n"
      "Examples:\n  sekisho config diff /etc/sekisho/sekisho.json && sekisho config apply /etc/sekisho/sekisho.json",
      apply);
}

}  // namespace sekisho::cli
