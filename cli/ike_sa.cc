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

std::string certificate_text(const json& certificate) {
  if (!certificate.is_object()) return "-";
  const json& left = at(certificate, "/remaining_seconds");
  const bool over = left.is_number() && left.get<double>() <= 0;
  return "expires " + field(certificate, "/expires") + (over ? ", which is over" : ", in " + duration(left));
}

}  // namespace

std::string ike_sas_text(const json& sas) {
  Table table({"TUNNEL", "VERSION", "STATE", "ROLE", "LOCAL", "REMOTE", "REMOTE ID", "CERTIFIED UNTIL", "PROPOSAL",
               ">AGE", ">LEFT"});
  for (const json& sa : sas)
    table.add({field(sa, "/tunnel"), field(sa, "/version"), field(sa, "/state"), field(sa, "/role"),
               field(sa, "/local/address"), field(sa, "/remote/address"), field(sa, "/remote/id"),
               field(sa, "/remote_certificate/expires"), field(sa, "/proposal"), duration(at(sa, "/age_seconds")),
               duration(at(sa, "/remaining_seconds"))});
  table.drop_if_unused(7);
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
         {"certificate", certificate_text(at(sa, "/remote_certificate"))},
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
           "NAME is a tunnel. SPIs are hexadecimal, as in the log of the peer. CERTIFIED UNTIL is the end of the "
           "certificate\n"
           "that the peer has proven itself by, where it has.\n\n"
           "Examples:\n  sekisho show ike-sa\n  sekisho show ike-sa tokyo",
           ike_sas_text, ike_sa_details_text);
}

}  // namespace sekisho::cli
