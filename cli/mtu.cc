#include "cli/nouns.h"
#include "cli/text.h"

namespace sekisho::cli {
namespace {

std::string taken(const json& sa, const char* part) { return at(sa, part) == 0 ? "0" : "-" + field(sa, part); }

// From the outer MTU down to what is left for the inner packet.
std::string sa_text(const json& sa) {
  const std::string child = at(sa, "/child").is_null() ? "" : "child " + field(sa, "/child") + ", ";
  const bool in_udp = at(sa, "/encapsulation") == "UDP";
  Table table({">OCTETS", "FOR"});
  table.add({field(sa, "/outer_mtu"), "outer MTU: " + field(sa, "/outer_mtu_from")});
  table.add({taken(sa, "/ip"), "outer " + field(sa, "/outer_family") + " header"});
  table.add({taken(sa, "/udp"), in_udp ? "UDP header, for NAT" : "no UDP header"});
  table.add({taken(sa, "/esp"), "SPI and sequence number"});
  table.add({taken(sa, "/iv"), "initialization vector"});
  table.add({taken(sa, "/icv"), "integrity check value"});
  table.add({taken(sa, "/trailer"), "pad length and next header"});
  table.add({taken(sa, "/unused"), "rest that is no whole block of " + field(sa, "/block")});
  table.add({field(sa, "/largest_inner"), "largest inner packet"});
  return child + field(sa, "/suite") + (in_udp ? " in UDP" : "") +
         (at(sa, "/negotiated") == true ? "" : ", not negotiated yet") + "\n" + table.text();
}

}  // namespace

std::string mtus_text(const json& tunnels) {
  Table table({"TUNNEL", "INTERFACE", ">MTU", ">MSS", ">MSS IPV6", "DF"});
  for (const json& tunnel : tunnels)
    table.add({field(tunnel, "/tunnel"), field(tunnel, "/interface"), field(tunnel, "/mtu"), field(tunnel, "/mss_ipv4"),
               field(tunnel, "/mss_ipv6"), field(tunnel, "/df")});
  return table.text();
}

std::string mtu_details_text(const json& tunnels) {
  std::string text;
  for (const json& tunnel : tunnels) {
    text += details({{"tunnel", field(tunnel, "/tunnel") + ", interface " + field(tunnel, "/interface")},
                     {"MTU", field(tunnel, "/mtu") + ": " + field(tunnel, "/mtu_from")},
                     {"TCP MSS", field(tunnel, "/mss_ipv4") + ", over IPv6 " + field(tunnel, "/mss_ipv6") + ": " +
                                     field(tunnel, "/mss_from")},
                     {"DF", field(tunnel, "/df")},
                     {"path MTU", field(tunnel, "/path_mtu/text")}});
    if (at(tunnel, "/ipv6") == false) text += "below 1280, which IPv6 needs: the tunnel carries none\n";
    for (const json& sa : at(tunnel, "/sas")) text += "\n" + sa_text(sa);
  }
  return text;
}

void add_mtu(CLI::App& show, Session& session) {
  add_show(show, session, "mtu", "how large a packet fits into a tunnel, and why",
           "The largest packet that goes into the tunnel whole. What is larger is fragmented before it is\n"
           "sealed, or its sender is told; TCP is told when it connects.\n\n"
           "Examples:\n  sekisho show mtu\n  sekisho show mtu tokyo\n  sekisho show mtu tokyo --json | jq .[0].mtu",
           mtus_text, mtu_details_text);
}

}  // namespace sekisho::cli
