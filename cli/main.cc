// sekisho, the command line: a thin client of the control daemon's JSON-RPC. It asks, and prints JSON as text tables;
// it holds no state and knows nothing that the daemon does not tell. Text that may come from peers is escaped before it
// reaches the terminal.
#include <exception>
#include <iostream>

#include "base/messages/system.h"
#include "base/version.h"
#include "cli/misspelt.h"
#include "cli/nouns.h"

namespace sekisho::cli {
namespace {

constexpr const char* footer =
    "Exit codes: 0 done; 1 the answer is no (something is wrong, tunnel not up, configuration not valid,\n"
    "no such object), or the output could not be written; 2 wrong usage; 3 the daemon cannot be reached.\n\n"
    "Examples:\n"
    "  sekisho status                    is it running, is anything wrong\n"
    "  sekisho show tunnel tokyo         why is tokyo down\n"
    "  sekisho tunnel up tokyo           bring it up and wait\n"
    "  sekisho config check FILE         before anything else\n"
    "  sekisho explain SKO-IKE-001       what a message means\n"
    "Each command has its own --help with examples.";

void add_commands(CLI::App& app, Session& session) {
  app.set_version_flag("--version", std::string(version()));
  app.add_option("--socket", session.socket, "the control daemon's socket")->capture_default_str()->take_last();
  app.add_flag("--json", session.json_output, "print the answer as JSON");
  app.footer(footer);
  app.fallthrough();  // the options above may stand behind a command too
  app.require_subcommand(1);
  add_status(app, session);
  CLI::App* show = app.add_subcommand(
      "show", "tunnels, groups, MTUs, security groups, SAs, routes, BGP, VRFs, neighbours, ports, counters");
  show->require_subcommand(1);
  show->footer("Examples:\n  sekisho show tunnel\n  sekisho show child-sa tokyo\n  sekisho show counters --all");
  add_tunnel(app, *show, session);
  add_group(app, *show, session);
  add_mtu(*show, session);
  add_security_group(*show, session);
  add_ike_sa(*show, session);
  add_child_sa(*show, session);
  add_route(*show, session);
  add_bgp(*show, session);
  add_vrf(*show, session);
  add_neighbour(*show, session);
  add_port(*show, session);
  add_counters(*show, session);
  add_config(app, session);
  add_explain(app, session);
}

int run(int argc, char** argv) {
  Session session;
  CLI::App app("Sekisho, a VPN gateway that forwards in user space.", "sekisho");
  add_commands(app, session);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help) {
    app.exit(help);
    return std::cout.flush() ? exit_ok : exit_no;
  } catch (const CLI::ParseError& error) {
    if (const auto word = misspelt_command(app, argc, argv))
      session.fail(exit_usage, messages::unknown_command, *word);
    else
      app.exit(error);
    return exit_usage;
  }
  return session.exit_code;
}

}  // namespace
}  // namespace sekisho::cli

int main(int argc, char** argv) {
  try {
    return sekisho::cli::run(argc, argv);
  } catch (const std::exception& exception) {
    std::fprintf(stderr, "sekisho: %s\n", exception.what());
    return sekisho::cli::exit_no;
  }
}
