#include <memory>

#include "base/messages/system.h"
#include "cli/nouns.h"
#include "cli/text.h"

namespace sekisho::cli {
namespace {

void add_rows(Table& table, const std::string& what, const json& counters, bool all) {
  if (!counters.is_object()) return;
  for (const auto& [name, value] : counters.items())
    if (all || value != 0) table.add({what, field(name, ""), count(value)});
}

}  // namespace

std::string counters_text(const json& counters, bool all) {
  Table table({"OF", "COUNTER", ">VALUE"});
  add_rows(table, "dropped", at(counters, "/drops"), all);
  if (const json& ports = at(counters, "/ports"); ports.is_object())
    for (const auto& [name, port] : ports.items()) add_rows(table, "port " + field(name, ""), port, all);
  for (const json& child : at(counters, "/child_sas")) {
    const std::string name = field(child, "/tunnel");
    add_rows(table, name + " in " + field(child, "/inbound_spi"), at(child, "/in"), all);
    add_rows(table, name + " out " + field(child, "/outbound_spi"), at(child, "/out"), all);
  }
  if (table.empty()) return "every counter is zero\n";
  return table.text();
}

void add_counters(CLI::App& show, Session& session) {
  CLI::App* command = show.add_subcommand("counters", "every drop reason, and what each port and SA counted");
  command->footer(
      "Counters that are zero are left out unless --all is given; --json has all of them.\n\n"
      "Examples:\n  sekisho show counters\n  sekisho show counters --json | jq '.drops[\"esp-replay\"]'");
  const auto all = std::make_shared<bool>(false);
  command->add_flag("--all", *all, "zeros too");
  command->callback([&session, all] {
    const auto counters = session.request("show", {{"what", "counters"}});
    if (!counters) return;
    if (at(*counters, "/dataplane_connected") == false)
      return session.fail(exit_no, messages::counters_unavailable, "the dataplane is not connected");
    session.print(*counters, [&](const json& value) { return counters_text(value, *all); });
  });
}

}  // namespace sekisho::cli
