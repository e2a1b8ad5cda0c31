#include "cli/nouns.h"
#include "cli/text.h"

namespace sekisho::cli {

std::string routes_text(const json& routes) {
  Table table({"VRF", "PREFIX", "ACTION", "INTERFACE", "VIA", ">WEIGHT", ">DISTANCE", ">METRIC", "ORIGIN"});
  for (const json& route : routes) {
    const std::string vrf = field(route, "/vrf");
    table.add({vrf, field(route, "/prefix"), field(route, "/action"), field(route, "/interface"), field(route, "/via"),
               "", field(route, "/distance"), field(route, "/metric"), field(route, "/origin")});
    for (const json& hop : at(route, "/hops"))
      table.add({vrf, "", field(hop, "/action"), field(hop, "/interface"), field(hop, "/via"), field(hop, "/weight"),
                 "", "", ""});
  }
  table.drop_if_unused(0);
  return table.text();
}

void add_route(CLI::App& show, Session& session) {
  add_show(
      show, session, "route", "what the dataplane does with each destination",
      "NAME is a prefix, an interface, a VRF, or an address: then the route that a packet to it takes in each VRF.\n"
      "Actions: adjacency (out of a port, to a neighbour), tunnel, local (the gateway itself), punt (the kernel\n"
      "decides), drop, multipath (to one of the ways listed below it, by flow and WEIGHT). DISTANCE is said of routes\n"
      "that FRR's zebra has brought; ORIGIN is who made a route.\n\n"
      "Examples:\n  sekisho show route\n  sekisho show route vti0\n  sekisho show route 10.2.0.0/24",
      routes_text);
}

}  // namespace sekisho::cli
