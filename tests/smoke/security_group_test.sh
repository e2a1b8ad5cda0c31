# Security groups on side a's LAN, on its two tunnels and on its WAN: what a rule allows passes with its answers, and
# nothing else; rules change under way; a connection goes on from tunnel to tunnel; IKE and ESP need no rule.
source "$(dirname "$0")/lab.sh"
REDUNDANT='del(.tunnels.tokyo.selectors)
  | .ports.wan.addresses += [($wan | sub("[0-9]+$"; "33")) + "/24"]
  | .tunnels.osaka = .tunnels.tokyo
  | .tunnels.osaka.interface = {name: "vti1", addresses: [.tunnels.tokyo.interface.addresses[0] | sub("254.1"; "254.2")], mtu: 1400}
  | .tunnels.osaka.local.address |= sub("[0-9]+$"; "33") | .tunnels.osaka.remote.address |= sub("[0-9]+$"; "33")
  | .groups.far = {tunnels: ["tokyo", "osaka"], routes: ["\($far4).0/24", "\($far6):/64"], hold_down: 2}'
OFFICE='.security_groups.office = {
    in: [ {protocol: "tcp", remote: ["10.1.0.0/24"], local: ["10.2.0.0/24"], ports: ["5601-5603"]},
          {protocol: "udp", local: ["10.2.0.0/24"], ports: ["7007"]},
          {protocol: "icmp", local: ["10.2.0.0/24"], type: 8} ],
    out: [] }
  | .ports.lan.security_groups = ["office"]'
SSH='.security_groups.office.in += [ {protocol: "tcp", local: ["10.1.0.1/32"], ports: ["22"]} ]'
WITHOUT_5603='.security_groups.office.in[0].ports = ["5601-5602"]'
TUNNELS='.security_groups.far = {in: [], out: [{protocol: "tcp"}, {protocol: "icmp"}]}
  | .tunnels[].interface.security_groups = ["far"]'
CLOSED='.security_groups.closed = {in: [], out: []} | .ports.wan.security_groups = ["closed"]'

leads() { [ "$(sekisho "$1" show group far --json | jq -r '.[0].leader')" = "$2" ]; }
both_up() { sekisho "$1" show tunnel --json | jq -e 'length == 2 and all(.[]; .state == "up")'; }
spis() { sekisho "$1" show child-sa --json | jq -c 'map(.inbound_spi) | sort'; }
lines() { echo "$PYTHON" "$SMOKE/lab/tcp_lines.py" "$@"; }

# serve PLACE ADDRESS PORT...
serve() {
  local place=$1
  shift
  start "$place" "$LAB_DIR/serve.$place" $(lines serve "$@")
  await_line 10 "$LAB_DIR/serve.$place" '^listening'
}
# connects PLACE ADDRESS PORT
connects() { on "$1" $(lines connect "$2" "$3") </dev/null >>"$LAB_DIR/connects"; }
# dropped WHAT REASON COMMAND...: it fails, and the gateway counts packets under that name.
dropped() {
  local what=$1 reason=$2 before
  shift 2
  before=$(drops a "$reason")
  if "$@"; then fail "$what passed"; fi
  at_least "$what: dropped as $reason" $((before + 1)) "$(drops a "$reason")"
}
pings() { [ "$(echoes_lost "$1" "$2" 3 0.2 -W 1 "${@:3}")" = 0 ]; }

# held NAME PLACE ADDRESS PORT: a connection that stays. says NAME LINE ANSWER: what it says to another line.
declare -A HELD
held() {
  mkfifo "$LAB_DIR/$1.in"
  start "$2" "$LAB_DIR/$1.out" bash -c "exec $(lines connect "$3" "$4") <'$LAB_DIR/$1.in'"
  exec {HELD[$1]}>"$LAB_DIR/$1.in"
  await_line 10 "$LAB_DIR/$1.out" '^connected'
}
says() {
  echo "$2" >&"${HELD[$1]}"
  await_line 10 "$LAB_DIR/$1.out" "^$3 $2\$"
  say "ok: connection $1: $3"
}

lab_up sekisho sekisho
sekisho_launch b "$REDUNDANT" '.tunnels[].start = "respond"'
sekisho_launch a "$REDUNDANT"
for side in a b; do
  await 20 "Sekisho's ports on side $side" ports_present "$side"
  await 15 "tokyo to lead on side $side" leads "$side" tokyo
  await 15 "both tunnels on side $side" both_up "$side"
