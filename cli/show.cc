#include <memory>

#include "cli/nouns.h"

namespace sekisho::cli {

void add_show(CLI::App& show, Session& session, const std::string& noun, const std::string& description,
              const std::string& footer, std::string (*list_text)(const json&), std::string (*one_text)(const json&)) {
  CLI::App* command = show.add_subcommand(noun, description);
  command->footer(footer);
  const auto name = std::make_shared<std::string>();
  command->add_option("NAME", *name, "only this one");
  command->callback([&session, noun, list_text, one_text, name] {
    json params = {{"what", noun}};
    if (!name->empty()) params["name"] = *name;
    const auto result = session.request("show", params);
    if (result) session.print(*result, name->empty() || one_text == nullptr ? list_text : one_text);
  });
}

}  // namespace sekisho::cli
