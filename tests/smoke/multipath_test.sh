# Two ways to the other side, by two ports: `ip route add ... nexthop ... nexthop ...`, and the same by nexthop objects.
# Flows are shared out by weight, each keeps its way, and those of a way that goes move to the other.
source "$(dirname "$0")/lab.sh"
FLOWS=200 FIRST_PORT=20000 PORT=7000

lab_up sekisho strongswan
wire net to-a2 a wan2-wire
deafen a wan2-wire
address net to-a2 10.9.3.254/24
for interface in to-a to-a2; do on net sysctl -qw "net.ipv6.conf.$interface.disable_ipv6=0"; done
address net to-a fd00:9:1::fe/64
address net to-a2 fd00:9:3::fe/64
on net sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.to-a2.rp_filter=0 net.ipv6.conf.all.forwarding=1
on net ip route add 10.2.0.0/24 via 10.9.2.2
on net nft -f - <<.
table inet paths {
  set first { type inet_service; flags dynamic; }
  set second { type inet_service; flags dynamic; }
  counter arrived { }
  chain arrival {
    type filter hook prerouting priority 0
    udp dport $PORT counter name arrived
    iifname to-a udp dport $PORT add @first { udp sport }
    iifname to-a2 udp dport $PORT add @second { udp sport }
  }
}
.

# flows_by SET: the source ports that came that way, one a line.
flows_by() {
  on net nft -j list set inet paths "$1" | jq -r '.nftables[] | .set? // empty | .elem // [] | .[]' | sort -n
}
arrived() { on net nft -j list counter inet paths arrived | jq '.nftables[] | .counter? // empty | .packets'; }
arrived_at_least() { [ "$(arrived)" -ge "$1" ]; }

# A line of its input is a number of packets to send, each of the flow after the last one's.
SENDER='
import itertools, socket, sys
address, port, first, flows = sys.argv[1], *map(int, sys.argv[2:])
family = socket.AF_INET6 if ":" in address else socket.AF_INET
sockets = [socket.socket(family, socket.SOCK_DGRAM) for _ in range(flows)]
for source, each in enumerate(sockets, first):
    each.bind(("", source))
turns = itertools.cycle(sockets)
for line in sys.stdin:
    for each in itertools.islice(turns, int(line)):
        each.sendto(b"which way", (address, port))
'

# send FAMILY: three packets of each flow; WAY1 and WAY2 are the files with the flows that each way carried. The next fifty
# go once the last ones are there, for a port that nobody reads has room for 512.
send() {
  local before count
  WAY1=$LAB_DIR/way1.$1 WAY2=$LAB_DIR/way2.$1
  on net nft flush set inet paths first
  on net nft flush set inet paths second
  before=$(arrived)
  for ((count = 0; count < 3 * FLOWS; count += 50)); do
    echo 50
    await 5 "IPv$1 packets to arrive" arrived_at_least $((before + count + 50))
  done | on left "$PYTHON" -c "$SENDER" "$(host_address right "$1")" "$PORT" "$FIRST_PORT" "$FLOWS"
  flows_by first >"$WAY1"
  flows_by second >"$WAY2"
  equal "IPv$1: flows by one way and the other" "$FLOWS" "$(cat "$WAY1" "$WAY2" | wc -l)"
  equal "IPv$1: flows that took both ways" 0 "$(comm -12 <(sort "$WAY1") <(sort "$WAY2") | wc -l)"
}

# shared FAMILY LEAST MOST: of the flows, so many by the first way (more than five standard deviations to either side, for
# the hash has another seed each time); all sent twice.
shared() {
  local count once
  send "$1"
  once=$(cat "$WAY1")
  count=$(wc -l <"$WAY1")
  at_least "IPv$1: flows by the first way" "$2" "$count"
  at_least "IPv$1: flows by the second way" $((FLOWS - $3)) "$((FLOWS - count))"
  send "$1"
  expect "IPv$1: each keeps its way" test "$once" = "$(cat "$WAY1")"
}

