// A word on the command line that is no command.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

namespace sekisho::cli {

// Says which word it is, and which command may have been meant. Nothing where every command is known.
std::optional<std::string> misspelt_command(const CLI::App& app, int argc, char** argv);

}  // namespace sekisho::cli
