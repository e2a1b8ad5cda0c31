# Two tunnels between two gateways that carry at once, three quarters of the flows by `tokyo` and a quarter by `osaka`.
# One is cut, and all go on by the other; those of the other have lost nothing. Then it carries its part again. The same
# where FRR has the routes. Nothing ever leaves in clear, also when both are down.
source "$(dirname "$0")/lab.sh"
source "$SMOKE/field/proofs.sh"
source "$SMOKE/lab/two_tunnels.sh"
export MARKER
FLOWS=400 KEPT_FLOWS=150 FIRST_PORT=20000 PORT=7000
ACTIVE='.groups.far += {mode: "active", weights: {tokyo: 3, osaka: 1}}'
# Each tunnel asks for the other end of its own network.
PROBES='.tunnels |= map_values(.probe = {interval: 0.1, timeout: 0.1, loss: 3, of: 5,
    target: (.interface.addresses[0] | if test("[.]1/30") then sub("[.]1/30"; ".2") else sub("[.]2/30"; ".1") end)})'
declare -A MORE=([a]='.frr = {}' [b]=.)

carriers() { sekisho "$1" show group far --json | jq -r '.[0].carriers | join(" ")'; }
carry() { [ "$(carriers "$1")" = "$2" ]; }
await_carriers() {
  local side
  for side in a b; do await "$1" "'$2' to carry at $side" carry "$side" "$2"; done
}
# The ways of the route that the dataplane of side a has: vti0 3, vti1 1. Of zebra's the ratio alone counts.
ways() {
  sekisho a show route "$1" --json | jq -r '.[0] | if .action == "multipath"
    then (.hops | map(.weight) | min) as $least | [.hops | sort_by(.interface)[] | "\(.interface) \(.weight / $least | round)"] | join(", ")
    else .interface // .action end'
}
ways_are() { [ "$(ways "$1")" = "$2" ]; }
origin_is() { [ "$(sekisho a show route "$1" --json | jq -r '"\(.[0].origin) \(.[0].distance)"')" = "$2" ]; }

# Large packets by where they came from, as the internet sees them.
counted() { on net nft -j list counter inet shares "$1" | jq '.nftables[] | .counter? // empty | .packets'; }
echoes() {
  start right "$LAB_DIR/echo.$1" "$PYTHON" "$SMOKE/lab/flows.py" echo "$(host_address right "$1")" "$PORT"
  await_line 10 "$LAB_DIR/echo.$1" '^listening'
}
# Sizes of large packets outside, by where they came from.
sizes() { on net nft -j list set inet shares sizes | jq -c '[.nftables[] | .set? // empty | .elem // [] | .[].concat]'; }
# kept FAMILY: several packets of each flow, which are of one size; whatever has that size comes by one tunnel of each side.
kept() {
  on net nft flush set inet shares sizes
  expect "IPv$1: all of each flow is answered" on left "$PYTHON" "$SMOKE/lab/flows.py" each "$(host_address right "$1")" \
    "$PORT" "$FIRST_PORT" "$KEPT_FLOWS" 720 4 5
  local all
  all=$(sizes)
  equal "IPv$1: sizes seen, of both sides" $((2 * KEPT_FLOWS)) "$(jq length <<<"$all")"
  equal "IPv$1: tunnels of each flow" 1 "$(jq --arg a "${PRIMARY[0]} ${STANDBY[0]}" 'group_by([.[1], (.[0] as $from | $a | split(" ") | any(. == $from))])
    | map(length) | max' <<<"$all")"
  at_least "IPv$1: tunnels used" 4 "$(jq 'map(.[0]) | unique | length' <<<"$all")"
}
# shared FAMILY LEAST MOST: one packet of each flow, forth and back; so many go by tokyo, the others by osaka.
shared() {
  local each way now
  local -A before
  for each in tokyo_ab osaka_ab tokyo_ba osaka_ba; do before[$each]=$(counted "$each"); done
  expect "IPv$1: each flow is answered" on left "$PYTHON" "$SMOKE/lab/flows.py" once "$(host_address right "$1")" \
    "$PORT" "$FIRST_PORT" "$FLOWS" 700
  for way in ab ba; do
    now=$(($(counted tokyo_$way) - before[tokyo_$way]))
    equal "IPv$1: packets by both tunnels, $way" "$FLOWS" $((now + $(counted osaka_$way) - before[osaka_$way]))
    at_least "IPv$1: of them by tokyo" "$2" "$now"
    at_least "IPv$1: of them by osaka" $((FLOWS - $3)) $((FLOWS - now))
  done
}
# Five standard deviations of 400 flows to either side of 300, for the hash has another seed each time.
shared_by_weight() { shared "$1" 256 344; }

flows_start() {
  rm -f "$LAB_DIR/flows"
  start left "$LAB_DIR/flows" "$PYTHON" "$SMOKE/lab/flows.py" run "$(host_address right "${1:-4}")" "$PORT" "$FIRST_PORT" "$FLOWS"
  FLOWS_PID=$STARTED
  await_line 10 "$LAB_DIR/flows" '^running'
}
# flows_end WHAT: LOST packets, from the first to the last of which MS passed and MEANWHILE packets were sent.
flows_end() {
  flow_start left 10.2.0.2
  flow_runs
  stop "$FLOW_PID" INT
  stop "$FLOWS_PID" INT
  read -r SENT LOST MS MEANWHILE < <(tail -n 1 "$LAB_DIR/flows" | jq -r '"\(.sent) \(.lost) \(.ms) \(.meanwhile)"')
  say "measured: $1: $LOST of $SENT packets lost, of $MEANWHILE within $MS ms"
}

