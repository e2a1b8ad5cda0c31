# Configuration: every error at once with its place, cause and remedy; a change is shown before it is made, and an edit to
# one tunnel touches no other.
source "$(dirname "$0")/lab.sh"
lab_up sekisho strongswan
strongswan_start b
sekisho_start a
await_tunnel a up
running=$LAB_DIR/a/sekisho.json wrong=$LAB_DIR/a/wrong.json

step 'five mistakes, five errors'
jq '.ports.wan.addresses = ["172.16.0.0.100/24"] | .tunnels.tokyo.esp.proposal = [] | .tunnels.tokyo.ike.lifetime = "x"
  | .tunnels.tokyo.psk_file = "nowhere" | .tunnels.tokyo.ike.proposals = ["aes128-sha1-modp1024"]' "$running" >"$wrong"
code=0
sekisho a config check "$wrong" --json >"$LAB_DIR/a/errors" || code=$?
cat "$LAB_DIR/a/errors"
equal 'exit code of the check' 1 "$code"
for pointer in /ports/wan/addresses/0 /tunnels/tokyo/esp/proposal /tunnels/tokyo/ike/lifetime /tunnels/tokyo/psk_file \
  /tunnels/tokyo/ike/proposals/0; do
  expect "an error at $pointer, with id, cause and remedy" jq -e --arg pointer "$pointer" \
    '[.. | objects | select(.pointer? == $pointer and (.id | test("SKO-")) and .cause != "" and .remedy != "")] | length == 1' \
    "$LAB_DIR/a/errors" >/dev/null
done
expect 'a wrong configuration is not applied' eval '! sekisho a config apply "$wrong" >/dev/null'
equal 'the tunnel' up "$(tunnel_state a .state)"

step 'an addition touches nothing else'
jq '.tunnels.osaka = (.tunnels.tokyo | .interface = { name: "vti1" } | .remote.address = "10.9.2.3" | .remote.id = "c.lab"
  | .selectors.remote = ["10.3.0.0/24"] | .start = "respond")' "$running" >"$LAB_DIR/a/two.json"
before=$(sekisho a show child-sa tokyo --json | jq -r '.[0].inbound_spi')
expect 'the difference names the new tunnel' eval 'sekisho a config diff "$LAB_DIR/a/two.json" | grep osaka'
jq '.tunnels.tokyo.ike.lifetime = 600' "$running" >"$LAB_DIR/a/life.json"
expect 'another lifetime takes effect in place' eval 'sekisho a config diff "$LAB_DIR/a/life.json" | grep "tunnel tokyo .* in place"'
jq '.tunnels.tokyo.esp.proposals = ["aes256gcm16"]' "$running" >"$LAB_DIR/a/suite.json"
expect 'another suite takes the tunnel down' eval 'sekisho a config diff "$LAB_DIR/a/suite.json" | grep "tunnel tokyo goes down"'
expect 'applied' sekisho a config apply "$LAB_DIR/a/two.json"
equal 'the first tunnel kept its SA' "$before" "$(sekisho a show child-sa tokyo --json | jq -r '.[0].inbound_spi')"
equal 'the second is there' down "$(sekisho a show tunnel osaka --json | jq -r '.[0].state')"

step 'two tunnels exchange their interfaces; one that was taken down stays down'
expect 'taken down' sekisho a tunnel down tokyo
jq '.tunnels.tokyo.interface as $first | .tunnels.tokyo.interface = .tunnels.osaka.interface | .tunnels.osaka.interface = $first' \
  "$LAB_DIR/a/two.json" >"$LAB_DIR/a/exchanged.json"
expect 'exchanged' sekisho a config apply "$LAB_DIR/a/exchanged.json"
expect 'no further difference' eval '[ "$(sekisho a config diff "$LAB_DIR/a/exchanged.json")" = "nothing to change" ]'
interfaces() { sekisho a show tunnel --json | jq -r '[.[] | "\(.name)=\(.interface.name) \(.last_error.id // "fine")"] | join(", ")'; }
await 5 'both interfaces' eval '[ "$(interfaces)" = "osaka=vti0 fine, tokyo=vti1 fine" ]'
await 5 'both twins' on a ip link show vti0
await 5 'both twins' on a ip link show vti1
equal 'the one that was taken down' true "$(sekisho a show tunnel tokyo --json | jq -r '.[0].held_down')"
expect 'it comes up where it is now' sekisho a tunnel up tokyo --timeout 20
equal 'pings lost there' 0 "$(ping_lost left 4 3 0.05)"
expect 'exchanged back' sekisho a config apply "$LAB_DIR/a/two.json"
await_tunnel a up
expect 'the second removed again' sekisho a config apply "$running"
expect 'it is gone' eval '! sekisho a show tunnel osaka'
equal 'pings lost meanwhile' 0 "$(ping_lost left 4 20 0.02)"

step 'a tunnel that the data plane refuses is tried again'
on a ip tuntap add vti1 mode tap
expect 'applied' sekisho a config apply "$LAB_DIR/a/two.json"
await 5 'the refusal' eval 'sekisho a show tunnel osaka --json | jq -e ".[0].last_error.id | test(\"SKO-DPL\")"'
on a ip link del vti1
await 10 'its interface' on a ip link show vti1
equal 'pings lost meanwhile' 0 "$(ping_lost left 4 5 0.02)"
expect 'removed again' sekisho a config apply "$running"

step 'everything gone and back'
echo '{}' >"$LAB_DIR/a/empty.json"
expect 'no port, no tunnel' sekisho a config apply "$LAB_DIR/a/empty.json"
expect 'all of it again' sekisho a config apply "$running"
await_tunnel a up
await 20 "Sekisho's ports" ports_present a
equal 'pings lost' 0 "$(ping_lost left 4 3 0.05)"

step 'what is wrong now is in the status, and in its exit code'
await 5 'all is well' sekisho a status
status_has() { { sekisho a status --json || :; } | jq -e --arg id "$1" 'any(.last_errors[]; .id == $id)' >/dev/null; }
jq '.routes += [{ prefix: "192.0.2.0/24", via: "10.77.0.1" }] | .ports.dmz = { device: "net_af_packet7,iface=eth99" }
  | .tunnels.tokyo.routes = []' "$running" >"$LAB_DIR/a/wrong_now.json"
expect 'applied, and warned of the tunnel without routes' \
  eval 'sekisho a config apply "$LAB_DIR/a/wrong_now.json" | grep SKO-CFG-062'
await 5 "the dataplane's own message of the port" status_has SKO-DPL-012
await 15 'the route that cannot be installed' status_has SKO-RTG-002
code=0; sekisho a status >/dev/null || code=$?
equal 'exit code of the status' 1 "$code"
expect 'as before' sekisho a config apply "$running"
await 15 'all is well' sekisho a status

step 'exit codes'
code=0; "$SEKISHO" --socket "$LAB_DIR/nowhere" status >/dev/null 2>&1 || code=$?
equal 'daemon not reachable' 3 "$code"
code=0; sekisho a show nonsense >/dev/null 2>&1 || code=$?
equal 'usage' 2 "$code"
expect 'explain knows a message' eval 'sekisho a explain SKO-IKE-003 | grep -qi remedy'
