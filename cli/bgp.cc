#include <memory>

#include "cli/nouns.h"
#include "cli/text.h"

namespace sekisho::cli {
namespace {

std::string routes_by_bgp_text(const json& routes) {
  Table table({"NEIGHBOUR", "PREFIX", "BEST", "NEXT HOP", ">METRIC", ">PREFERENCE", "ORIGIN", "AS PATH"});
  for (const json& route : routes)
    table.add({field(route, "/neighbour"), field(route, "/prefix"), at(route, "/best") == true ? "yes" : "no",
               field(route, "/next_hop"), field(route, "/metric"), field(route, "/local_preference"),
               field(route, "/origin"), field(route, "/as_path")});
  return table.text();
}

std::string bgp_neighbours_text(const json& neighbours) {
  Table table({"NEIGHBOUR", "FAMILY", ">AS", "STATE", "FOR", ">RECEIVED", ">SENT"});
  for (const json& each : neighbours)
    table.add({field(each, "/neighbour"), field(each, "/family"), field(each, "/remote_as"), field(each, "/state"),
               duration(at(each, "/up_seconds")), field(each, "/received"), field(each, "/sent")});
  return table.text();
}

void add_view(CLI::App& bgp, Session& session, const std::string& view, const std::string& description) {
  CLI::App* command = bgp.add_subcommand(view, description);
  const auto neighbour = std::make_shared<std::string>();
  command->add_option("NEIGHBOUR", *neighbour, "only this one");
  command->callback([&session, view, neighbour] {
    json params = {{"view", view}};
    if (!neighbour->empty()) params["neighbour"] = *neighbour;
    if (const auto result = session.request("bgp.show", params))
      session.print(*result, [&](const json& list) { return bgp_text(view, list); });
  });
}

}  // namespace

std::string bgp_text(std::string_view view, const json& list) {
  return view == "summary" ? bgp_neighbours_text(list) : routes_by_bgp_text(list);
}

void add_bgp(CLI::App& show, Session& session) {
  CLI::App* bgp = show.add_subcommand("bgp", "what FRR's bgpd says of its neighbours and their routes");
  bgp->require_subcommand(1);
  bgp->footer(
      "NEIGHBOUR is an address. What was received is shown as far as it was accepted.\n\n"
      "Examples:\n  sekisho show bgp summary\n  sekisho show bgp received 169.254.1.2\n  sekisho show bgp advertised");
  add_view(*bgp, session, "summary", "who the neighbours are, and how the sessions stand");
  add_view(*bgp, session, "received", "routes that came from neighbours");
  add_view(*bgp, session, "advertised", "routes that neighbours were told");
}

}  // namespace sekisho::cli
