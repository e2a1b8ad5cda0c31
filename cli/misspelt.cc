#include "cli/misspelt.h"

#include <string_view>
#include <vector>

#include "base/nearest_name.h"
#include "base/printable.h"

namespace sekisho::cli {
namespace {

std::vector<std::string> commands(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* each : app.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(each->get_name());
  return names;
}

const CLI::App* find(const CLI::App& app, const std::string& name) {
  for (const CLI::App* each : app.get_subcommands([](const CLI::App*) { return true; }))
    if (each->get_name() == name) return each;
  return nullptr;
}

bool takes_value(const CLI::App& app, const std::string& word) {
  const CLI::Option* option = app.get_option_no_throw(word);
  return option && option->get_items_expected_max() > 0;
}

std::string complaint(const std::string& word, const CLI::App& app) {
  const std::vector<std::string> names = commands(app);
  const std::vector<std::string_view> known(names.begin(), names.end());
  const std::string_view nearest = nearest_name(word, known);
  std::string text = "\"" + printable(word) + "\"";
  if (!nearest.empty()) return text + "; did you mean \"" + std::string(nearest) + "\"?";
  text += "; here are known:";
  for (const std::string& name : names) text += " " + name;
  return text;
}

}  // namespace

std::optional<std::string> misspelt_command(const CLI::App& app, int argc, char** argv) {
  const CLI::App* at = &app;
  for (int i = 1; i < argc && at->get_require_subcommand_min() > 0; ++i) {
    const std::string word = argv[i];
    if (word.starts_with('-')) {
      if (takes_value(app, word)) ++i;
      continue;
    }
    const CLI::App* next = find(*at, word);
    if (!next) return complaint(word, *at);
    at = next;
  }
  return {};
}

}  // namespace sekisho::cli
