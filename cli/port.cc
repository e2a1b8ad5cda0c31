#include "cli/nouns.h"
#include "cli/text.h"

namespace sekisho::cli {
namespace {

std::string state_text(const json& port) { return at(port, "/present") == true ? field(port, "/link") : "absent"; }

std::string direction_text(const json& counters, const std::string& direction) {
  return count(at(counters, "/" + direction + "_packets")) + " / " + octets(at(counters, "/" + direction + "_octets"));
}

}  // namespace

std::string ports_text(const json& ports) {
  Table table(
      {"NAME", "LINK", ">MTU", "MAC", "ADDRESSES", "DEVICE", ">RECEIVED", ">SENT", ">TO KERNEL", ">FROM KERNEL"});
  for (const json& port : ports) {
    const json& counters = at(port, "/counters");
    table.add({field(port, "/name"), state_text(port), field(port, "/mtu"), field(port, "/mac"),
               field(port, "/addresses"), field(port, "/device"), direction_text(counters, "rx"),
               direction_text(counters, "tx"), count(at(counters, "/punted")), count(at(counters, "/from_kernel"))});
  }
  std::string text = table.text();
  for (const json& port : ports)
    if (const json& error = at(port, "/last_error"); error.is_object())
      text += "\n" + field(port, "/name") + "\n" + message_text(error, "  ");
  return text;
}

void add_port(CLI::App& show, Session& session) {
  add_show(show, session, "port", "ports: devices, links, traffic",
           "\"absent\": the dataplane does not have the device. RECEIVED and SENT are packets / octets on the wire.\n\n"
           "Examples:\n  sekisho show port\n  sekisho show port wan",
           ports_text);
}

}  // namespace sekisho::cli
