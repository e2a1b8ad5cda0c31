# Two customers behind one pair of gateways, each in a VRF of its own with the same addresses, and everything that they
# send goes into their tunnel: the VRFs' default routes take neither IKE's packets nor ESP's with them.
#
#    left   10.1.0.2 -- VRF red  a === b  VRF red  -- 10.2.0.2 right         tunnel 10.9.1.1  === 10.9.2.2
#    left2  10.1.0.2 -- VRF blue a === b  VRF blue -- 10.2.0.2 right2        tunnel 10.9.1.33 === 10.9.2.33
#
# Who answers shows by the TTL: right's packets begin with 64, right2's with 50.
source "$(dirname "$0")/lab.sh"
DATAPLANE_ARGUMENTS="--memory 1024 --vrfs 2 ${DATAPLANE_ARGUMENTS:-}"
lab_places=(left left2 a a-red a-blue net b b-red b-blue right right2)

# What differs from the laboratory's one tunnel, as the jq filter of sekisho_config.
vrfs() {
  local side=$1
  cat <<JQ
  .vrfs = {"$LAB-$side-red": {guards: ["0.0.0.0/0", "::/0"]}, "$LAB-$side-blue": {guards: ["0.0.0.0/0", "::/0"]}}
  | .ports.lan.vrf = "$LAB-$side-red"
  | .ports.lan2 = (.ports.lan | .device = "net_af_packet2,iface=lan2-wire" | .vrf = "$LAB-$side-blue")
  | .ports.wan.addresses += [(\$wan | sub("[0-9]+$"; "33")) + "/24"]
  | del(.tunnels.tokyo.selectors) | .tunnels.tokyo.routes = ["0.0.0.0/0", "::/0"] | del(.tunnels.tokyo.interface.mtu)
  | .tunnels.osaka = .tunnels.tokyo | .tunnels.osaka.interface.name = "vti1"
  | .tunnels.osaka.local.address |= sub("[0-9]+$"; "33") | .tunnels.osaka.remote.address |= sub("[0-9]+$"; "33")
  | .tunnels.tokyo.interface.vrf = "$LAB-$side-red" | .tunnels.osaka.interface.vrf = "$LAB-$side-blue"
JQ
}

both_up() { sekisho "$1" show tunnel --json | jq -e 'length == 2 and all(.[]; .state == "up")'; }
# ttl_of HOST ADDRESS [ARGS...]: how many of five pings were answered, and with which TTLs.
ttl_of() {
  local host=$1 address=$2 answer
  shift 2
  answer=$(on "$host" ping -n -c 5 -l 5 -i 2 -W 2 -p "$MARKER_HEX" "$@" "$address") || :
  echo "$(grep -c ttl= <<<"$answer") $(sed -nE 's/.* ttl=([0-9]+) .*/\1/p' <<<"$answer" | sort -u | xargs)"
}
action_of() { sekisho a show route "$LAB-a-$1" --json | jq -r --arg prefix "$2" '.[] | select(.prefix == $prefix).action'; }
usable() { sekisho a show vrf "$LAB-a-$1" --json | jq -e '.[0].usable'; }
spi_of() { sekisho "$1" show child-sa tokyo --json | jq -r '.[0].outbound_spi'; }

lab_up sekisho sekisho
for side in a b; do
  host=$([ "$side" = a ] && echo left2 || echo right2)
  HOST[$side]=$host
  wire "$host" eth0 "$side" lan2-wire
  on "$side" nft delete table netdev deaf
  deafen "$side" lan-wire lan2-wire wan-wire
  address "$host" eth0 "${LAN4[$side]}.2/24" "${LAN6[$side]}:2/64"
  on "$host" ip route add default via "${LAN4[$side]}.1"
  on "$host" ip -6 route add default via "${LAN6[$side]}:1"
done
on right2 sysctl -qw net.ipv4.ip_default_ttl=50
ip netns delete "$LAB-a-blue"  # it comes later
capture_start internet net to-a
for side in a b; do sekisho_start "$side" "$(vrfs "$side")"; done
await 20 'the tunnel of red' tunnel_is a up
await 20 'both tunnels on side b' both_up b

