// What decode() and diff() found, told to people and programs.
#pragma once

#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "control/config/config.h"

namespace sekisho::config {

// {"id", "severity", "title", "detail", "cause", "remedy"}
nlohmann::json to_json(const Error& error);
// [{"pointer", ...as above}]
nlohmann::json to_json(const ConfigErrors& errors);

// "id: title: detail", cause and remedy, below each other.
std::string to_text(const Error& error);
// A paragraph an error: place, message, cause, remedy.
std::string to_text(const ConfigErrors& errors);

// `sekisho-control --check FILE`: writes the verdict to `out` as text or as {"valid", "errors"}. The process's exit
// code: 0 valid, 1 not.
int check_file(const std::filesystem::path& file, bool json, std::FILE* out);

}  // namespace sekisho::config
