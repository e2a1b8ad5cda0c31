#include "cli/nouns.h"
#include "cli/text.h"

namespace sekisho::cli {

std::string vrfs_text(const json& vrfs) {
  Table table({"NAME", "STATE", "PORTS", "TUNNELS", ">ROUTES"});
  for (const json& vrf : vrfs)
    table.add({field(vrf, "/name"), at(vrf, "/usable") == true ? "usable" : "unusable", field(vrf, "/ports"),
               field(vrf, "/tunnels"), field(vrf, "/routes")});
  std::string text = table.text();
  for (const json& vrf : vrfs)
    if (const json& fault = at(vrf, "/fault"); fault.is_object()) text += "\n" + message_text(fault, "");
  return text;
}

void add_vrf(CLI::App& show, Session& session) {
  add_show(show, session, "vrf", "forwarding tables beside the front door's, and what is in them",
           "A VRF is a network namespace of the same name; `ip netns exec NAME ip route` shows the kernel's side.\n\n"
           "Examples:\n  sekisho show vrf\n  sekisho show route blue\n  sekisho show vrf --json",
           vrfs_text);
}

}  // namespace sekisho::cli