step 'a VRF without its namespace says so, carries nothing, and is taken up once it is there'
expect 'the tunnel in it is not up' eval '[ "$(sekisho a show tunnel osaka --json | jq -r ".[0].state")" != up ]'
equal 'red' '5 62' "$(ttl_of left 10.2.0.2)"
equal 'blue' '0 ' "$(ttl_of left2 10.2.0.2)"
if sekisho a status >"$LAB_DIR/status.out"; then fail 'the status says that all is well'; fi
expect 'the message' grep -q "SKO-RTG-040.*$LAB-a-blue" "$LAB_DIR/status.out"
sekisho a show vrf
ip netns add "$LAB-a-blue"
on a-blue ip link set lo up
await 10 'blue to be usable' usable blue
await 5 'the default route of blue' eval '[ "$(action_of blue 0.0.0.0/0)" = tunnel ]'
await 5 'answers in blue' eval '[ "$(ttl_of left2 10.2.0.2)" = "5 48" ]'
expect 'the status says that all is well' sekisho a status

step 'the same addresses twice, and each customer reaches its own'
for family in 4 6; do ping_sizes left "$family" 64 1300; done
equal 'red answers' '5 62' "$(ttl_of left 10.2.0.2)"
equal 'blue answers' '5 48' "$(ttl_of left2 10.2.0.2)"
equal "the gateway's own address in red" '5 64' "$(ttl_of left 10.1.0.1)"
equal "the gateway's own address in blue" '5 64' "$(ttl_of left2 10.1.0.1)"
equal "the far gateway's own address in blue" '5 63' "$(ttl_of left2 10.2.0.1)"
equal 'a packet too big for the tunnel, not to be fragmented: answers' '0 ' "$(ttl_of left2 10.2.0.2 -M do -s 1472)"
expect 'its sender was told' eval "on left2 ip route get 10.2.0.2 | grep -q 'mtu 14'"
sekisho a show vrf
sekisho a show route 10.2.0.2
tcp_both_ways 4 5

step 'IKE is not in the VRFs: a rekey goes on'
before=$(spi_of a)
ping_in_background left 4 100 0.02
expect 'rekey' sekisho a tunnel rekey tokyo
await 10 'another SA' eval '[ "$(spi_of a)" != "$before" ]'
ping_wait
equal 'pings lost' 0 "$PING_LOST"

step 'control is killed and comes back: nothing is lost, in either VRF'
ping_in_background left 4 200 0.02
echoes_lost left2 10.2.0.2 200 0.02 >"$LAB_DIR/blue.lost" &
blue=$!
killed "${CONTROL_PID[a]}"
control_start a
await 10 'its tunnels' both_up a
ping_wait
wait "$blue"
equal 'pings lost in red' 0 "$PING_LOST"
equal 'pings lost in blue' 0 "$(cat "$LAB_DIR/blue.lost")"

step 'the dataplane is killed and comes back'
killed "${DATAPLANE_PID[a]}"
dataplane_start a
await 20 'the ports' ports_present a
await 20 'both tunnels' both_up a
await 10 'the default route of red' eval '[ "$(action_of red 0.0.0.0/0)" = tunnel ]'
await 10 'answers in red' eval '[ "$(ttl_of left 10.2.0.2)" = "5 62" ]'
await 10 'answers in blue' eval '[ "$(ttl_of left2 10.2.0.2)" = "5 48" ]'

step 'the two hosts of side a change places by another configuration, and back'
swapped="$(vrfs a) | .ports |= (.lan.vrf as \$vrf | .lan.vrf = .lan2.vrf | .lan2.vrf = \$vrf)"
sekisho_apply a "$swapped"
await 5 'red to answer left2' eval '[ "$(ttl_of left2 10.2.0.2)" = "5 62" ]'
await 5 'blue to answer left' eval '[ "$(ttl_of left 10.2.0.2)" = "5 48" ]'
sekisho_apply a "$(vrfs a)"
await 5 'red to answer left' eval '[ "$(ttl_of left 10.2.0.2)" = "5 62" ]'
await 5 'blue to answer left2' eval '[ "$(ttl_of left2 10.2.0.2)" = "5 48" ]'
expect 'both tunnels have stayed' both_up a

