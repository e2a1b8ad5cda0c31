# Two tunnels as one group at each end, the first one with a probe by BFD: FRR's bfdd runs beside both gateways, 8.4 at
# one and 10.3 at the other. ESP gets lost on the first path and IKE does not, under pings every 10 ms: within a second
# the second tunnel carries everything. A bfdd that is started anew, or that is gone, moves nothing at its own end.
#
#    tokyo  10.9.1.1  === 10.9.2.2    169.254.1.1, .2   BFD: three packets, 150 ms apart
#    osaka  10.9.1.33 === 10.9.2.33   169.254.2.1, .2
source "$(dirname "$0")/lab.sh"
source "$SMOKE/field/proofs.sh"
declare -A RELEASE=([a]=8.4 [b]=10.3)

# Dead peer detection is slower than this test.
GROUP='del(.tunnels.tokyo.selectors) | .tunnels.tokyo.ike.dpd_interval = 600
  | .ports.wan.addresses += [($wan | sub("[0-9]+$"; "33")) + "/24"]
  | .tunnels.osaka = .tunnels.tokyo
  | .tunnels.osaka.interface = {name: "vti1", addresses: [.tunnels.tokyo.interface.addresses[0] | sub("254.1"; "254.2")]}
  | .tunnels.osaka.local.address |= sub("[0-9]+$"; "33") | .tunnels.osaka.remote.address |= sub("[0-9]+$"; "33")
  | .groups.far = {tunnels: ["tokyo", "osaka"], routes: ["\($far4).0/24", "\($far6):/64"], hold_down: 2} | .frr = {}
  | .tunnels.tokyo.probe = {protocol: "bfd", target: "169.254.1.\(if $id == "a.lab" then 2 else 1 end)"}'

bfdd_start() { frr_start "$1" bfdd $([ "$1" = b ] || echo --bfdctl /lab/a-frr/bfdd.sock); }
# peer SIDE: the lines of its frr.conf.
peer() {
  printf '%s\n' bfd "peer 169.254.1.$([ "$1" = a ] && echo 2 || echo 1) interface vti0" 'detect-multiplier 3' \
    'transmit-interval 150' 'receive-interval 150'
}

both_up() { sekisho "$1" show tunnel --json | jq -e 'length == 2 and all(.[]; .state == "up")'; }
probe_is() { [ "$(tunnel_state "$1" .probe.state)" = "$2" ]; }
await_probe() { await "${3:-10}" "the probe at $1 to be $2" probe_is "$1" "$2"; }
leads() { [ "$(sekisho "$1" show group far --json | jq -r '.[0].leader')" = "$2" ]; }
await_leader() { for side in a b; do await 10 "$1 to lead at $side" leads "$side" "$1"; done; }
# How often it has changed its mind on who leads, by its log.
moves() { grep -cE 'SKO-RTG-03[01]|group far: leads' "$LAB_DIR/$1/control.log" || :; }
# session_id: of the one at side a that is up. session_but ID: another one is.
session_id() { vtysh a 'show bfd peers json' | jq -e '.[] | select(.status == "up") | .id'; }
session_but() { session_id >"$LAB_DIR/session" && [ "$(cat "$LAB_DIR/session")" != "$1" ]; }
spis() { sekisho "$1" show child-sa --json | jq -c 'map(.inbound_spi) | sort'; }
own_sas() { [ "$(sekisho "$1" show child-sa --json | jq length)" = 2 ]; }
error_is() { [ "$(tunnel_state "$1" .last_error.id)" = "$2" ]; }
within() { [ "$3" -le "$2" ] || fail "$1: at most $2, got '$3'"; say "ok: $1: $3 (at most $2)"; }

lab_up sekisho sekisho
capture_start internet net to-a
capture_start server b lan-wire
for side in a b; do
  frr_prepare "$side" "${RELEASE[$side]}"
  peer "$side" >"$LAB_DIR/$side-frr/bfdd.conf"
  frr_start "$side" zebra -s 212992
  bfdd_start "$side"
  sekisho_start "$side" "$GROUP"
done
for side in a b; do
  await 15 "both tunnels at $side" both_up "$side"
  await_probe "$side" answering
done
await_leader tokyo
# Where both ends began at once there is one too many for a while.
await 10 'one child SA of each tunnel' own_sas a
equal 'its session, by bfdd' up "$(tunnel_state a .probe.session)"
before=$(spis a)

step 'ESP gets lost on the first path and IKE does not'
FLOW_INTERVAL=0.01 flow_start left 10.2.0.2
on net nft -f - <<<'table ip cut { chain passing { type filter hook forward priority 0;
  ip saddr { 10.9.1.1, 10.9.2.2 } ip daddr { 10.9.1.1, 10.9.2.2 } meta l4proto esp drop; }; }'
await_leader osaka
flow_end 'failover by BFD'
within 'the gap in ms' 1000 "$FLOW_GAP"
expect 'both tunnels are established all the same' both_up a
equal 'the SAs' "$before" "$(spis a)"
equal 'its message' SKO-RTG-036 "$(tunnel_state a .last_error.id)"
expect 'with the diagnostic' grep -qE '^169.254.1.2 on vti0: (down|init), (control detection time expired|neighbor signaled)' \
  <<<"$(tunnel_state a .probe.reason)"
equal 'probes that fail, by the status' 1 "$(sekisho a status --json | jq .tunnels.probes_failing)"
sekisho a show group
sekisho a explain tunnel tokyo

step 'it passes again: traffic returns after the hold-down'
FLOW_INTERVAL=0.01 flow_start left 10.2.0.2
on net nft delete table ip cut
await_leader tokyo
flow_end 'return'
equal 'packets lost' 0 "$FLOW_LOST"

step 'bfdd of one end is started anew: nothing moves there, and nothing is lost'
before=$(moves a)
session=$(session_id)
FLOW_INTERVAL=0.01 flow_start left 10.2.0.2
frr_stop a bfdd
bfdd_start a
await 10 'another session, which is up' session_but "$session"
for side in a b; do await_probe "$side" answering; done
await_leader tokyo
flow_end 'another bfdd'
equal 'packets lost' 0 "$FLOW_LOST"
equal 'moves at its own end' "$before" "$(moves a)"

step 'it has no such peer any more: the tunnel is not usable'
vtysh a 'configure terminal' bfd 'no peer 169.254.1.2 interface vti0'
await 15 'its message' error_is a SKO-RTG-037
await 5 'osaka to lead' leads a osaka
vtysh a 'configure terminal' "$(peer a | sed -n 1p)" "$(peer a | sed -n 2p)" 'detect-multiplier 3' \
  'transmit-interval 150' 'receive-interval 150'
for side in a b; do await_probe "$side" answering; done
await_leader tokyo

step 'bfdd of one end is gone: after 5 s its word counts for nothing there'
before=$(moves a)
FLOW_INTERVAL=0.01 flow_start left 10.2.0.2
frr_stop a bfdd
await_probe a unheard 15
equal 'its message' SKO-RTG-038 "$(tunnel_state a .last_error.id)"
equal 'probes without its word, by the status' 1 "$(sekisho a status --json | jq .tunnels.probes_unheard)"
expect 'the first tunnel leads there all the same' leads a tokyo
bfdd_start a
for side in a b; do await_probe "$side" answering; done
await_leader tokyo
flow_end 'no bfdd for a while'
equal 'packets lost' 0 "$FLOW_LOST"
equal 'moves at its own end' "$before" "$(moves a)"

field_sealed bare
