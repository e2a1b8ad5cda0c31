#include "cli/text.h"

#include <catch2/catch.hpp>

#include "cli/nouns.h"

namespace sekisho::cli {
namespace {

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }
json list(const json& entry) { return json::array({entry}); }

std::string routes_text(const json& routes) {
  RouteTable table;
  table.add(routes);
  return std::move(table).text();
}

const json last_error = {{"id", "SKO-IKE-001"},  {"severity", "error"},        {"title", "peer does not answer"},
                         {"detail", "10.9.2.2"}, {"cause", "No answer came."}, {"remedy", "Check the path."},
                         {"age_seconds", 72.5}};

const json tunnel = {
    {"name", "tokyo"},
    {"state", "down"},
    {"held_down", true},
    {"interface", {{"name", "vti0"}, {"addresses", {"169.254.1.1/30", "fd00::1/64"}}, {"mtu", "auto"}}},
    {"mtu", 1438},
    {"local", {{"address", "10.9.1.1"}, {"id", "a.lab"}}},
    {"remote", {{"address", "10.9.2.2"}, {"id", "b\x1b[2J\x9b"}}},
    {"up_seconds", nullptr},
    {"in", {{"packets", 1234567}, {"octets", 987654321}}},
    {"last_error", last_error}};

}  // namespace

TEST_CASE("numbers carry units") {
  CHECK(duration(0) == "0s");
  CHECK(duration(0.44) == "0.4s");
  CHECK(duration(59.9) == "59s");
  CHECK(duration(192) == "3m12s");
  CHECK(duration(7500) == "2h05m");
  CHECK(duration(273600) == "3d04h");
  CHECK(duration(nullptr) == "-");
  CHECK(duration(1e300) == "-");
  CHECK(octets(812) == "812 B");
  CHECK(octets(4200) == "4.2 kB");
  CHECK(octets(999960) == "1.0 MB");
  CHECK(octets(18446744073709551615u) == "18.4 EB");
  CHECK(octets("x") == "-");
  CHECK(count(7) == "7");
  CHECK(count(123456) == "123,456");
  CHECK(count(1234567) == "1,234,567");
  CHECK(count(-1234) == "-1,234");
}

TEST_CASE("an MTU is told from the outer MTU down, part by part") {
  const json sa = {{"child", "tokyo"},
                   {"suite", "aes256-sha256"},
                   {"encapsulation", "UDP"},
                   {"negotiated", true},
                   {"outer_mtu", 1454},
                   {"outer_mtu_from", "link wan has 1454"},
                   {"outer_family", "IPv4"},
                   {"ip", 20},
                   {"udp", 8},
                   {"esp", 8},
                   {"iv", 16},
                   {"icv", 16},
                   {"trailer", 2},
                   {"block", 16},
                   {"unused", 10},
                   {"largest_inner", 1374}};
  const json view = {{"tunnel", "tokyo"},
                     {"interface", "vti0"},
                     {"mtu", 1374},
                     {"mtu_from", "what the SA leaves"},
                     {"mss_ipv4", 1334},
                     {"mss_ipv6", nullptr},
                     {"mss_from", "the MTU"},
                     {"df", "copy"},
                     {"ipv6", true},
                     {"sas", {sa}},
                     {"path_mtu", {{"text", "being looked for"}}}};
  CHECK(mtus_text(list(view)) ==
        "TUNNEL  INTERFACE   MTU   MSS  MSS IPV6  DF\n"
        "tokyo   vti0       1374  1334         -  copy\n");
  CHECK(mtu_details_text(list(view)) ==
        "tunnel    tokyo, interface vti0\n"
        "MTU       1374: what the SA leaves\n"
        "TCP MSS   1334, over IPv6 -: the MTU\n"
        "DF        copy\n"
        "path MTU  being looked for\n"
        "\n"
        "child tokyo, aes256-sha256 in UDP\n"
        "OCTETS  FOR\n"
        "  1454  outer MTU: link wan has 1454\n"
        "   -20  outer IPv4 header\n"
        "    -8  UDP header, for NAT\n"
        "    -8  SPI and sequence number\n"
        "   -16  initialization vector\n"
        "   -16  integrity check value\n"
        "    -2  pad length and next header\n"
        "   -10  rest that is no whole block of 16\n"
        "  1374  largest inner packet\n");
}

