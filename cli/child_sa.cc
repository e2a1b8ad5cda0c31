#include "cli/nouns.h"
#include "cli/text.h"

namespace sekisho::cli {
namespace {

std::string encapsulation_text(const json& sa) { return at(sa, "/udp_encapsulation") == true ? "UDP" : "ESP"; }

std::string window_text(const json& sa) {
  const json& window = at(sa, "/replay_window");
  return window == 0 ? "off" : "window " + field(sa, "/replay_window");
}

// "12 packets, 1.0 kB, replay 3": what was carried, then every counter of a fault that is not zero.
std::string counters_text(const json& counters) {
  std::string text = count(at(counters, "/packets")) + " packets, " + octets(at(counters, "/octets"));
  if (!counters.is_object()) return text;
  for (const auto& [name, value] : counters.items())
    if (name != "packets" && name != "octets" && value != 0) text += ", " + field(name, "") + " " + count(value);
  return text;
}

}  // namespace

std::string child_sas_text(const json& sas) {
  Table table({"TUNNEL", "CHILD", "STATE", "SPI IN", "SPI OUT", "SUITE", "OVER", ">IN", ">OUT", ">REKEY IN", ">LEFT"});
  for (const json& sa : sas)
    table.add({field(sa, "/tunnel"), field(sa, "/child"), field(sa, "/state"), field(sa, "/inbound_spi"),
               field(sa, "/outbound_spi"), field(sa, "/suite"), encapsulation_text(sa), octets(at(sa, "/in/octets")),
               octets(at(sa, "/out/octets")), duration(at(sa, "/rekey_in_seconds")),
               duration(at(sa, "/remaining_seconds"))});
  return table.text();
}

std::string child_sa_details_text(const json& sas) {
  std::string text;
  for (const json& sa : sas) {
    if (!text.empty()) text += "\n";
    text += details(
        {{"tunnel", field(sa, "/tunnel")},
         {"child", field(sa, "/child")},
         {"state", field(sa, "/state")},
         {"SPI in", field(sa, "/inbound_spi")},
         {"SPI out", field(sa, "/outbound_spi") + (at(sa, "/outbound_active") == true ? "" : " (not used yet)")},
         {"suite", field(sa, "/suite")},
         {"PFS", field(sa, "/pfs")},
         {"ESN", field(sa, "/esn")},
         {"anti-replay", window_text(sa)},
         {"carried over", encapsulation_text(sa)},
         {"local", field(sa, "/local_selectors")},
         {"remote", field(sa, "/remote_selectors")},
         {"age", duration(at(sa, "/age_seconds"))},
         {"rekeyed in", duration(at(sa, "/rekey_in_seconds"))},
         {"expires in", duration(at(sa, "/remaining_seconds"))},
         {"in", counters_text(at(sa, "/in"))},
         {"out", counters_text(at(sa, "/out"))}});
  }
  return text.empty() ? "none\n" : text;
}

void add_child_sa(CLI::App& show, Session& session) {
  add_show(show, session, "child-sa", "child SAs: the pairs of ESP SAs that carry traffic",
           "NAME is a tunnel. During a rekey a tunnel has two. LEFT is the time to the hard limit.\n\n"
           "Examples:\n  sekisho show child-sa\n  sekisho show child-sa tokyo",
           child_sas_text, child_sa_details_text);
}

}  // namespace sekisho::cli