lab_up sekisho sekisho
on net nft -f - <<.
table inet shares {
  counter tokyo_ab { }
  counter osaka_ab { }
  counter tokyo_ba { }
  counter osaka_ba { }
  set sizes { typeof ip saddr . meta length; size 4096; flags dynamic; }
  chain passing {
    type filter hook prerouting priority 0
    ip saddr ${PRIMARY[0]} meta l4proto esp meta length > 700 counter name tokyo_ab
    ip saddr ${STANDBY[0]} meta l4proto esp meta length > 700 counter name osaka_ab
    ip saddr ${PRIMARY[1]} meta l4proto esp meta length > 700 counter name tokyo_ba
    ip saddr ${STANDBY[1]} meta l4proto esp meta length > 700 counter name osaka_ba
    meta l4proto esp meta length > 700 update @sizes { ip saddr . meta length }
  }
}
.
capture_start internet net to-a
capture_start server b lan-wire
for side in a b; do sekisho_start "$side" "$REDUNDANT" "$ACTIVE" "$PROBES"; done
await_carriers 20 'tokyo osaka'
for family in 4 6; do echoes $family; done

step 'flows are shared out by weight'
for prefix in 10.2.0.0/24 fd00:2::/64; do await 5 "the ways of $prefix" ways_are "$prefix" 'vti0 3, vti1 1'; done
sekisho a show group
sekisho a show route 10.2.0.0/24
for family in 4 6; do
  shared_by_weight $family
  kept $family
done

step 'osaka is cut: its flows go on by tokyo, which loses none'
flows_start
cut STANDBY meta l4proto esp
await_carriers 5 tokyo
flows_end 'osaka is cut'
at_least 'packets lost' 10 "$LOST"
within 'the ms in which they were sent' 1500 "$MS"
# Of the flows, 7/16 take osaka forth or back.
within 'of the packets of these ms, lost, in percent' 75 $((100 * LOST / MEANWHILE))
expect 'a message says so' grep -q 'SKO-RTG-034.*far: tokyo$' "$LAB_DIR/a/control.log"
for family in 4 6; do shared $family "$FLOWS" "$FLOWS"; done

step 'it is mended, and carries its part again after the hold-down'
flows_start
mend STANDBY
await_carriers 10 'tokyo osaka'
flows_end 'osaka is back'
equal 'packets lost' 0 "$LOST"
for family in 4 6; do shared_by_weight $family; done

step 'the operator takes tokyo out of it, and back'
flows_start 6
for side in a b; do sekisho "$side" group prefer far osaka; done
await_carriers 5 osaka
sekisho a show group
shared 4 0 0
for side in a b; do sekisho "$side" group fail-back far; done
await_carriers 5 'tokyo osaka'
flows_end 'by osaka alone for a while'
equal 'packets lost' 0 "$LOST"

step 'zebra has the route with both ways'
frr_prepare a 8.4
frr_start a zebra -s 212992 -r -K 60
flows_start
for side in a b; do sekisho_apply "$side" "$REDUNDANT" "$ACTIVE" "$PROBES" "${MORE[$side]}"; done
for prefix in 10.2.0.0/24 fd00:2::/64; do
  await 10 "zebra's word on $prefix" origin_is "$prefix" 'tunnel 1'
  await 5 "the ways of $prefix" ways_are "$prefix" 'vti0 3, vti1 1'
done
vtysh a 'show ip route 10.2.0.0/24' 'show ipv6 route fd00:2::/64'
flows_end 'FRR comes'
equal 'packets lost' 0 "$LOST"
for family in 4 6; do shared_by_weight $family; done
# From now on zebra hands the kernel each route with its ways, as it does where the kernel has no next hop objects.
vtysh a 'configure terminal' 'no zebra nexthop kernel enable'

step 'tokyo is cut'
flows_start
cut PRIMARY meta l4proto esp
await_carriers 5 osaka
for prefix in 10.2.0.0/24 fd00:2::/64; do
  await 5 "the way of $prefix" ways_are "$prefix" vti1
  await 5 "zebra's word on $prefix" origin_is "$prefix" 'tunnel 1'
done
flows_end 'tokyo is cut'
within 'the ms in which they were sent' 1500 "$MS"
for family in 4 6; do shared $family 0 0; done

step 'both are cut: nothing leaves'
cut STANDBY
await_carriers 5 ''
expect 'a message says so' grep -q SKO-RTG-031 "$LAB_DIR/a/control.log"
no_pings left 10.2.0.2
no_pings right 10.1.0.2

step 'they are mended'
flows_start
for path in PRIMARY STANDBY; do mend $path; done
await_carriers 30 'tokyo osaka'
for prefix in 10.2.0.0/24 fd00:2::/64; do await 10 "the ways of $prefix" ways_are "$prefix" 'vti0 3, vti1 1'; done
flows_end 'both are back'
# RTPROT_BABEL
zebra_ways() { on a ip -j -"$1" route show "$2" proto 42 | jq '.[].nexthops | length'; }
zebra_has_both() { [ "$(zebra_ways "$1" "$2")" = 2 ]; }
await 5 "zebra's IPv4 route in the kernel" zebra_has_both 4 10.2.0.0/24
await 5 "zebra's IPv6 route in the kernel" zebra_has_both 6 fd00:2::/64
for family in 4 6; do shared_by_weight $family; done
field_sealed bare
