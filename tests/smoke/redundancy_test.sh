# Two tunnels between two gateways as one group at each end: the second one takes over when the first one fails, and
# gives back. How long that takes is measured from packets, with dead peer detection alone and with a probe. Nothing
# ever leaves in clear, also when both are down.
source "$(dirname "$0")/lab.sh"
source "$SMOKE/field/proofs.sh"
source "$SMOKE/lab/two_tunnels.sh"

# Dead peer detection asks after a second and gives up after 0.5 + 0.75 + 1.125 + 1.6875 seconds more.
DPD_MS=5063
PROBE='(.tunnels.tokyo.interface.addresses[0] | if test("1/30") then "169.254.1.2" else "169.254.1.1" end) as $target
  | .tunnels.tokyo.probe = {target: $target, interval: 0.1, timeout: 0.1, loss: 3, of: 5}'
# From the probes on side a has FRR, and tokyo a route of its own.
declare -A MORE=([a]='.frr = {} | .tunnels.tokyo.routes = ["10.77.0.0/24"]' [b]=.)
UDP_PROBE="$PROBE"' | .tunnels.tokyo.probe += {protocol: "udp", port: 7}'

leads() { [ "$(sekisho "$1" show group far --json | jq -r '.[0].leader')" = "$2" ]; }
both_lead() { leads a "$1" && leads b "$1"; }
await_leader() { await "$1" "$2 to lead at both ends" both_lead "$2"; }
spis() { sekisho "$1" show child-sa --json | jq -c 'map(.inbound_spi) | sort'; }
answered() { [ "$(tunnel_state "$1" .probe.answered)" -ge "$2" ]; }
own_sas() { [ "$(sekisho "$1" show child-sa --json | jq length)" = 2 ]; }
probe_is() { [ "$(tunnel_state "$1" .probe.state)" = "$2" ]; }
own_route_is() { [ "$(sekisho a show route 10.77.0.1 --json | jq -r '.[0].action')" = "$1" ]; }
# zebra_leads_by INTERFACE: zebra of side a has installed its route, and ours is the only one.
zebra_leads_by() {
  [ "$(vtysh a 'show ip route 10.2.0.0/24 json' | jq -r '.[] | .[] | select(.selected) | "\(.protocol) \(.installed) \(.nexthops[].interfaceName)"')" = "babel true $1" ]
}

lab_up sekisho sekisho
capture_start internet net to-a
capture_start server b lan-wire
for side in a b; do sekisho_start "$side" "$REDUNDANT"; done
for side in a b; do await 15 "both tunnels on side $side" both_up "$side"; done
await_leader 5 tokyo

step 'the operator moves the traffic to and fro, one end after the other, and none is lost'
flow_start left 10.2.0.2
for side in a b; do
  sekisho "$side" group prefer far osaka
  flow_runs
done
for side in a b; do
  sekisho "$side" group fail-back far
  flow_runs
done
flow_end 'moved by hand'
equal 'packets lost' 0 "$FLOW_LOST"
if sekisho a group prefer far nagoya 2>"$LAB_DIR/refused"; then fail 'a tunnel that is not there leads'; fi
expect 'the refusal has its message, and says why' grep -q "SKO-RTG-032.*none of the group's tunnels" "$LAB_DIR/refused"

step 'the first path is cut: dead peer detection alone'
flow_start left 10.2.0.2
cut PRIMARY
await_leader 15 osaka
flow_end 'failover by dead peer detection'
within 'the gap in ms, with DPD after 5.1 s' $((DPD_MS + 1000)) "$FLOW_GAP"
ping_sizes right 6 100
sekisho a show group

step 'it is mended: traffic returns after the hold-down'
flow_start left 10.2.0.2
mend PRIMARY
await_leader 30 tokyo
flow_end 'return'
equal 'packets lost' 0 "$FLOW_LOST"

step 'a probe is added, and FRR on side a, and no tunnel goes down by that'
# Where both ends began at once there is one too many for a while.
await 10 'SAs of its own' own_sas a
before=$(spis a)
frr_prepare a 8.4
frr_start a zebra -s 212992 -r -K 60
flow_start left 10.2.0.2
for side in a b; do sekisho_apply "$side" "$REDUNDANT" "$PATIENT" "$PROBE" "${MORE[$side]}"; done
for side in a b; do await 5 "answers to the probe on side $side" probe_is "$side" answering; done
await 10 'zebra to lead through tokyo' zebra_leads_by vti0
flow_end 'another configuration'
equal 'packets lost' 0 "$FLOW_LOST"
equal 'the SAs' "$before" "$(spis a)"
await_leader 10 tokyo

