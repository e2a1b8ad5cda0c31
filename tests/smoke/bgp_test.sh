# BGP through a tunnel, two gateways with FRR beside each: 8.4 on one side and 10.3, which numbers its messages
# differently, on the other. Neither configuration names the other side's network; BGP brings it, and takes it away.
source "$(dirname "$0")/lab.sh"
lab_up sekisho sekisho

declare -A AS=([a]=65001 [b]=65002) INSIDE=([a]=169.254.1.1 [b]=169.254.1.2) INSIDE6=([a]=fd00:0:0:1::1 [b]=fd00:0:0:1::2)
declare -A RELEASE=([a]=8.4 [b]=10.3)
declare -A BEHIND=([a]=10.66.1.0/24 [b]=10.66.2.0/24)  # what a tunnel of each side leads to, but for the other side's network
all='["0.0.0.0/0", "::/0"]'
tunnel=".tokyo.selectors = {local: $all, remote: $all} | .frr = {} | .guards = [\"10.0.0.0/14\"]"
# of_side SIDE: what else the configuration of that side has.
of_side() { echo ".tokyo.routes = [\"${BEHIND[$1]}\"] | .tunnels.tokyo.interface.addresses += [\"${INSIDE6[$1]}/126\"]"; }

bgp_up() {
  local side=$1 other=${OTHER[$1]}
  frr_prepare "$side" "${RELEASE[$side]}"
  cat >"$LAB_DIR/$side-frr/bgpd.conf" <<END
router bgp ${AS[$side]}
 bgp router-id ${WAN[$side]}
 bgp graceful-restart
 bgp graceful-restart preserve-fw-state
 no bgp ebgp-requires-policy
 no bgp network import-check
 timers bgp 3 9
 neighbor ${INSIDE[$other]} remote-as ${AS[$other]}
 neighbor ${INSIDE[$other]} timers connect 1
 neighbor ${INSIDE6[$other]} remote-as ${AS[$other]}
 neighbor ${INSIDE6[$other]} timers connect 1
 address-family ipv4 unicast
  no neighbor ${INSIDE6[$other]} activate
  network ${LAN4[$side]}.0/24
  redistribute babel
 exit-address-family
 address-family ipv6 unicast
  neighbor ${INSIDE6[$other]} activate
  network ${LAN6[$side]}:/64
 exit-address-family
END
  zebra_start "$side"
  bgpd_start "$side"
}
bgpd_start() { frr_start "$1" bgpd; }
zebra_start() { frr_start "$1" zebra -s 212992 -r -K 60; }
zebra_is() { [ "$(sekisho "$1" status --json | jq -r .zebra.state)" = "$2" ]; }
own_installed() { [ "$(sekisho "$1" status --json | jq .zebra.own_installed)" = "$2" ]; }

# route SIDE ADDRESS: who made the route that the data path takes, and where it leads.
route() { sekisho "$1" show route "$2" --json | jq -r '.[0] | "\(.origin) \(.distance) \(.action) \(.interface)"'; }
route_is() { [ "$(route "$1" "$2")" = "$3" ]; }
by_bgp() { route_is "$1" "$(host_address "${HOST[${OTHER[$1]}]}" "$2")" 'bgp 20 tunnel vti0'; }
learnt() { by_bgp "$1" 4 && by_bgp "$1" 6; }
forgotten() { ! by_bgp "$1" 4 && ! by_bgp "$1" 6; }

# bgp_of SIDE PREFIX: its path there, as bgpd has it; empty: none.
bgp_of() { vtysh "$1" "show bgp ipv4 unicast $2 json" | jq -r '.paths[0].aspath.string // empty'; }
bgp_is() { [ "$(bgp_of "$1" "$2")" = "$3" ]; }

# through WHAT MOST COMMAND...: pings meanwhile, prints how many were lost, and takes no more than that for right.
through() {
  local what=$1 most=$2
  shift 2
  ping_in_background left 4 500 0.02
  "$@"
  ping_wait
  say "pings lost while $what: $PING_LOST of 500"
  expect "no more than $most" test "$PING_LOST" -le "$most"
}

# What crosses the internet is captured from before the gateways start until the test ends.
capture_start internet net any
for side in a b; do
  bgp_up $side
  sekisho_launch $side "$tunnel" "$(of_side $side)"
done
BGPD_STARTED=$SECONDS
for side in a b; do
  await 20 "Sekisho's ports on side $side" ports_present $side
  await_tunnel $side up
  await 10 "the session with zebra on side $side" zebra_is $side synchronized
done
equal 'releases' '8.4 10.3' "$(for side in a b; do sekisho $side status --json | jq -r .zebra.release; done | xargs)"

step 'the other side is learnt, and traffic follows'
for side in a b; do await 20 "the route to the other side on $side" learnt $side; done
for family in 4 6; do
  equal "pings lost from left, IPv$family" 0 "$(ping_lost left $family 50 0.02)"
  equal "pings lost from right, IPv$family" 0 "$(ping_lost right $family 50 0.02)"
done
tcp_both_ways 4 10

step "a tunnel's own prefix is announced while the tunnel is up"
for side in a b; do
  equal "the route on $side" 'tunnel 1 tunnel vti0' "$(route $side "${BEHIND[$side]%0/24}9")"
  await 10 "zebra to have installed it on $side" own_installed $side 1
  await 10 "the announcement on the other side of $side" bgp_is ${OTHER[$side]} "${BEHIND[$side]}" "${AS[$side]}"
