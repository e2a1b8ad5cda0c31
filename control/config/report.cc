#include "control/config/report.h"

#include <fmt/format.h>

#include "base/printable.h"

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

int check_file(const std::filesystem::path& file, bool json, std::FILE* out) {
  const auto config = load(file);
  const ConfigErrors errors = config ? ConfigErrors{} : config.error();
  std::string text;
  if (json) {
    const nlohmann::json verdict = {{"valid", errors.empty()}, {"errors", to_json(errors)}};
    text = verdict.dump(2, ' ', true, nlohmann::json::error_handler_t::replace) + "\n";
  } else {
    text = to_text(errors);
    const std::string name = printable(file.string());
    text += errors.empty()
                ? name + " is valid\n"
                : fmt::format("{} is not valid: {} error{}\n", name, errors.size(), errors.size() == 1 ? "" : "s");
  }
  std::fputs(text.c_str(), out);
  return errors.empty() ? 0 : 1;
}

}  // namespace sekisho::config
