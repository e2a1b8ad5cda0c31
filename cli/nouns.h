// The commands, one file a noun, and the text that each makes of the daemon's JSON. The texts are pure functions.
#pragma once

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/session.h"
#include "cli/text.h"

namespace sekisho::cli {

void add_status(CLI::App& app, Session& session);
void add_tunnel(CLI::App& app, CLI::App& show, Session& session);
void add_mtu(CLI::App& show, Session& session);
void add_group(CLI::App& app, CLI::App& show, Session& session);
void add_security_group(CLI::App& show, Session& session);
void add_ike_sa(CLI::App& show, Session& session);
void add_child_sa(CLI::App& show, Session& session);
void add_route(CLI::App& show, Session& session);
void add_bgp(CLI::App& show, Session& session);
void add_neighbour(CLI::App& show, Session& session);
void add_vrf(CLI::App& show, Session& session);
void add_port(CLI::App& show, Session& session);
void add_counters(CLI::App& show, Session& session);
void add_config(CLI::App& app, Session& session);
void add_explain(CLI::App& app, Session& session);

std::string status_text(const json& status);
std::string tunnels_text(const json& tunnels);
std::string tunnel_details_text(const json& tunnels);
std::string mtus_text(const json& tunnels);
std::string mtu_details_text(const json& tunnels);
std::string groups_text(const json& groups);
std::string group_details_text(const json& groups);
std::string security_groups_text(const json& groups);
std::string security_group_details_text(const json& groups);
std::string ike_sas_text(const json& sas);
std::string ike_sa_details_text(const json& sas);
std::string child_sas_text(const json& sas);
std::string child_sa_details_text(const json& sas);
// `view`: summary, received or advertised.
std::string bgp_text(std::string_view view, const json& list);
std::string neighbours_text(const json& neighbours);
std::string vrfs_text(const json& vrfs);
std::string ports_text(const json& ports);
std::string counters_text(const json& counters, bool all);
std::string changes_text(const json& changes);
std::string plan_text(const json& plan);
std::string config_errors_text(const json& errors);
std::string explanation_text(const json& explanation);
std::string catalogue_text(const json& messages);
std::string catalogue_markdown(const json& messages);

// Of routes, which come in parts.
class RouteTable {
 public:
  RouteTable();
  void add(const json& routes);
  std::string text() &&;

 private:
  Table table_;
};

// `show NOUN [NAME]`: asks for it and prints what list_text() makes of the answer, or one_text() where a name is given.
void add_show(CLI::App& show, Session& session, const std::string& noun, const std::string& description,
              const std::string& footer, std::string (*list_text)(const json&),
              std::string (*one_text)(const json&) = nullptr);

}  // namespace sekisho::cli