step 'a tunnel is down: what is for it goes nowhere, also not by the other'
capture_start down net to-a
sekisho a tunnel down tokyo
await_tunnel a down
await 5 'the guard of red' eval '[ "$(action_of red 0.0.0.0/0)" = drop ]'
equal 'red is silent' '0 ' "$(ttl_of left 10.2.0.2)"
equal 'blue answers' '5 48' "$(ttl_of left2 10.2.0.2)"
capture_stop down
expect_sealed down
expect 'up again' sekisho a tunnel up tokyo --timeout 20

step "a VRF's namespace is made anew: what was in the old one is made again"
ip netns delete "$LAB-a-blue"
ip netns add "$LAB-a-blue"
await 10 'the twins in the new one' eval "on a-blue ip link show vti1 && on a-blue ip link show lan2"
await 20 'both tunnels' both_up a
await 10 'answers in blue' eval '[ "$(ttl_of left2 10.2.0.2)" = "5 48" ]'
equal 'red answers' '5 62' "$(ttl_of left 10.2.0.2)"

step 'the same while control is away'
killed "${CONTROL_PID[a]}"
ip netns delete "$LAB-a-blue"
ip netns add "$LAB-a-blue"
control_start a
await 10 'the twins in the new one' eval "on a-blue ip link show vti1 && on a-blue ip link show lan2"
await 20 'both tunnels' both_up a
await 10 'answers in blue' eval '[ "$(ttl_of left2 10.2.0.2)" = "5 48" ]'
equal 'red answers' '5 62' "$(ttl_of left 10.2.0.2)"

step 'another interface has the name of a twin: it is left alone, and nothing leaves by it'
sekisho_apply a "$(vrfs a)" 'del(.tunnels.osaka)'
await 5 'the twin to go' eval "! on a-blue ip link show vti1"
on a-blue ip link add vti1 type veth peer name unused
sekisho_apply a "$(vrfs a)"
await 15 'the tunnel' both_up a
await 5 'the message' grep -q "SKO-RTG-001.*move of vti1 to VRF $LAB-a-blue" "$LAB_DIR/a/control.log"
refusals() { sekisho a status --json | jq '[.last_errors[] | select(.id == "SKO-RTG-001")] | length'; }
equal 'refusals of the kernel in the status' 1 "$(refusals)"
equal 'blue is silent' '0 ' "$(ttl_of left2 10.2.0.2)"
equal "the namesake's link" down "$(on a-blue ip -j link show vti1 | jq -r '.[0].flags | if index("UP") then "up" else "down" end')"
on a-blue ip link delete vti1
await 10 'answers in blue' eval '[ "$(ttl_of left2 10.2.0.2)" = "5 48" ]'
await 5 'the status to have no refusal any more' eval '[ "$(refusals)" = 0 ]'

# What the front door forwards from here on is not sealed.
capture_stop internet
expect_sealed internet

step 'blue goes while control is away: its port and its tunnel are in the front door'
killed "${CONTROL_PID[a]}"
front='del(.vrfs[.ports.lan2.vrf]) | del(.ports.lan2.vrf, .tunnels.osaka.interface.vrf) | .tunnels.osaka.routes = ["10.77.0.0/16"]
  | .ports.lan2.addresses = ["10.78.0.1/24"]'
sekisho_config a "$(vrfs a)" "$front"
control_start a
await 20 'both tunnels' both_up a
await 5 'the twins in the front door' eval "on a ip link show vti1 && on a ip -4 address show lan2 | grep -q 10.78.0.1"
equal 'red answers' '5 62' "$(ttl_of left 10.2.0.2)"
sekisho_apply a "$(vrfs a)"
await 10 'answers in blue' eval '[ "$(ttl_of left2 10.2.0.2)" = "5 48" ]'

step 'blue goes while control is there: nothing stays behind'
sekisho_apply a "$(vrfs a)" "$front"
await 5 'no route of this gateway in the namespace' eval '[ -z "$(on a-blue ip route show proto 94)" ]'

step 'errors in the configuration'
sekisho_config a "$(vrfs a)" '.ports.lan.vrf = "green"'
if sekisho a config check "$LAB_DIR/a/sekisho.json" >"$LAB_DIR/check.out" 2>&1; then fail 'a VRF that is not there is taken'; fi
expect 'the message' grep -q SKO-CFG-090 "$LAB_DIR/check.out"
