#include "control/config/report.h"

#include <fmt/format.h>

#include <cerrno>
#include <system_error>

#include "base/messages/system.h"
#include "base/printable.h"
#include "control/config/warnings.h"

namespace sekisho::config {
namespace {

std::string_view word(Severity severity) {
  switch (severity) {
    case Severity::info:
      return "info";
    case Severity::warning:
      return "warning";
    case Severity::error:
      return "error";
  }
  return "";
}

}  // namespace

nlohmann::json to_json(const Error& error) {
  return {{"id", error.message->id},       {"severity", word(error.message->severity)},
          {"title", error.message->title}, {"detail", error.detail},
          {"cause", error.message->cause}, {"remedy", error.message->remedy}};
}

nlohmann::json to_json(const ConfigErrors& errors) {
  auto result = nlohmann::json::array();
  for (const auto& [pointer, error] : errors) {
    result.push_back(to_json(error));
    result.back()["pointer"] = pointer;
  }
  return result;
}

std::string to_text(const Error& error) {
  return fmt::format("  {}\n  cause:  {}\n  remedy: {}\n", printable(error.text()), error.message->cause,
                     error.message->remedy);
}

std::string to_text(const ConfigErrors& errors) {
  std::string text;
  for (const auto& [pointer, error] : errors)
    text += (pointer.empty() ? "(whole file)" : printable(pointer)) + "\n" + to_text(error);
  return text;
}

bool write_out(const std::string& text, std::FILE* out) {
  if (std::fputs(text.c_str(), out) >= 0 && std::fflush(out) == 0) return true;
  const Error error{&messages::file_unwritable, "standard output: " + std::generic_category().message(errno)};
  std::fputs(to_text(error).c_str(), stderr);
  return false;
}

int check_file(const std::filesystem::path& file, bool json, std::FILE* out) {
  const auto config = load(file);
  const ConfigErrors errors = config ? ConfigErrors{} : config.error();
  const std::vector<Warning> warned =
      config ? warnings(*config, std::chrono::system_clock::now()) : std::vector<Warning>{};
  std::string text;
  if (json) {
    const nlohmann::json verdict = {
        {"valid", errors.empty()}, {"errors", to_json(errors)}, {"warnings", to_json(warned)}};
    text = verdict.dump(2, ' ', true, nlohmann::json::error_handler_t::replace) + "\n";
  } else {
    text = to_text(errors) + to_text(warned);
    const std::string name = printable(file.string());
    text += errors.empty()
                ? name + " is valid\n"
                : fmt::format("{} is not valid: {} error{}\n", name, errors.size(), errors.size() == 1 ? "" : "s");
  }
  return write_out(text, out) && errors.empty() ? 0 : 1;
}

}  // namespace sekisho::config