TEST_CASE("columns line up, also with letters of several bytes") {
  Table table({"NAME", ">COUNT", "LAST"});
  table.add({"関所", "7", "-"});
  table.add({"osaka", "1,000", "x"});
  CHECK(table.text() ==
        "NAME   COUNT  LAST\n"
        "関所         7  -\n"
        "osaka  1,000  x\n");
  CHECK(Table({"NAME"}).text() == "none\n");
  CHECK(details({{"a", "1"}, {"long", "2"}}) == "a     1\nlong  2\n");
}

TEST_CASE("fields that are missing or of another type do no harm") {
  CHECK(field(json::object(), "/a/b") == "-");
  CHECK(field(json("text"), "/a") == "-");
  CHECK(field(json::array({1, 2}), "") == "1, 2");
  CHECK(field(json{{"a", json::array()}}, "/a") == "-");
  CHECK(field(json{{"a", true}}, "/a") == "yes");
  for (const json& odd : {json(), json(5), json("x"), json::array(), json::array({1}), json::object()}) {
    INFO(odd.dump());
    CHECK_NOTHROW(tunnels_text(odd) + tunnel_details_text(odd) + ike_sas_text(odd) + ike_sa_details_text(odd) +
                  child_sas_text(odd) + child_sa_details_text(odd) + routes_text(odd) + bgp_text("summary", odd) +
                  bgp_text("received", odd) + neighbours_text(odd) + vrfs_text(odd) + ports_text(odd) +
                  counters_text(odd, true) + changes_text(odd) + config_errors_text(odd) + status_text(odd) +
                  explanation_text(odd) +
                  explanation_text({{"negotiation", {{"children", odd}}},
                                    {"last_failure", {{"mismatch", {{"ours", odd}, {"theirs", odd}}}}},
                                    {"child_sas", odd},
                                    {"hints", odd}}));
  }
}

TEST_CASE("a tunnel that is down shows why, and nothing of the peer reaches the terminal raw") {
  const std::string list = tunnels_text(json::array({tunnel}));
  CHECK(has(list, "tokyo  down (held)"));
  CHECK(has(list, "987.7 MB"));
  CHECK(has(list, "  SKO-IKE-001: peer does not answer: 10.9.2.2 (1m12s ago)\n    cause:  No answer came.\n"));
  CHECK(has(list, "    remedy: Check the path.\n"));
  const std::string one = tunnel_details_text(json::array({tunnel}));
  CHECK(has(one, "10.9.2.2 (b\\u{1b}[2J\\x9b)"));
  CHECK(has(one, "1,234,567 packets, 987.7 MB"));
  CHECK(has(one, "169.254.1.1/30, fd00::1/64"));
  CHECK_FALSE(has(list + one, "\x1b"));
}

TEST_CASE("a tunnel's children show their state and selectors") {
  json with_children = tunnel;
  with_children["children"] = {
      {{"name", "data"}, {"state", "down"}, {"child_sas", 0}, {"local_selectors", {"10.1.1.0/24"}}},
      {{"name", "voice"}, {"state", "up"}, {"child_sas", 2}, {"remote_selectors", {"10.2.0.0/24", "10.3.0.0/24"}}}};
  CHECK(has(tunnels_text(list(with_children)), "1/2"));
  CHECK(has(tunnel_details_text(list(with_children)), "data   down     0  10.1.1.0/24"));
  CHECK(has(tunnel_details_text(list(with_children)), "10.2.0.0/24, 10.3.0.0/24"));
  CHECK_FALSE(has(tunnel_details_text(list(with_children)), "configured"));
  json& voice = with_children["children"][1];
  voice["narrowed"] = true;
  voice["configured_remote_selectors"] = {"10.0.0.0/8"};
  CHECK(has(tunnel_details_text(list(with_children)), "configured:       -            10.0.0.0/8\n"));
}

