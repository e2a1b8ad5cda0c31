#include "cli/nouns.h"
#include "cli/text.h"

namespace sekisho::cli {

std::string neighbours_text(const json& neighbours) {
  Table table({"VRF", "ADDRESS", "INTERFACE", "MAC", "STATE"});
  for (const json& neighbour : neighbours)
    table.add({field(neighbour, "/vrf"), field(neighbour, "/address"), field(neighbour, "/interface"),
               field(neighbour, "/mac"), field(neighbour, "/state")});
  table.drop_if_unused(0);
  return table.text();
}

void add_neighbour(CLI::App& show, Session& session) {
  add_show(
      show, session, "neighbour", "hosts next to the ports, as the kernel resolved them",
      "NAME is an address, an interface or a VRF.\n\nExamples:\n  sekisho show neighbour\n  sekisho show neighbour wan",
      neighbours_text);
}

}  // namespace sekisho::cli
