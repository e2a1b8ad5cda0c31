#include "cli/nouns.h"
#include "cli/text.h"

namespace sekisho::cli {
namespace {

uint64_t denied(const json& group, const std::string& direction) {
  uint64_t sum = 0;
  for (const json& filter : at(group, "/filters"))
    if (const json& packets = at(filter, "/" + direction + "/denied_packets"); packets.is_number_integer())
      sum += packets.get<uint64_t>();
  return sum;
}

std::string any_of(const json& rule, const std::string& pointer) {
  return at(rule, pointer).is_null() ? "any" : field(rule, pointer);
}

void add_rules(Table& table, const json& group, const std::string& direction) {
  const json& rules = at(group, "/" + direction);
  for (const json& rule : rules) {
    const bool typed = !at(rule, "/type").is_null();
    table.add({direction, any_of(rule, "/protocol"), any_of(rule, "/remote"), any_of(rule, "/local"),
               typed ? "type " + field(rule, "/type") : any_of(rule, "/ports"),
               at(rule, "/note").is_null() ? "" : field(rule, "/note")});
  }
  if (rules.empty()) table.add({direction, "none", "", "", "", ""});
}

std::string end_text(const json& denial, const std::string& end) {
  const json& port = at(denial, "/" + end + "_port");
  return field(denial, "/" + end) + (port.is_null() ? "" : " " + field(denial, "/" + end + "_port"));
}

std::string filter_text(const json& filter) {
  std::string text = "groups " + field(filter, "/groups") + " at " + field(filter, "/interfaces") + "\n";
  Table counts({"", ">BY FLOW", ">BY RULE", ">DENIED"});
  for (const std::string direction : {"in", "out"}) {
    const std::string base = "/" + direction;
    counts.add({direction, count(at(filter, base + "/flow_packets")), count(at(filter, base + "/rule_packets")),
                count(at(filter, base + "/denied_packets"))});
  }
  text += counts.text();
  if (at(filter, "/denials").empty()) return text;
  Table table({"DENIED", "INTERFACE", "", "PROTOCOL", "FROM", "TO", "WHY"});
  for (const json& denial : at(filter, "/denials"))
    table.add({duration(at(denial, "/age_seconds")) + " ago", field(denial, "/interface"), field(denial, "/direction"),
               field(denial, "/protocol"), end_text(denial, "source"), end_text(denial, "destination"),
               field(denial, "/reason")});
  return text + "\n" + table.text();
}

std::string refusal_text(const json& group) {
  const json& refusal = at(group, "/refusal");
  if (!refusal.is_object()) return "";
  return "\nnot in force, for the dataplane has refused them: the rules from before hold, and where there were none\n"
         "nothing passes\n" +
         message_text(refusal, "  ");
}

std::string flows_text(const json& group) {
  return "\nflows of all groups: " + count(at(group, "/flows/used")) + ", room for " +
         count(at(group, "/flows/places")) + "\n";
}

}  // namespace

std::string security_groups_text(const json& groups) {
  Table table({"NAME", ">RULES IN", ">RULES OUT", "INTERFACES", ">DENIED IN", ">DENIED OUT"});
  for (const json& group : groups)
    table.add({field(group, "/name"), std::to_string(at(group, "/in").size()), std::to_string(at(group, "/out").size()),
               field(group, "/interfaces"), count(denied(group, "in")), count(denied(group, "out"))});
  return groups.empty() ? table.text() : table.text() + refusal_text(groups[0]) + flows_text(groups[0]);
}

std::string security_group_details_text(const json& groups) {
  std::string text;
  for (const json& group : groups) {
    text += details({{"name", field(group, "/name")}, {"interfaces", field(group, "/interfaces")}});
    Table rules({"", "PROTOCOL", "REMOTE", "LOCAL", "PORTS", "NOTE"});
    add_rules(rules, group, "in");
    add_rules(rules, group, "out");
    text += "\n" + rules.text();
    for (const json& filter : at(group, "/filters")) text += "\n" + filter_text(filter);
    text += refusal_text(group) + flows_text(group);
  }
  return text;
}

void add_security_group(CLI::App& show, Session& session) {
  add_show(show, session, "security-group", "security groups: rules, where they hold, what they let not pass",
           "Interfaces with the same list of groups are counted together. DENIED counts packets; of the last ones\n"
           "some are listed where one group is asked for.\n\n"
           "Examples:\n  sekisho show security-group\n  sekisho show security-group office\n"
           "  sekisho show security-group office --json | jq .[0].filters[].denials",
           security_groups_text, security_group_details_text);
}

}  // namespace sekisho::cli