done
serve right 10.2.0.2 5601 5603 5604
serve left 10.1.0.2 5601
serve a 10.1.0.1 22
before=$(spis a)
expect 'without groups, a connection from the other side' connects right 10.1.0.2 5601

step 'a group on the LAN port'
sekisho_apply a "$REDUNDANT" "$OFFICE"
expect 'a connection that a rule allows' connects left 10.2.0.2 5601
dropped 'another port' security-group-in connects left 10.2.0.2 5604
dropped 'a connection from the other side' security-group-out connects right 10.1.0.2 5601
expect 'ping, with the answers' pings left 10.2.0.2
dropped 'ping from the other side' security-group-out pings right 10.1.0.2
expect 'ping in fragments' pings left 10.2.0.2 -s 1600
expect 'port unreachable, about a datagram that passed' on left $(lines udp-refused 10.2.0.2 7007)
too_long=$(on left ping -n -c 2 -i 0.2 -W 1 -M 'do' -s 1472 10.2.0.2 2>&1 || :)
expect 'fragmentation needed, from the gateway, about an echo that passed' grep -qE 'mtu ?= ?1400' <<<"$too_long"
sekisho a show security-group office
equal 'its interfaces' '["lan"]' "$(sekisho a show security-group office --json | jq -c '.[0].interfaces')"
at_least 'denials that are told' 1 "$(sekisho a show security-group office --json | jq '.[0].filters[0].denials | length')"
equal 'what was denied' true "$(sekisho a show security-group office --json |
  jq '.[0].filters[0].denials | any(.destination == "10.2.0.2" and .destination_port == 5604 and .direction == "in" and .interface == "lan" and .reason == "no-rule")')"
await 15 'flows to be counted' eval '[ "$(sekisho a show security-group --json | jq ".[0].flows.used")" -ge 1 ]'

step 'the gateway itself'
dropped 'ping of the gateway' security-group-in pings left 10.1.0.1
dropped 'ssh to the gateway' security-group-in connects left 10.1.0.1 22
dropped "the gateway's own ping" security-group-out pings a 10.1.0.2
sekisho_apply a "$REDUNDANT" "$OFFICE" "$SSH"
expect 'ssh to the gateway, now allowed' connects left 10.1.0.1 22
equal 'the SAs: no edit has moved a tunnel' "$before" "$(spis a)"

step 'rules change under connections'
held stays left 10.2.0.2 5601
held goes left 10.2.0.2 5603
says stays one echo
says goes one echo
sekisho_apply a "$REDUNDANT" "$OFFICE" "$WITHOUT_5603"
says stays two echo
says goes two silent
equal 'the SAs' "$before" "$(spis a)"

step 'a group on both tunnels: a connection goes on when the other one leads'
sekisho_apply a "$REDUNDANT" "$OFFICE" "$TUNNELS"
dropped 'a connection from the other side' security-group-in connects right 10.1.0.2 5601
held moves left 10.2.0.2 5601
says moves one echo
for side in a b; do sekisho "$side" group prefer far osaka; done
says moves two echo
says stays three echo
sekisho a show security-group far

step 'nothing passes the WAN port but IKE and ESP: they need no rule'
sekisho_apply a "$REDUNDANT" "$OFFICE" "$TUNNELS" "$CLOSED"
old=$(spis a)
expect 'rekey' sekisho a tunnel rekey osaka
await 10 'other SAs' eval '[ "$(spis a)" != "$old" ]'
expect 'rekey of the IKE SA' sekisho a tunnel rekey osaka --ike
expect 'ping' pings left 10.2.0.2
says moves three echo
dropped 'ping of the WAN address' security-group-in pings net 10.9.1.1
dropped "the gateway's own ping" security-group-out pings a 10.9.1.254
expect 'a new tunnel' sekisho a tunnel down tokyo
expect 'up' sekisho a tunnel up tokyo --timeout 20

step 'control dies, and another one takes over: nothing is open meanwhile, and flows stay'
killed "${CONTROL_PID[a]}"
if pings net 10.9.1.1; then fail 'without control the WAN port is open'; fi
says moves four echo
control_start a
await 20 "Sekisho's ports" ports_present a
dropped 'ping of the WAN address' security-group-in pings net 10.9.1.1

step 'the groups go: nothing is filtered'
sekisho_apply a "$REDUNDANT"
await 5 'ping of the WAN address' pings net 10.9.1.1
equal 'groups' '[]' "$(sekisho a show security-group --json)"