TEST_CASE("a plan says which tunnels go down and which change in place") {
  const auto text = [](const char* effect) {
    return plan_text({{"valid", true},
                      {"changes", {{{"kind", "remove"}, {"pointer", "/x"}}}},
                      {"effects", {{{"tunnel", "to\x1bkyo"}, {"effect", effect}}}}});
  };
  CHECK(has(text("rebuilt"), "tunnel to\\u{1b}kyo goes down, and is negotiated anew\n"));
  CHECK(has(text("removed"), "goes down and is removed\n"));
  CHECK(has(text("in-place"), "in place\n"));
  CHECK(has(text("added"), "is added\n"));
  CHECK(has(text("added"), "- /x"));
  CHECK(has(plan_text({{"valid", true},
                       {"changes", json::array()},
                       {"warnings", {{{"id", "SKO-CFG-062"}, {"title", "t"}, {"tunnel", "to\x1bkyo"}}}}}),
            "nothing to change\nwarning, tunnel to\\u{1b}kyo\n  SKO-CFG-062: t\n"));
}

TEST_CASE("SAs show their addresses, algorithms and remaining life") {
  const json ike = {{"tunnel", "tokyo"},
                    {"version", "IKEv1"},
                    {"state", "established"},
                    {"role", "initiator"},
                    {"initiator_spi", "00000000000000ab"},
                    {"responder_spi", "00000000000000cd"},
                    {"local", {{"address", "10.9.1.1"}, {"port", 4500}, {"id", "a.lab"}}},
                    {"remote", {{"address", "10.9.2.2"}, {"port", 4500}, {"id", "b.lab"}}},
                    {"remote_behind_nat", true},
                    {"proposal", "aes128gcm16-prfsha256-x25519"},
                    {"remaining_seconds", 28000.0}};
  CHECK(has(ike_sas_text(list(ike)), "aes128gcm16-prfsha256-x25519"));
  CHECK(has(ike_sas_text(list(ike)), "7h46m"));
  CHECK(has(ike_sas_text(list(ike)), "tokyo   IKEv1    established"));
  CHECK(has(ike_sa_details_text(list(ike)), "10.9.2.2 port 4500 (b.lab)"));
  CHECK(has(ike_sa_details_text(list(ike)), "the peer"));
  CHECK_FALSE(has(ike_sas_text(list(ike)), "CERTIFIED UNTIL"));
  json certified = ike;
  certified["remote_certificate"] = {{"expires", "2026-12-24 10:00 UTC"}, {"remaining_seconds", 172800}};
  CHECK(has(ike_sas_text(list(certified)), "2026-12-24 10:00 UTC"));
  CHECK(has(ike_sa_details_text(list(certified)), "expires 2026-12-24 10:00 UTC, in 2d00h"));
  certified["remote_certificate"]["remaining_seconds"] = -1;
  CHECK(has(ike_sa_details_text(list(certified)), "expires 2026-12-24 10:00 UTC, which is over"));
  const json child = {
      {"tunnel", "tokyo"},       {"inbound_spi", "12348001"},
      {"suite", "aes256gcm16"},  {"udp_encapsulation", true},
      {"replay_window", 0},      {"in", {{"packets", 12}, {"octets", 1000}, {"replay", 3}, {"padding", 0}}},
      {"remaining_seconds", 60}, {"local_selectors", {"10.1.0.0/24", "10.3.0.0/24"}}};
  CHECK(has(child_sas_text(list(child)), "aes256gcm16  UDP"));
  CHECK(has(child_sa_details_text(list(child)), "12 packets, 1.0 kB, replay 3\n"));
  CHECK(has(child_sa_details_text(list(child)), "10.1.0.0/24, 10.3.0.0/24"));
}

