#include <algorithm>

#include "cli/nouns.h"
#include "cli/text.h"

namespace sekisho::cli {
namespace {

std::string negotiation_text(const json& negotiation) {
  if (!negotiation.is_object())
    return "not begun: the tunnel is not in the dataplane, or its local address is not here\n";
  std::string text = details({{"negotiation", field(negotiation, "/state")},
                              {"attempts", field(negotiation, "/attempts")},
                              {"next attempt in", duration(at(negotiation, "/next_attempt_seconds"))}});
  for (const json& child : at(negotiation, "/children"))
    text += "child " + field(child, "/name") + " is " + (at(child, "/up") == true ? "up" : "down") +
            (at(child, "/next_attempt_seconds").is_number()
                 ? ", tried again in " + duration(at(child, "/next_attempt_seconds"))
                 : "") +
            "\n";
  return text;
}

std::string credentials_text(const json& credentials) {
  if (credentials.empty()) return "";
  Table table({"PROVEN BY", "NAME", "EXPIRES", ">LEFT"});
  for (const json& each : credentials) {
    const json& left = at(each, "/remaining_seconds");
    const bool over = left.is_number() && left.get<double>() <= 0;
    table.add({field(each, "/kind"), field(each, "/name"), field(each, "/expires"), over ? "over" : duration(left)});
  }
  return "\n" + table.text();
}

std::string entry(const json& list, size_t i) { return list.is_array() && i < list.size() ? field(list[i], "") : ""; }

std::string side_by_side(const json& mismatch) {
  if (!mismatch.is_object()) return "";
  Table table({"OURS", "THE PEER'S"});
  const json &ours = at(mismatch, "/ours"), &theirs = at(mismatch, "/theirs");
  for (size_t i = 0; i < std::max(ours.size(), theirs.size()); ++i) table.add({entry(ours, i), entry(theirs, i)});
  return "  no " + field(mismatch, "/kind") + " in common" +
         (theirs.empty() ? "; the peer did not say what it takes" : "") + "\n" + table.text();
}

std::string failure_text(const char* heading, const json& failure) {
  if (!failure.is_object()) return "";
  return std::string("\n") + heading + "\n" + message_text(failure, "  ") + side_by_side(at(failure, "/mismatch"));
}

}  // namespace

std::string explanation_text(const json& explanation) {
  std::string text = tunnels_text(json::array({at(explanation, "/tunnel")})) + "\n" +
                     negotiation_text(at(explanation, "/negotiation"));
  text += failure_text("last failure", at(explanation, "/last_failure"));
  text += failure_text("since then, from one who has not proven who he is", at(explanation, "/unproven_since"));
  text += credentials_text(at(explanation, "/credentials"));
  for (const json& warning : at(explanation, "/warnings")) text += "\nwarning\n" + message_text(warning, "  ");
  if (const json& sas = at(explanation, "/child_sas"); !sas.empty()) text += "\n" + child_sa_details_text(sas);
  for (const json& hint : at(explanation, "/hints")) text += "hint: " + field(hint, "") + "\n";
  return text;
}

}  // namespace sekisho::cli
