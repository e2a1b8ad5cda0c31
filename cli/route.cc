#include <memory>
#include <utility>

#include "base/messages/system.h"
#include "cli/nouns.h"
#include "cli/text.h"

namespace sekisho::cli {
namespace {

// The daemon tells of a large table a page at a time. What is kept of a page is what will be printed of it.
void show_routes(Session& session, const std::string& name) {
  RouteTable table;
  ListText list;
  json params = json::object();
  if (!name.empty()) params["name"] = name;
  for (;;) {
    const auto page = session.request("route.show", params);
    if (!page) return;
    const json &routes = at(*page, "/routes"), &next = at(*page, "/next");
    if (!routes.is_array() || (!next.is_null() && (!next.is_object() || next == at(params, "/after"))))
      return session.fail(exit_no, messages::control_answer_malformed, "no page of routes");
    if (session.json_output)
      list.add(routes);
    else
      table.add(routes);
    if (next.is_null()) break;
    params["after"] = next;
  }
  session.write(session.json_output ? std::move(list).text() : std::move(table).text());
}

}  // namespace

RouteTable::RouteTable()
    : table_({"VRF", "PREFIX", "ACTION", "INTERFACE", "VIA", ">WEIGHT", ">DISTANCE", ">METRIC", "ORIGIN"}) {}

void RouteTable::add(const json& routes) {
  for (const json& route : routes) {
    const std::string vrf = field(route, "/vrf");
    table_.add({vrf, field(route, "/prefix"), field(route, "/action"), field(route, "/interface"), field(route, "/via"),
                "", field(route, "/distance"), field(route, "/metric"), field(route, "/origin")});
    for (const json& hop : at(route, "/hops"))
      table_.add({vrf, "", field(hop, "/action"), field(hop, "/interface"), field(hop, "/via"), field(hop, "/weight"),
                  "", "", ""});
  }
}

std::string RouteTable::text() && {
  table_.drop_if_unused(0);
  return table_.text();
}

void add_route(CLI::App& show, Session& session) {
  CLI::App* command = show.add_subcommand("route", "what the dataplane does with each destination");
  command->footer(
      "NAME is a prefix, an interface, a VRF, or an address: then the route that a packet to it takes in each VRF.\n"
      "Actions: adjacency (out of a port, to a neighbour), tunnel, local (the gateway itself), punt (the kernel\n"
      "decides), drop, multipath (to one of the ways listed below it, by flow and WEIGHT). DISTANCE is said of routes\n"
      "that FRR's zebra has brought; ORIGIN is who made a route. A large table is asked for in parts: what changes\n"
      "meanwhile may be shown as it was or as it is.\n\n"
      "Examples:\n  sekisho show route\n  sekisho show route vti0\n  sekisho show route 10.2.0.0/24");
  const auto name = std::make_shared<std::string>();
  command->add_option("NAME", *name, "only these");
  command->callback([&session, name] { show_routes(session, *name); });
}

}  // namespace sekisho::cli
