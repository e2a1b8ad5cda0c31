# The pre-shared key, IKE's keys and ESP's keys stand in no log, no view and no core dump.
source "$(dirname "$0")/lab.sh"
lab_up sekisho strongswan
PSK=correct-horse-battery-staple-4711
strongswan_start b log_keys=yes psk="$PSK"
SPDLOG_LEVEL=trace sekisho_start a '.tokyo.start = "respond"'
psk=$(printf %s "$PSK" | od -An -tx1 | tr -d ' \n')

# searched WHEN: what both daemons hold and have written.
searched() {
  local keys pid view
  mapfile -t keys < <("$PYTHON" "$SMOKE/lab/charon_keys.py" "$LAB_DIR/b/charon.log")
  at_least "keys known from strongSwan's log, $1" 6 ${#keys[@]}
  for pid in "${CONTROL_PID[a]}" "${DATAPLANE_PID[a]}"; do
    expect "no secret in a core of $pid, $1" "$PYTHON" "$SMOKE/lab/search_core.py" "$pid" \
      "found-socket-path=$(printf %s "$LAB_DIR/a/dataplane.sock" | od -An -tx1 | tr -d ' \n')" "psk=$psk" "${keys[@]}"
  done
  for view in tunnel ike-sa child-sa counters port; do sekisho a show "$view" --json; done >"$LAB_DIR/a/views"
  sekisho a config diff "$LAB_DIR/a/sekisho.json" --json >>"$LAB_DIR/a/views"
  expect "no secret in a log or view, $1" eval '! grep -aiE "$(printf "%s|" "${keys[@]#*=}" | sed "s/|$//")|$PSK|$psk" \
    "$LAB_DIR"/a/*.log "$LAB_DIR/a/views"'
}
expect 'strongSwan initiates' swanctl b --initiate --child c --timeout 15
await_tunnel a up
ping_sizes left 4 100
searched 'as responder'
sekisho a tunnel rekey tokyo
sekisho a tunnel rekey tokyo --ike
ping_sizes left 4 100
searched 'after rekeying'
strongswan_load b psk="$PSK" esp=aes256-sha256 ike=aes256-sha256-modp2048
sekisho_apply a '.tokyo.esp.proposals = ["aes256-sha256"]' '.tokyo.ike.proposals = ["aes256-sha256-modp2048"]'
expect 'Sekisho initiates' sekisho a tunnel up tokyo --timeout 20
ping_sizes left 4 100
searched 'with CBC and HMAC'
mapfile -t keys < <("$PYTHON" "$SMOKE/lab/charon_keys.py" "$LAB_DIR/b/charon.log")
for daemon in "${CONTROL_PID[a]}" "${DATAPLANE_PID[a]}"; do
  expect "the keys in use are found in the undumped memory of $daemon" \
    eval '! "$PYTHON" "$SMOKE/lab/search_core.py" "$daemon" --all "${keys[@]}"'
done
sekisho a tunnel down tokyo
await_tunnel a down
no_more() { sekisho a show "$1" --json | jq -e 'length == 0'; }
for kind in ike-sa child-sa; do await 20 "no $kind to be left" no_more "$kind"; done
searched 'when all is down'
for daemon in "${CONTROL_PID[a]}" "${DATAPLANE_PID[a]}"; do
  expect "every key wiped from all memory of $daemon" "$PYTHON" "$SMOKE/lab/search_core.py" "$daemon" --all "${keys[@]}"
done
