#include "control/main/options.h"

#include <CLI/CLI.hpp>
#include <string>

namespace sekisho::control {

std::optional<int> parse_options(int argc, char** argv, Options& options) {
  CLI::App app(
      "Sekisho's control daemon: IKE, tunnels, routes and the control socket.\n"
      "It needs sekisho-dataplane, and waits for it. SIGHUP reads the configuration again. SIGTERM says goodbye to "
      "the\n"
      "peers, takes the tunnels down and ends; traffic outside of tunnels goes on.",
      "sekisho-control");
  std::string config, check, grade, socket = options.socket.string();
  app.add_option("--config", config, "configuration file (JSON); psk_file entries are relative to its directory")
      ->type_name("FILE");
  app.add_option("--check", check, "say whether this file is a valid configuration, and end: 0 yes, 1 no")
      ->type_name("FILE")
      ->excludes("--config");
  app.add_option("--grade", grade, "say what RFC 8247 and RFC 8221 require of this file's algorithms, and end")
      ->type_name("FILE")
      ->excludes("--config")
      ->excludes("--check");
  app.add_flag("--json", options.json, "with --check and --grade: the verdict as JSON");
  app.add_option("--dataplane", options.dataplane, "the dataplane's socket")->type_name("PATH")->capture_default_str();
  app.add_option("--frr", options.frr, "the directory of FRR's sockets, for a configuration with \"frr\"")
      ->type_name("DIR")
      ->capture_default_str();
  app.add_option("--socket", socket, "the control socket, which `sekisho` talks to")
      ->type_name("PATH")
      ->capture_default_str();
  try {
    app.parse(argc, argv);
    if (config.empty() && check.empty() && grade.empty())
      throw CLI::RequiredError("--config FILE, --check FILE or --grade FILE");
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  options.check = !check.empty();
  options.grade = !grade.empty();
  options.config = options.grade ? grade : options.check ? check : config;
  options.socket = socket;
  return {};
}

}  // namespace sekisho::control
