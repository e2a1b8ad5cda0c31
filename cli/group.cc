#include <memory>
#include <utility>

#include "cli/nouns.h"
#include "cli/text.h"

namespace sekisho::cli {
namespace {

std::string one_line(const json& group) {
  const bool led = !at(group, "/carriers").empty();
  return field(group, "/name") + (led ? " leads through " + field(group, "/carriers") : " has no usable tunnel") + "\n";
}

void add_prefer(CLI::App& group, Session& session) {
  CLI::App* prefer = group.add_subcommand("prefer", "lead a group's traffic through one of its tunnels");
  struct Names {
    std::string group, tunnel;
  };
  const auto names = std::make_shared<Names>();
  prefer->add_option("GROUP", names->group, "the group")->required();
  prefer->add_option("TUNNEL", names->tunnel, "the tunnel, which must be usable")->required();
  prefer->footer(
      "Traffic moves at once. The tunnel stands before all others of the group, and carries alone where they all\n"
      "carry, until `sekisho group fail-back`, or until the control daemon is started anew.\n\nExamples:\n  sekisho "
      "group prefer tokyo tokyo-2");
  prefer->callback([&session, names] {
    if (const auto view = session.request("group.prefer", {{"name", names->group}, {"tunnel", names->tunnel}}))
      session.print(*view, one_line);
  });
}

void add_fail_back(CLI::App& group, Session& session) {
  CLI::App* fail_back = group.add_subcommand("fail-back", "return a group's traffic to its best usable tunnel");
  const auto name = std::make_shared<std::string>();
  fail_back->add_option("GROUP", *name, "the group")->required();
  fail_back->footer(
      "Traffic returns at once, without waiting for the hold-down, and `sekisho group prefer` is forgotten.\n"
      "Ends with 1 where no tunnel of the group is usable.\n\n"
      "Examples:\n  sekisho group fail-back tokyo");
  fail_back->callback([&session, name] {
    const auto view = session.request("group.fail-back", {{"name", *name}});
    if (!view) return;
    session.print(*view, one_line);
    if (at(*view, "/carriers").empty()) session.exit_code = exit_no;
  });
}

}  // namespace

std::string groups_text(const json& groups) {
  Table table({"NAME", "TUNNEL", "STATE", ">WEIGHT", ">USABLE FOR", ">RETURNS IN"});
  for (const json& group : groups) {
    std::string name = field(group, "/name");
    for (const json& tunnel : at(group, "/tunnels")) {
      const bool by_word = at(tunnel, "/returns_by") == "fail-back";
      const bool preferred = at(group, "/preferred") == at(tunnel, "/tunnel");
      table.add({std::exchange(name, ""), field(tunnel, "/tunnel"),
                 field(tunnel, "/state") + (preferred ? ", preferred" : ""), field(tunnel, "/weight"),
                 duration(at(tunnel, "/usable_seconds")),
                 by_word ? "by fail-back" : duration(at(tunnel, "/returns_in_seconds"))});
    }
  }
  std::string text = table.text();
  for (const json& group : groups)
    for (const json& tunnel : at(group, "/tunnels"))
      if (const json& probe = at(tunnel, "/probe"); at(probe, "/reason").is_string())
        text += "\n" + field(tunnel, "/tunnel") + ": probe by " + field(probe, "/protocol") + " is " +
                field(probe, "/state") + ": " + field(probe, "/reason") + "\n";
  return text;
}

std::string group_details_text(const json& groups) {
  std::string text;
  for (const json& group : groups)
    text += details({{"name", field(group, "/name")},
                     {"through", field(group, "/carriers")},
                     {"for", duration(at(group, "/led_seconds"))},
                     {"routes", field(group, "/routes")},
                     {"mode", field(group, "/mode")},
                     {"hold-down", duration(at(group, "/hold_down"))},
                     {"fail-back", field(group, "/fail_back")}});
  return text + groups_text(groups);
}

void add_group(CLI::App& app, CLI::App& show, Session& session) {
  add_show(show, session, "group", "groups: which tunnels carry, which stand by",
           "A group leads through the first of its tunnels that is usable: up and, where it has a probe, answering\n"
           "it. With mode `active` all that are usable carry, each by its WEIGHT. RETURNS IN is the rest of the\n"
           "hold-down of a tunnel that has failed, and would lead, or carry beside the others; or it says that\n"
           "`sekisho group fail-back` would bring traffic back to it.\n\n"
           "Examples:\n  sekisho show group\n  sekisho show group tokyo --json | jq -r .[0].leader",
           groups_text, group_details_text);
  CLI::App* group = app.add_subcommand("group", "move a group's traffic from tunnel to tunnel");
  group->require_subcommand(1);
  group->footer(
      "`sekisho show group` says which tunnel leads each group.\n\n"
      "Examples:\n  sekisho group prefer tokyo tokyo-2\n  sekisho group fail-back tokyo");
  add_prefer(*group, session);
  add_fail_back(*group, session);
}

}  // namespace sekisho::cli
