#include <chrono>
#include <memory>
#include <thread>

#include "base/messages/system.h"
#include "cli/nouns.h"
#include "cli/text.h"

namespace sekisho::cli {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

std::string state_text(const json& tunnel) {
  if (at(tunnel, "/state") == "down" && at(tunnel, "/held_down") == true) return "down (held)";
  const json& probe = at(tunnel, "/probe/state");
  return field(tunnel, "/state") + (probe == "failing"    ? " (probe fails)"
                                    : probe == "unproven" ? " (probe unanswered)"
                                                          : "");
}

std::string probe_text(const json& probe) {
  if (!probe.is_object()) return "-";
  const json& protocol = at(probe, "/protocol");
  const std::string reason = at(probe, "/reason").is_string() ? " (" + field(probe, "/reason") + ")" : "";
  const std::string start = field(probe, "/state") + reason + ", " + field(probe, "/protocol");
  if (protocol == "bfd")
    return start + " with " + field(probe, "/target") + ", " +
           (at(probe, "/session").is_string() ? "session " + field(probe, "/session") : "no session");
  return start + " to " + field(probe, "/target") + (protocol == "udp" ? " port " + field(probe, "/port") : "") + ", " +
         count(at(probe, "/answered")) + " of " + count(at(probe, "/sent")) + " answered";
}

std::string traffic_text(const json& traffic) {
  if (!traffic.is_object()) return "-";
  return count(at(traffic, "/packets")) + " packets, " + octets(at(traffic, "/octets"));
}

// "1/2": how many of the children are up.
std::string up_children_text(const json& tunnel) {
  const json& children = at(tunnel, "/children");
  size_t up = 0;
  for (const json& child : children) up += at(child, "/state") == "up" ? 1 : 0;
  return std::to_string(up) + "/" + std::to_string(children.size());
}

std::string children_text(const json& children) {
  if (children.empty()) return "";
  Table table({"CHILD", "STATE", ">SAS", "LOCAL", "REMOTE"});
  for (const json& child : children) {
    table.add({field(child, "/name"), field(child, "/state"), field(child, "/child_sas"),
               field(child, "/local_selectors"), field(child, "/remote_selectors")});
    if (at(child, "/narrowed") == true)
      table.add({"", "configured:", "", field(child, "/configured_local_selectors"),
                 field(child, "/configured_remote_selectors")});
  }
  return table.text();
}

std::string end_text(const json& end) { return field(end, "/address") + " (" + field(end, "/id") + ")"; }

bool is_up(const json& tunnel) { return at(tunnel, "/state") == "up"; }

// "data, voice": the children that a tunnel does without.
std::string missing_children(const json& tunnel) {
  std::string names;
  for (const json& child : at(tunnel, "/children"))
    if (at(child, "/state") != "up") names += (names.empty() ? "" : ", ") + field(child, "/name");
  return names;
}

std::string one_line(const json& tunnel) {
  const std::string missing = is_up(tunnel) ? missing_children(tunnel) : "";
  return field(tunnel, "/name") + " is " + state_text(tunnel) + (missing.empty() ? "" : ", without " + missing) + "\n";
}

// Up with every child. Whether its probe is answered is another question.
bool is_whole(const json& tunnel) { return is_up(tunnel) && missing_children(tunnel).empty(); }

// Where there is no probe, or nobody to say, the tunnel is used as if it were.
bool is_proven(const json& tunnel) {
  const json& probe = at(tunnel, "/probe/state");
  return probe.is_null() || probe == "answering" || probe == "unheard";
}

// An error of level "error" that came after the command did.
bool failed_since(const json& error, Clock::time_point start) {
  return at(error, "/severity") == "error" && at(error, "/age_seconds").is_number() &&
         error["age_seconds"].get<double>() < seconds_since(start);
}

std::optional<json> look(Session& session, const std::string& name) {
  const auto list = session.request("show", {{"what", "tunnel"}, {"name", name}});
  return list && !list->empty() ? std::optional(list->front()) : std::nullopt;
}

// Null where nothing failed. A tunnel that is up has forgotten its error, but not why a child of it failed.
json failure_since(Session& session, const json& tunnel, Clock::time_point start) {
  if (const json& error = at(tunnel, "/last_error"); failed_since(error, start)) return error;
  if (!is_up(tunnel)) return {};
  const auto explanation = session.request("tunnel.explain", {{"name", at(tunnel, "/name")}});
  const json& failure = explanation ? at(*explanation, "/last_failure") : json();
  return failed_since(failure, start) ? failure : json();
}

// Looks again and again until every child is up and the probe answered, something has failed, or the time is over.
void await_up(Session& session, const std::string& name, unsigned timeout) {
  const auto start = Clock::now();
  auto tunnel = session.request("tunnel.up", {{"name", name}});
  json failure;
  while (tunnel && !(is_whole(*tunnel) && is_proven(*tunnel))) {
    failure = failure_since(session, *tunnel, start);
    const bool failed = failure.is_object() || (is_whole(*tunnel) && at(*tunnel, "/probe/state") == "failing");
    if (failed || seconds_since(start) >= timeout) break;
    std::this_thread::sleep_for(is_up(*tunnel) ? milliseconds(500) : milliseconds(100));
    tunnel = look(session, name);
  }
  if (!tunnel) return;
  session.print(*tunnel, one_line);
  if (failure.is_object()) return session.fail(exit_no, failure);
  if (!is_whole(*tunnel))
    session.fail(exit_no, messages::tunnel_up_timeout, "waited " + std::to_string(timeout) + "s for " + name);
  else if (!is_proven(*tunnel))
    session.fail(exit_no, messages::tunnel_unproven, name + ": " + probe_text(at(*tunnel, "/probe")));
}

// What the operator may take for more than it is.
std::string down_text(const json& tunnel) {
  const bool peer_begins = at(tunnel, "/start") == "respond";
  return one_line(tunnel) +
         (peer_begins ? "its peer begins it (\"start\" is \"respond\"), and may bring it up again at once: to keep it "
                        "down, take it out of the configuration, or stop it at the peer\n"
                      : "it stays so until `sekisho tunnel up`, or until the peer brings it up\n");
}

struct Options {
  std::string name;
  unsigned timeout = 30;
  bool ike = false;
  std::string child;
};

void add_up(CLI::App& group, Session& session) {
  CLI::App* up = group.add_subcommand("up", "bring a tunnel up and wait until it is");
  const auto options = std::make_shared<Options>();
  up->add_option("NAME", options->name, "the tunnel")->required();
  up->add_option("--timeout", options->timeout, "seconds to wait")->capture_default_str()->check(CLI::Range(0, 86400));
  up->footer(
      "Ends with 0 when the tunnel is up with all its children and, where it has a probe, that is answered. Ends with\n"
      "1 when negotiation fails, be it of one child, or the probe does, and says why and what to do, or when the time\n"
      "is over.\n\nExamples:\n"
      "  sekisho tunnel up tokyo\n  sekisho tunnel up tokyo --timeout 5 && ping -c 3 10.2.0.1");
  up->callback([&session, options] { await_up(session, options->name, options->timeout); });
}

void add_down(CLI::App& group, Session& session) {
  CLI::App* down = group.add_subcommand("down", "take a tunnel down and hold it there");
  const auto options = std::make_shared<Options>();
  down->add_option("NAME", options->name, "the tunnel")->required();
  down->footer(
      "The peer is told. The tunnel stays down until `sekisho tunnel up`, or until the peer brings\n"
      "it up, which it may do at once; above all where \"start\" is \"respond\", so that it is the peer that begins. "
      "To\n"
      "keep such a tunnel down, take it out of the configuration, or stop it at the peer. While it is down its "
      "traffic\n"
      "is dropped, never sent in clear.\n\nExamples:\n  sekisho tunnel down tokyo");
  down->callback([&session, options] {
    if (const auto tunnel = session.request("tunnel.down", {{"name", options->name}}))
      session.print(*tunnel, down_text);
  });
}

void add_rekey(CLI::App& group, Session& session) {
  CLI::App* rekey = group.add_subcommand("rekey", "negotiate new keys now");
  const auto options = std::make_shared<Options>();
  rekey->add_option("NAME", options->name, "the tunnel")->required();
  rekey->add_option("--child", options->child, "this child alone, by its name");
  rekey->add_flag("--ike", options->ike, "the IKE SA instead of the child SAs")->excludes("--child");
  rekey->footer(
      "Starts the exchange and returns; traffic goes on. `sekisho show child-sa NAME` shows the new\n"
      "SPIs.\n\nExamples:\n  sekisho tunnel rekey tokyo\n  sekisho tunnel rekey tokyo --child voice\n"
      "  sekisho tunnel rekey tokyo --ike");
  rekey->callback([&session, options] {
    json params = {{"name", options->name}, {"what", options->ike ? "ike" : "child"}};
    if (!options->child.empty()) params["child"] = options->child;
    if (const auto tunnel = session.request("tunnel.rekey", params))
      session.print(*tunnel, [](const json& view) { return "rekeying " + field(view, "/name") + "\n"; });
  });
}

}  // namespace