TEST_CASE("an explanation sets both sides' offers side by side") {
  const json explanation = {
      {"tunnel", tunnel},
      {"negotiation", {{"state", "waiting"}, {"attempts", 2}, {"children", {{{"name", "voice"}, {"up", false}}}}}},
      {"last_failure",
       {{"id", "SKO-IKE-002"},
        {"mismatch", {{"kind", "IKE proposal"}, {"ours", {"aes128gcm16"}}, {"theirs", {"a\x1b", "b"}}}}}},
      {"unproven_since", {{"id", "SKO-IKE-004"}, {"title", "peer failed to authenticate"}}},
      {"credentials",
       {{{"kind", "own certificate"},
         {"name", "CN=a"},
         {"expires", "2027-01-01 00:00 UTC"},
         {"remaining_seconds", 7200}},
        {{"kind", "revocation list"},
         {"name", "CN=b"},
         {"expires", "2026-01-01 00:00 UTC"},
         {"remaining_seconds", -5}}}},
      {"warnings", {{{"id", "SKO-IKE-090"}, {"title", "own certificate expires soon"}}}},
      {"hints", {"look there"}}};
  const std::string text = explanation_text(explanation);
  CHECK(has(text, "own certificate  CN=a  2027-01-01 00:00 UTC  2h00m\n"));
  CHECK(has(text, "revocation list  CN=b  2026-01-01 00:00 UTC   over\n"));
  CHECK(has(text, "warning\n  SKO-IKE-090: own certificate expires soon\n"));
  CHECK(has(text, "no IKE proposal in common\n"));
  CHECK(has(text, "aes128gcm16  "));
  CHECK_FALSE(has(text, "\x1b"));
  CHECK(has(text, "not proven who he is\n  SKO-IKE-004: peer failed to authenticate\n"));
  CHECK(has(text, "child voice is down\n"));
  CHECK(has(text, "hint: look there\n"));
}

TEST_CASE("counters leave zeros out unless all are wanted") {
  const json counters = {{"drops", {{"esp-replay", 7}, {"esp-padding", 0}}},
                         {"ports", {{"wan", {{"rx_packets", 0}}}}},
                         {"child_sas",
                          {{{"tunnel", "tokyo"},
                            {"inbound_spi", "8001"},
                            {"outbound_spi", "9001"},
                            {"in", {{"packets", 5}}},
                            {"out", {{"packets", 0}}}}}}};
  const std::string some = counters_text(counters, false);
  CHECK(has(some, "esp-replay"));
  CHECK(has(some, "tokyo in 8001"));
  CHECK_FALSE(has(some, "esp-padding"));
  CHECK_FALSE(has(some, "wan"));
  CHECK(has(counters_text(counters, true), "esp-padding"));
  CHECK(counters_text(json::object(), false) == "every counter is zero\n");
}

TEST_CASE("a list that comes in parts is the same text as one that comes whole") {
  const json whole = {{{"a", "é\x1b"}}, {{"b", {1, 2}}}, json::object()};
  ListText list;
  CHECK(ListText().text() == dumped(json::array()));
  list.add(json::array({whole[0], whole[1]}));
  list.add(json::array());
  list.add(json::array({whole[2]}));
  CHECK(std::move(list).text() == dumped(whole));
}

