#include "cli/nouns.h"
#include "cli/text.h"

namespace sekisho::cli {

std::string neighbours_text(const json& neighbours) {
  Table table({"ADDRESS", "INTERFACE", "MAC", "STATE"});
  for (const json& neighbour : neighbours)
    table.add({field(neighbour, "/address"), field(neighbour, "/interface"), field(neighbour, "/mac"),
               field(neighbour, "/state")});
  return table.text();
}

void add_neighbour(CLI::App& show, Session& session) {
  add_show(show, session, "neighbour", "hosts next to the ports, as the kernel resolved them",
           "NAME is an address or an interface.\n\nExamples:\n  sekisho show neighbour\n  sekisho show neighbour wan",
           neighbours_text);
}

}  // namespace sekisho::cli