std::string tunnels_text(const json& tunnels) {
  Table table({"NAME", "STATE", ">FOR", ">CHILDREN", "LOCAL", "REMOTE", "INTERFACE", ">IN", ">OUT", "LAST ERROR"});
  for (const json& tunnel : tunnels)
    table.add({field(tunnel, "/name"), state_text(tunnel), duration(at(tunnel, "/up_seconds")),
               up_children_text(tunnel), field(tunnel, "/local/address"), field(tunnel, "/remote/address"),
               field(tunnel, "/interface/name"), octets(at(tunnel, "/in/octets")), octets(at(tunnel, "/out/octets")),
               field(tunnel, "/last_error/id")});
  std::string text = table.text();
  for (const json& tunnel : tunnels)
    if (const json& error = at(tunnel, "/last_error"); error.is_object())
      text += "\n" + field(tunnel, "/name") + "\n" + message_text(error, "  ");
  return text;
}

std::string tunnel_details_text(const json& tunnels) {
  std::string text;
  for (const json& tunnel : tunnels) {
    text += details({{"name", field(tunnel, "/name")},
                     {"state", state_text(tunnel)},
                     {"up for", duration(at(tunnel, "/up_seconds"))},
                     {"local", end_text(at(tunnel, "/local"))},
                     {"remote", end_text(at(tunnel, "/remote"))},
                     {"interface", field(tunnel, "/interface/name") + ", MTU " + field(tunnel, "/mtu")},
                     {"addresses", field(tunnel, "/interface/addresses")},
                     {"routes", field(tunnel, "/routes")},
                     {"group", field(tunnel, "/group")},
                     {"probe", probe_text(at(tunnel, "/probe"))},
                     {"profile", field(tunnel, "/profile")},
                     {"start", field(tunnel, "/start")},
                     {"IKE SAs", field(tunnel, "/ike_sas")},
                     {"child SAs", field(tunnel, "/child_sas")},
                     {"in", traffic_text(at(tunnel, "/in"))},
                     {"out", traffic_text(at(tunnel, "/out"))}});
    if (at(tunnel, "/probe_denied").is_string())
      text += "the interface's security groups deny the probe: " + field(tunnel, "/probe_denied") + "\n";
    text += children_text(at(tunnel, "/children"));
    const json& error = at(tunnel, "/last_error");
    text += error.is_object() ? "last error\n" + message_text(error, "  ") : "";
  }
  return text;
}

void add_tunnel(CLI::App& app, CLI::App& show, Session& session) {
  add_show(
      show, session, "tunnel", "tunnels: state, traffic, why one is down",
      "States: up (the dataplane has a child SA of it to send on, and the routes into it), connecting, down, and\n"
      "down (held) by `tunnel down`. While it is up, \"probe unanswered\" or \"probe fails\": no route leads into it.\n"
      "With NAME, all that is known of it.\n\n"
      "Examples:\n  sekisho show tunnel\n  sekisho show tunnel tokyo --json | jq .[0].state",
      tunnels_text, tunnel_details_text);
  CLI::App* group = app.add_subcommand("tunnel", "bring tunnels up and down, renew their keys");
  group->require_subcommand(1);
  group->footer(
      "Examples:\n  sekisho tunnel up tokyo\n  sekisho tunnel down tokyo\n  sekisho tunnel rekey tokyo --ike");
  add_up(*group, session);
  add_down(*group, session);
  add_rekey(*group, session);
}

}  // namespace sekisho::cli
