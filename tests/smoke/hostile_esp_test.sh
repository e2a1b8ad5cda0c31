# ESP packets that are not what they should be are dropped, each under its own counter, and the tunnel does not notice.
source "$(dirname "$0")/lab.sh"
lab_up sekisho strongswan

# injected KIND REASON: 50 such packets, counted as exactly that.
injected() {
  local before
  before=$(drops a "$2")
  on net "$PYTHON" "$SMOKE/lab/inject_esp.py" "$LAB_DIR/$capture.pcap" to-a "${WAN[a]}" "$1" 50
  await 5 "50 more drops for $2" eval "[ \$(drops a $2) -ge $((before + 50)) ]"
  equal "drops for $2 after 50 packets, $1" $((before + 50)) "$(drops a "$2")"
}

# hostile RELEASE RAW: the same against UDP-encapsulated and against plain ESP.
hostile() {
  capture=wire-$1
  strongswan_start b release="$1" raw_esp="$2"
  capture_start "$capture" net to-a
  expect 'tunnel up' sekisho a tunnel up tokyo --timeout 20
  ping_sizes left 4 400
  capture_stop "$capture"
  injected replayed esp-replay
  injected corrupted esp-integrity
  injected truncated esp-truncated
  injected unknown-spi esp-unknown-spi
  equal 'pings lost afterwards' 0 "$(ping_lost left 4 50 0.02)"
}
sekisho_start a '.tokyo.start = "respond"'
step 'ESP in UDP'
hostile bookworm no
equal 'replays counted for the SA' 50 "$(sekisho a show child-sa --json | jq '.[0].in.replay')"
sekisho a tunnel down tokyo
await_tunnel a down
strongswan_stop b
step 'plain ESP'
hostile trixie yes
injected wrong-source esp-wrong-address
sekisho a show counters