TEST_CASE("status, routes, neighbours and ports read at a glance") {
  const std::string status =
      status_text({{"version", "9.9"},
                   {"up_seconds", 100},
                   {"dataplane", {{"connected", true}, {"connected_seconds", 90}, {"workers", 2}}},
                   {"tunnels", {{"up", 1}, {"total", 2}}},
                   {"handshakes", {{"waiting", 3}, {"dropped", 7}}},
                   {"zebra",
                    {{"state", "synchronized"},
                     {"release", "8.4"},
                     {"routes", 12},
                     {"stale_routes", 3},
                     {"left_out_routes", 4},
                     {"own_routes", 2},
                     {"own_installed", 1}}},
                   {"last_errors", {last_error}}});
  CHECK(has(status, "connected for 1m30s, workers: 2"));
  CHECK(has(status, "1 of 2 up"));
  CHECK(has(status, "3 waiting, 7 dropped"));
  CHECK_FALSE(has(status, "NOT RESPONDING"));
  CHECK(has(status_text({{"dataplane", {{"connected", true}, {"responding", false}}}}), "NOT RESPONDING"));
  CHECK(has(status, "SKO-IKE-001"));
  CHECK(has(status, "synchronized with FRR 8.4, 12 routes (3 stale), 4 LEFT OUT, own: 1 of 2 installed"));
  CHECK(has(routes_text({{{"prefix", "0.0.0.0/0"}, {"action", "adjacency"}, {"via", "10.9.1.254"}, {"distance", 20}}}),
            "0.0.0.0/0  adjacency  -          10.9.1.254                20       -  -"));
  const json hops = {{{"action", "tunnel"}, {"interface", "vti0"}, {"via", nullptr}, {"weight", 3}}};
  CHECK(has(routes_text({{{"prefix", "10.3.0.0/24"}, {"action", "multipath"}, {"hops", hops}}}),
            "             tunnel     vti0       -         3"));
  CHECK(has(bgp_text("summary", {{{"neighbour", "169.254.1.2"},
                                  {"family", "ipv4"},
                                  {"remote_as", 65002},
                                  {"state", "Established"},
                                  {"up_seconds", 74},
                                  {"received", 2},
                                  {"sent", nullptr}}}),
            "169.254.1.2  ipv4    65002  Established  1m14s         2     -"));
  CHECK(has(bgp_text("received", {{{"neighbour", "169.254.1.2"},
                                   {"prefix", "10.2.0.0/24"},
                                   {"best", true},
                                   {"next_hop", "169.254.1.2"},
                                   {"origin", "IGP"},
                                   {"as_path", "65002 \x1b"}}}),
            "169.254.1.2  10.2.0.0/24  yes   169.254.1.2       -           -  IGP     65002 \\u{1b}"));
  CHECK(has(neighbours_text({{{"address", "10.9.1.254"}, {"mac", "02:00:00:00:00:01"}}}), "02:00:00:00:00:01"));
  CHECK(has(ports_text({{{"name", "wan"}, {"present", false}}}), "absent"));
  CHECK(has(ports_text({{{"name", "wan"}, {"present", true}, {"link", "up"}, {"counters", {{"rx_packets", 1000}}}}}),
            "1,000 / -"));
}

TEST_CASE("plans and configuration errors are listed") {
  CHECK(changes_text(json::array()) == "nothing to change\n");
  const json changes = {{{"kind", "add"}, {"pointer", "/ports/dmz"}, {"before", nullptr}, {"after", {{"mtu", 1500}}}},
                        {{"kind", "change"}, {"pointer", "/tunnels/t/ike/lifetime"}, {"before", 28800}, {"after", 600}},
                        {{"kind", "remove"}, {"pointer", "/tunnels/\x1b"}, {"before", "x"}, {"after", nullptr}}};
  CHECK(changes_text(changes) ==
        "+ /ports/dmz  {\"mtu\":1500}\n~ /tunnels/t/ike/lifetime  28800 -> 600\n- /tunnels/\\u{1b}  \"x\"\n");
  json error = last_error;
  error["pointer"] = "/tunnels/tokyo";
  CHECK(has(config_errors_text(list(error)), "/tunnels/tokyo\n  SKO-IKE-001"));
  CHECK(has(config_errors_text(list(error)), "not valid: 1 error\n"));
}

TEST_CASE("the catalogue becomes a page") {
  const json entry = {{"id", "SKO-IKE-001"}, {"severity", "error"}, {"title", "t"}, {"cause", "c."}, {"remedy", "r."}};
  CHECK(has(catalogue_markdown(list(entry)), "## SKO-IKE-001: t\n\nc.\n\n*Remedy:* r.\n"));
  CHECK(has(catalogue_text(list(entry)), "SKO-IKE-001  error     t"));
}

TEST_CASE("a group is a table of its tunnels, the first line with its name") {
  const json group = {
      {"name", "cloud"},
      {"leader", "osaka"},
      {"carriers", {"osaka"}},
      {"led_seconds", 9},
      {"preferred", "osaka"},
      {"routes", {"10.64.0.0/10"}},
      {"mode", "standby"},
      {"hold_down", 30},
      {"fail_back", "automatic"},
      {"tunnels",
       {{{"tunnel", "tokyo"}, {"state", "usable again"}, {"usable_seconds", 4}, {"returns_in_seconds", 26}},
        {{"tunnel", "osaka"},
         {"state", "leads"},
         {"weight", 3},
         {"usable_seconds", 80},
         {"returns_in_seconds", nullptr}}}}};
  CHECK(groups_text(list(group)) ==
        "NAME   TUNNEL  STATE             WEIGHT  USABLE FOR  RETURNS IN\n"
        "cloud  tokyo   usable again           -          4s         26s\n"
        "       osaka   leads, preferred       3       1m20s           -\n");
  CHECK(has(group_details_text(list(group)), "hold-down  30s"));
  CHECK(groups_text(json::array()) == "none\n");
}