done

# Both sessions stand, and each end has said all that it knows (RFC 4724): no route is left that is only kept.
sessions_settled() {
  vtysh "$1" 'show bgp neighbors json' | jq -e '[.[] | objects] | length == 2 and all(.[]; .bgpState == "Established" and
    (.gracefulRestartInfo | [.endOfRibSend[], .endOfRibRecv[]] | length == 2 and all))'
}
both_learnt() {
  for side in a b; do
    await 30 "zebra on side $side" zebra_is $side synchronized
    await 60 "the sessions of BGP on side $side" sessions_settled $side
    await 30 "the route to the other side on $side" learnt $side
  done
  for family in 4 6; do equal "pings lost afterwards, IPv$family" 0 "$(ping_lost left $family 20 0.02)"; done
}

step 'the tunnel goes down: nothing leads into it, and nothing is announced'
expect 'tunnel down' sekisho a tunnel down tokyo
await 5 'zebra to lose our route' own_installed a 0
await 5 'the guard' route_is a "${BEHIND[a]%0/24}9" 'guard null drop null'
for address in "${INSIDE[b]}" "${INSIDE6[b]}"; do
  equal "the guard of the tunnel's own network" 'guard null drop null' "$(route a "$address")"
done
await 5 'bgpd to forget it' bgp_is a "${BEHIND[a]}" ''
await 20 'BGP to forget the other side' forgotten a
equal 'what BGP brought and is guarded' 'guard null drop null' "$(route a "${LAN4[b]}.2")"
step 'and up again'
expect 'tunnel up' sekisho a tunnel up tokyo
both_learnt
await 10 'our route in zebra' own_installed a 1

step 'a restart of control'
restart_control() {
  killed "${CONTROL_PID[a]}"
  control_start a
}
came_up() { grep -c 'tunnel tokyo: up' "$LAB_DIR/$1/control.log"; }
before=$(came_up b)
setsid ip -n "$LAB-b" monitor route >"$LAB_DIR/b/routes.log" 2>&1 &
monitor=$!
through 'control is restarted' 0 restart_control
await_tunnel a up 30
await 10 'our route in zebra' own_installed a 1
both_learnt
equal 'the tunnel was not down on the other side in between' "$before" "$(came_up b)"
stop "$monitor"
equal 'times that it was withdrawn' 0 "$(grep -c "^Deleted ${BEHIND[a]} " "$LAB_DIR/b/routes.log")"
equal 'the announcement on the other side' "${AS[a]}" "$(bgp_of b "${BEHIND[a]}")"

step "bgpd's word by the command line"
for side in a b; do
  other=${OTHER[$side]}
  equal "neighbours of $side" "${INSIDE[$other]} ${AS[$other]} Established ${INSIDE6[$other]} ${AS[$other]} Established" \
    "$(sekisho $side show bgp summary --json | jq -r '.[] | "\(.neighbour) \(.remote_as) \(.state)"' | xargs)"
  equal "what $side has received" "${LAN4[$other]}.0/24 ${BEHIND[$other]} ${LAN6[$other]}:/64" \
    "$(sekisho $side show bgp received --json | jq -r '[.[].prefix] | sort | join(" ")')"
  expect "$side has advertised its own" grep -q "${BEHIND[$side]} " <(sekisho $side show bgp advertised)
done
sekisho a show bgp received 192.0.2.1 >"$LAB_DIR/refused" 2>&1 || :
expect 'a neighbour that there is not is refused' grep -q SKO-RTG-017 "$LAB_DIR/refused"

# restart SIDE DAEMON...: killed all, and started again as they were.
restart() {
  local side=$1 daemon
  shift
  for daemon in "$@"; do killed "${FRR_PID[$side $daemon]}"; done
  for daemon in "$@"; do "${daemon}_start" "$side"; done
}
# For its first two minutes a bgpd sets the restart bit (RFC 4724 section 4.2), so that one that has just been started
# does not wait for what it has to say, and forgets its own routes for a moment.
await 125 'the bgpd on side b to set the restart bit no more' eval '[ $SECONDS -gt $((BGPD_STARTED + 122)) ]'
for what in bgpd 'zebra bgpd'; do
  step "a restart of $what, FRR ${RELEASE[a]}"
  through "$what is restarted" 0 restart a $what
  both_learnt
done
step "a restart of zebra, FRR ${RELEASE[b]}"
through 'zebra is restarted' 0 restart b zebra
both_learnt

step 'FRR goes: the kernel takes over'
sekisho_apply a "$tunnel" "$(of_side a)" '.frr = {hold_time: 1}'
both_learnt
frr_stop a bgpd
frr_stop a zebra
await 10 'what zebra left there' route_is a "${BEHIND[a]%0/24}9" 'babel null tunnel vti0'
on a ip route delete "${BEHIND[a]}" proto babel
await 10 "the tunnel's own" route_is a "${BEHIND[a]%0/24}9" 'tunnel null tunnel vti0'
equal 'zebra' connecting "$(sekisho a status --json | jq -r .zebra.state)"

capture_stop internet
equal 'packets on the internet that the capture missed' 0 "$(capture_lost internet)"
expect_sealed internet
