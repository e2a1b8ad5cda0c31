#include <algorithm>
#include <cctype>
#include <memory>

#include "base/messages/system.h"
#include "cli/nouns.h"
#include "cli/text.h"

namespace sekisho::cli {
namespace {

std::string_view word(Severity severity) {
  switch (severity) {
    case Severity::info:
      return "info";
    case Severity::warning:
      return "warning";
    case Severity::error:
      return "error";
  }
  return "";
}

json to_json(const Message& message) {
  return {{"id", message.id},
          {"severity", word(message.severity)},
          {"title", message.title},
          {"cause", message.cause},
          {"remedy", message.remedy}};
}

json catalogue() {
  json list = json::array();
  for (const Message* message : message_catalogue()) list.push_back(to_json(*message));
  return list;
}

void explain_one(Session& session, std::string id) {
  std::ranges::transform(id, id.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  const Message* message = find_message(id);
  if (message == nullptr) return session.fail(exit_no, messages::message_unknown, id);
  session.print(to_json(*message), [](const json& entry) { return message_text(entry, ""); });
}

void add_tunnel_explanation(CLI::App& explain, Session& session) {
  CLI::App* command = explain.add_subcommand("tunnel", "where a tunnel stands, what failed last, what to look at");
  const auto name = std::make_shared<std::string>();
  command->add_option("NAME", *name, "the tunnel")->required();
  command->footer(
      "Examples:\n  sekisho explain tunnel tokyo\n"
      "  sekisho explain tunnel tokyo --json | jq .last_failure.mismatch");
  command->callback([&session, name] {
    if (const auto answer = session.request("tunnel.explain", {{"name", *name}}))
      session.print(*answer, explanation_text);
  });
}

}  // namespace

std::string catalogue_text(const json& messages) {
  Table table({"ID", "SEVERITY", "TITLE"});
  for (const json& message : messages)
    table.add({field(message, "/id"), field(message, "/severity"), field(message, "/title")});
  return table.text();
}

std::string catalogue_markdown(const json& messages) {
  std::string text =
      "# Messages\n\nEvery message that the gateway has for its operator, as `sekisho explain ID` shows it. This page "
      "is made\n"
      "by `sekisho explain --markdown`.\n";
  for (const json& message : messages)
    text += "\n## " + field(message, "/id") + ": " + field(message, "/title") + "\n\n" + field(message, "/cause") +
            "\n\n*Remedy:* " + field(message, "/remedy") + "\n";
  return text;
}

void add_explain(CLI::App& app, Session& session) {
  CLI::App* command = app.add_subcommand("explain", "what a message means, or how a tunnel stands, and what to do");
  command->footer(
      "Without ID, lists all messages. Needs no running daemon, but for `explain tunnel`.\n\n"
      "Examples:\n  sekisho explain SKO-IKE-001\n  sekisho explain tunnel tokyo\n  sekisho explain");
  struct Options {
    std::string id;
    bool markdown = false;
  };
  const auto options = std::make_shared<Options>();
  command->add_option("ID", options->id, "such as SKO-IKE-001");
  command->add_flag("--markdown", options->markdown, "the whole catalogue as a page of the documentation");
  add_tunnel_explanation(*command, session);
  command->callback([&session, command, options] {
    if (!command->get_subcommands().empty()) return;
    if (!options->id.empty()) return explain_one(session, options->id);
    session.print(catalogue(), options->markdown ? catalogue_markdown : catalogue_text);
  });
}

}  // namespace sekisho::cli