TEST_CASE("a tunnel that fails its probe says so") {
  json probed = tunnel;
  probed["state"] = "up";
  probed["probe"] = {{"state", "failing"}, {"protocol", "udp"}, {"target", "169.254.1.2"},
                     {"port", 7},          {"sent", 9},         {"answered", 5}};
  CHECK(has(tunnels_text(list(probed)), "up (probe fails)"));
  CHECK(has(tunnel_details_text(list(probed)), "failing, udp to 169.254.1.2 port 7, 5 of 9 answered"));
  probed["probe"] = {{"state", "failing"},
                     {"protocol", "bfd"},
                     {"target", "169.254.1.2"},
                     {"session", "down"},
                     {"reason", "169.254.1.2 on vti0: down, path down"}};
  CHECK(has(tunnel_details_text(list(probed)),
            "failing (169.254.1.2 on vti0: down, path down), bfd with 169.254.1.2, session down"));
  const json group = {{"name", "cloud"},
                      {"tunnels",
                       {{{"tunnel", "tokyo"}, {"state", "unusable"}, {"probe", probed["probe"]}},
                        {{"tunnel", "osaka"}, {"state", "leads"}, {"probe", nullptr}}}}};
  CHECK(has(groups_text(list(group)), "\ntokyo: probe by bfd is failing: 169.254.1.2 on vti0: down, path down\n"));
  probed["probe"]["state"] = "unheard";
  probed["probe"]["session"] = nullptr;
  CHECK(has(tunnel_details_text(list(probed)), "bfd with 169.254.1.2, no session"));
}

TEST_CASE("security groups: rules, counts and what was denied") {
  const json denial = {{"age_seconds", 2.5},        {"interface", "lan"},     {"direction", "in"},
                       {"protocol", "tcp"},         {"source", "10.1.0.2"},   {"source_port", 1000},
                       {"destination", "10.2.0.2"}, {"destination_port", 22}, {"reason", "no-rule"}};
  const json group = {
      {"name", "office"},
      {"in", json::array({{{"protocol", "tcp"}, {"remote", {"10.1.0.0/24"}}, {"ports", {"443", "8000-8100"}}},
                          {{"protocol", "icmp"}, {"type", 8}, {"note", "ping"}}})},
      {"out", json::array()},
      {"interfaces", {"lan", "vti0"}},
      {"filters", json::array({{{"groups", {"office"}},
                                {"interfaces", {"lan", "vti0"}},
                                {"in", {{"flow_packets", 1234}, {"rule_packets", 5}, {"denied_packets", 6}}},
                                {"out", nullptr},
                                {"denials", {denial}}}})},
      {"flows", {{"used", 12}, {"places", 1048576}}}};
  CHECK(security_groups_text(list(group)) ==
        "NAME    RULES IN  RULES OUT  INTERFACES  DENIED IN  DENIED OUT\n"
        "office         2          0  lan, vti0           6           0\n"
        "\nflows of all groups: 12, room for 1,048,576\n");
  CHECK(security_groups_text(json::array()) == "none\n");
  const std::string text = security_group_details_text(list(group));
  CHECK(has(text, "in   tcp       10.1.0.0/24  any    443, 8000-8100"));
  CHECK(has(text, "in   icmp      any          any    type 8          ping"));
  CHECK(has(text, "out  none"));
  CHECK(has(text, "in     1,234        5       6"));
  CHECK(has(text, "2.5s ago  lan        in  tcp       10.1.0.2 1000  10.2.0.2 22  no-rule"));
  CHECK_FALSE(has(text, "not in force"));
  json refused = group;
  refused["refusal"] = {{"id", "SKO-DPL-001"}, {"title", "refused"}, {"cause", "because"}, {"remedy", "mend it"}};
  CHECK(has(security_group_details_text(list(refused)), "not in force"));
  CHECK(has(security_groups_text(list(refused)), "SKO-DPL-001"));
}

}  // namespace sekisho::cli
