#include "base/version.h"
#include "cli/nouns.h"
#include "cli/text.h"

namespace sekisho::cli {
namespace {

std::string dataplane_text(const json& dataplane) {
  if (at(dataplane, "/connected") != true) return "not connected";
  const std::string silent = at(dataplane, "/responding") == false ? "NOT RESPONDING, " : "";
  return silent + "connected for " + duration(at(dataplane, "/connected_seconds")) +
         ", workers: " + field(dataplane, "/workers");
}

std::string zebra_text(const json& zebra) {
  const std::string state = field(zebra, "/state");
  if (zebra.is_null() || state == "off") return state;
  std::string text = state;
  if (!at(zebra, "/release").is_null()) text += " with FRR " + field(zebra, "/release");
  text += ", " + field(zebra, "/routes") + " routes";
  if (at(zebra, "/stale_routes") != 0) text += " (" + field(zebra, "/stale_routes") + " stale)";
  if (at(zebra, "/left_out_routes") != 0) text += ", " + field(zebra, "/left_out_routes") + " LEFT OUT";
  return text + ", own: " + field(zebra, "/own_installed") + " of " + field(zebra, "/own_routes") + " installed";
}

std::string group_counts_text(const json& groups) {
  if (groups.is_null() || at(groups, "/total") == 0) return "none";
  return field(groups, "/led") + " of " + field(groups, "/total") + " have a usable tunnel, " +
         field(groups, "/as_configured") + " go as configured";
}

// ", 2 of this": nothing where there is none.
std::string some(const json& number, const std::string& of) {
  return number.is_number() && number != 0 ? ", " + number.dump() + of : "";
}

// Whose error it is: a tunnel's, a port's or the daemon's own.
std::string owner(const json& error) {
  if (!at(error, "/tunnel").is_null()) return "tunnel " + field(error, "/tunnel");
  if (!at(error, "/port").is_null()) return "port " + field(error, "/port");
  return "daemon";
}

std::string errors_text(std::string_view heading, const json& errors) {
  if (errors.empty()) return "";
  std::string text = std::string(heading) + "\n";
  for (const json& error : errors) text += "  " + owner(error) + "\n" + message_text(error, "    ");
  return text;
}

}  // namespace

std::string status_text(const json& status) {
  std::string text =
      details({{"version", field(status, "/version") + " (this command: " + std::string(version()) + ")"},
               {"up for", duration(at(status, "/up_seconds"))},
               {"configuration", field(status, "/config_file")},
               {"dataplane", dataplane_text(at(status, "/dataplane"))},
               {"tunnels", field(status, "/tunnels/up") + " of " + field(status, "/tunnels/total") + " up" +
                               some(at(status, "/tunnels/probes_failing"), " without answer to their probe") +
                               some(at(status, "/tunnels/probes_unheard"), " without bfdd's word on their probe")},
               {"groups", group_counts_text(at(status, "/groups"))},
               {"handshakes", field(status, "/handshakes/waiting") + " waiting, " +
                                  field(status, "/handshakes/dropped") + " dropped"},
               {"zebra", zebra_text(at(status, "/zebra"))},
               {"ports", field(status, "/ports_present") + " of " + field(status, "/ports") + " present"}});
  return text + errors_text("warnings", at(status, "/warnings")) +
         errors_text("last errors", at(status, "/last_errors"));
}

void add_status(CLI::App& app, Session& session) {
  CLI::App* command = app.add_subcommand("status", "is it running, is anything wrong");
  command->footer(
      "Shows versions, whether the dataplane is connected, how many tunnels are up, what the\n"
      "configuration warns of, and the last error of each tunnel.\n\n"
      "Ends with 0 when all is well. Ends with 1 when something is wrong:\n"
      "  the dataplane is not connected, or does not respond\n"
      "  a port is absent, a static route cannot be installed, a VRF cannot be used\n"
      "  a group has no usable tunnel, a tunnel fails its probe\n"
      "  a tunnel has an error, and is not up with all its children\n"
      "  an own certificate has expired, the key log cannot be written\n"
      "A tunnel that is down without an error, because it waits for its peer or for a packet, or because\n"
      "`tunnel down` holds it, is not wrong; nor are warnings.\n\n"
      "Examples:\n  sekisho status\n  sekisho status --json | jq .tunnels.up\n"
      "  sekisho status >/dev/null || echo 'look at the gateway'");
  command->callback([&session] {
    const auto status = session.request("status", json::object());
    if (!status) return;
    session.print(*status, status_text);
    if (at(*status, "/healthy") == false) session.exit_code = exit_no;
  });
}

}  // namespace sekisho::cli
