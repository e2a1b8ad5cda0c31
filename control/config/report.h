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

// False where not all of it could be written, which is said on stderr.
[[nodiscard]] bool write_out(const std::string& text, std::FILE* out);

// `sekisho-control --check FILE`: writes the verdict and warnings.h's warnings to `out`, as text or as {"valid",
// "errors", "warnings"}. The process's exit code: 0 valid, warnings or not; 1 not valid, or `out` takes nothing.
int check_file(const std::filesystem::path& file, bool json, std::FILE* out);

}  // namespace sekisho::config