step 'ESP gets lost on the first path and IKE does not: the probe sees it'
flow_start left 10.2.0.2
cut PRIMARY meta l4proto esp
await_leader 5 osaka
flow_end 'failover by the probe'
within 'the gap in ms' 1000 "$FLOW_GAP"
expect 'both tunnels are established all the same' both_up a
equal 'the SAs' "$before" "$(spis a)"
await 5 'zebra to lead through osaka' zebra_leads_by vti1
await 5 'the route of its own to lead nowhere' own_route_is drop
equal 'its message' SKO-RTG-033 "$(tunnel_state a .last_error.id)"
equal 'probes that fail, by the status' 1 "$(sekisho a status --json | jq .tunnels.probes_failing)"
if sekisho a status >"$LAB_DIR/status.out"; then fail 'the status says that all is well'; fi
sekisho a explain tunnel tokyo

step 'control dies and comes back meanwhile: it does not try the first path on the traffic'
flow_start left 10.2.0.2
killed "${CONTROL_PID[a]}"
control_start a
await 15 'both tunnels on side a' both_up a
await 15 'SAs of its own' own_sas a
await 5 'its probe to fail' probe_is a failing
flow_end 'another control'
equal 'packets lost' 0 "$FLOW_LOST"
await_leader 1 osaka

step 'it passes again'
flow_start left 10.2.0.2
mend PRIMARY
await_leader 10 tokyo
await 5 'zebra to lead through tokyo' zebra_leads_by vti0
await 5 'the route of its own to lead into it' own_route_is tunnel
flow_end 'return'
equal 'packets lost' 0 "$FLOW_LOST"

step "somebody deletes a tunnel's interface: it is made again, and is probed"
on a ip link delete vti0
await 5 'the message' grep -q 'SKO-RTG-042.*vti0' "$LAB_DIR/a/control.log"
await 15 'both tunnels on side a' both_up a
await 5 'answers to the probe' probe_is a answering
await_leader 10 tokyo
equal 'pings lost afterwards' 0 "$(ping_lost left 4 50 0.02)"

step 'control dies and comes back: it takes over what it finds, and nothing is lost'
flow_start left 10.2.0.2
killed "${CONTROL_PID[a]}"
control_start a
await 15 'both tunnels on side a' both_up a
await 15 'SAs of its own' own_sas a
await 5 'answers to the probe' probe_is a answering
flow_end 'another control'
equal 'packets lost' 0 "$FLOW_LOST"
await_leader 10 tokyo

step 'the same, while packets come by one tunnel and answers go by the other'
sekisho b group prefer far osaka
killed "${CONTROL_PID[a]}"
control_start a
await 15 'both tunnels on side a' both_up a
equal 'pings from the right lost' 0 "$(ping_lost right 4 240 0.05)"
sekisho b group fail-back far
await_leader 10 tokyo

step 'over UDP only an echo is an answer, and not the news that nobody listens'
sekisho_apply a "$REDUNDANT" "$PATIENT" "$UDP_PROBE" "${MORE[a]}"
await 5 'the probe to fail' probe_is a failing
start b "$LAB_DIR/echo.log" "$PYTHON" -c 'import socket
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("169.254.1.2", 7))
while True: server.sendto(*server.recvfrom(2048))'
await 5 'the probe to be answered' probe_is a answering
await_leader 10 tokyo

step 'a target may be IPv6'
sekisho_apply a "$REDUNDANT" "$PATIENT" "$PROBE" '.tunnels.tokyo.probe.target = "fd00:99::2"' "${MORE[a]}"
await 5 'ten answers' answered a 10

step 'both paths are cut: nothing leaves'
for side in a b; do sekisho_apply "$side" "$REDUNDANT" "$PROBE" "${MORE[$side]}"; done
cut PRIMARY
cut STANDBY
for side in a b; do await 20 "no tunnel to lead on side $side" leads "$side" null; done
expect 'a message says so' grep -q SKO-RTG-031 "$LAB_DIR/a/control.log"
if sekisho a group fail-back far; then fail 'traffic returns to a tunnel that is down'; fi
no_pings left 10.2.0.2
no_pings right 10.1.0.2
mend PRIMARY
mend STANDBY
await_leader 30 tokyo
await 5 'zebra to lead through tokyo' zebra_leads_by vti0
flow_start left 10.2.0.2
flow_end 'after both'
ping_sizes left 4 100
field_sealed bare
