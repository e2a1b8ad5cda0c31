#include "cli/nouns.h"
#include "cli/text.h"

namespace sekisho::cli {
namespace {

std::string end_text(const json& end) {
  return field(end, "/address") + " port " + field(end, "/port") + " (" + field(end, "/id") + ")";
}

std::string nat_text(const json& sa) {
  const bool local = at(sa, "/local_behind_nat") == true, remote = at(sa, "/remote_behind_nat") == true;
  return local && remote ? "both ends" : local ? "this end" : remote ? "the peer" : "no";
}

}  // namespace

std::string ike_sas_text(const json& sas) {
  Table table({"TUNNEL", "VERSION", "STATE", "ROLE", "LOCAL", "REMOTE", "REMOTE ID", "PROPOSAL", ">AGE", ">LEFT"});
  for (const json& sa : sas)
    table.add({field(sa, "/tunnel"), field(sa, "/version"), field(sa, "/state"), field(sa, "/role"),
               field(sa, "/local/address"), field(sa, "/remote/address"), field(sa, "/remote/id"),
               field(sa, "/proposal"), duration(at(sa, "/age_seconds")), duration(at(sa, "/remaining_seconds"))});
  return table.text();
}

std::string ike_sa_details_text(const json& sas) {
  std::string text;
  for (const json& sa : sas) {
    if (!text.empty()) text += "\n";
    text += details(
        {{"tunnel", field(sa, "/tunnel")},
         {"version", field(sa, "/version")},
         {"state", field(sa, "/state")},
         {"role", field(sa, "/role")},
         {"SPIs", field(sa, "/initiator_spi") + " (initiator), " + field(sa, "/responder_spi") + " (responder)"},
         {"local", end_text(at(sa, "/local"))},
         {"remote", end_text(at(sa, "/remote"))},
         {"behind NAT", nat_text(sa)},
         {"proposal", field(sa, "/proposal")},
         {"established", duration(at(sa, "/established_seconds")) + " ago"},
         {"rekeyed in", duration(at(sa, "/rekey_in_seconds"))},
         {"expires in", duration(at(sa, "/remaining_seconds"))},
         {"child SAs", field(sa, "/child_sas")}});
  }
  return text.empty() ? "none\n" : text;
}

void add_ike_sa(CLI::App& show, Session& session) {
  add_show(show, session, "ike-sa", "IKE SAs: the control connections with peers",
           "NAME is a tunnel. SPIs are hexadecimal, as in the log of the peer.\n\n"
           "Examples:\n  sekisho show ike-sa\n  sekisho show ike-sa tokyo",
           ike_sas_text, ike_sa_details_text);
}

}  // namespace sekisho::cli