prefix() { if [ "$1" = 6 ]; then echo fd00:2::/64; else echo 10.2.0.0/24; fi; }
# ways FAMILY: as 'wan 3, wan2 1'; for a single way its interface.
ways() {
  sekisho a show route "$(prefix "$1")" --json |
    jq -r '.[] | if .action == "multipath" then [.hops[] | "\(.interface) \(.weight)"] | join(", ") else .interface end'
}
ways_are() { [ "$(ways "$1")" = "$2" ]; }
await_ways() {
  await 5 "the ways of IPv$1 to be '$2'" ways_are "$1" "$2"
  await 5 'gateways to be resolved' resolved "$1"
}
resolved() { sekisho a show route "$(prefix "$1")" --json | jq -e '.[].hops | all(.action == "adjacency")'; }

WITH_WAN2='.ports.wan2 = { device: "net_af_packet2,iface=wan2-wire", addresses: ["10.9.3.1/24", "fd00:9:3::1/64"] }'
WITHOUT_WAN2='.ports.wan.addresses += ["fd00:9:1::1/64"] | .tunnels = {}'
two_ways() {
  on a ip route replace 10.2.0.0/24 nexthop via 10.9.1.254 dev wan nexthop via 10.9.3.254 dev wan2
  on a ip -6 route replace fd00:2::/64 nexthop via fd00:9:1::fe dev wan nexthop via fd00:9:3::fe dev wan2
  for family in 4 6; do await_ways $family 'wan 1, wan2 1'; done
}

has_addresses() { [ "$(on a ip -o address show scope global | grep -c '10\.9\.\|fd00:9:')" = 4 ]; }

step 'two ways of the same weight'
sekisho_start a "$WITHOUT_WAN2" "$WITH_WAN2"
await 5 'addresses of the ports' has_addresses
two_ways
for family in 4 6; do shared $family 64 136; done
sekisho a show route 10.2.0.0/24

step 'one way goes, with its interface or, as the kernel would then drop all of an IPv4 route, before it: its flows move'
before4=$(cat "$LAB_DIR/way1.4") before6=$(cat "$LAB_DIR/way1.6")
on a ip route replace 10.2.0.0/24 via 10.9.1.254 dev wan
sekisho_apply a "$WITHOUT_WAN2"
for family in 4 6; do
  await 5 "the second way of IPv$family to go" ways_are $family wan
  send $family
  equal "IPv$family: flows by the first way" "$FLOWS" "$(wc -l <"$WAY1")"
done

step 'it is back: they are shared out as they were'
sekisho_apply a "$WITHOUT_WAN2" "$WITH_WAN2"
await 20 'the port' ports_present a
await 5 'addresses of the ports' has_addresses
two_ways
for family in 4 6; do send $family; done
expect 'IPv4: as it was' test "$before4" = "$(cat "$LAB_DIR/way1.4")"
expect 'IPv6: as it was' test "$before6" = "$(cat "$LAB_DIR/way1.6")"

step 'weights; a way that is withdrawn moves its own flows only'
on a ip route replace 10.2.0.0/24 nexthop via 10.9.1.254 dev wan weight 3 nexthop via 10.9.3.254 dev wan2 weight 1
await_ways 4 'wan 3, wan2 1'
shared 4 116 184
on a ip route replace 10.2.0.0/24 via 10.9.3.254 dev wan2
await 5 'one way to be left' ways_are 4 wan2
send 4
equal 'IPv4: flows by the second way' "$FLOWS" "$(wc -l <"$WAY2")"

step 'nexthop objects'
on a ip route delete 10.2.0.0/24
on a ip nexthop add id 1 via 10.9.1.254 dev wan
on a ip nexthop add id 2 via 10.9.3.254 dev wan2
on a ip nexthop add id 10 group 1,1/2,4
on a ip route add 10.2.0.0/24 nhid 10
await_ways 4 'wan 1, wan2 4'
shared 4 9 71
on a ip nexthop replace id 10 group 1,4/2,1
await_ways 4 'wan 4, wan2 1'
on a ip nexthop delete id 1
await 5 'the first way to go' ways_are 4 wan2
send 4
equal 'IPv4: flows by the second way' "$FLOWS" "$(wc -l <"$WAY2")"
