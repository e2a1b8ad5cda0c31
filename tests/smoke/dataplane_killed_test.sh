# kill -9 of sekisho-dataplane: once it runs again, control brings everything back by itself, with new keys.
source "$(dirname "$0")/lab.sh"
lab_up sekisho strongswan
strongswan_start b log_keys=yes
sekisho_start a
await_tunnel a up
ping_sizes left 4 100
capture_start internet net to-a
spis() { sekisho a show child-sa --json | jq -r '.[] | .inbound_spi, .outbound_spi' | sort; }

for round in 1 2 3; do
  step "round $round"
  before=$(spis)
  killed "${DATAPLANE_PID[a]}"
  on left ping -c 3 -i 0.1 -W 1 -p "$MARKER_HEX" 10.2.0.2 >/dev/null || :
  dataplane_start a
  started=$SECONDS
  await 30 'a ping to get through' on left ping -c 1 -W 1 10.2.0.2
  say "back within $((SECONDS - started)) s of the data plane's start"
  await_tunnel a up
  await 10 'the old SPIs to be gone' eval '[ -z "$(comm -12 <(echo "$before") <(spis))" ]'
  equal 'pings lost afterwards' 0 "$(ping_lost left 4 50 0.02)"
done
step 'what is to be a tunnel has its guard before there is a data plane'
killed "${DATAPLANE_PID[a]}"
await 5 'the counters to be an error instead of zeros' eval '[[ $(sekisho a show counters 2>&1) == *SKO-SYS-032* ]]'
sekisho_apply a '.tunnels.osaka = (.tunnels.tokyo | .interface = { name: "vti1" } | .remote.address = "10.9.2.3"
  | .remote.id = "c.lab" | .selectors.remote = ["10.3.0.0/24", "fd00:3::/64"] | .start = "respond")'
for prefix in 10.3.0.0/24 fd00:3::/64; do
  await 5 "the guard of $prefix" eval "on a ip route show table main $prefix | grep -q blackhole ||
    on a ip -6 route show table main $prefix | grep -q blackhole"
done
dataplane_start a
await 30 'a ping to get through' on left ping -c 1 -W 1 10.2.0.2
tcp_both_ways 6 10
capture_stop internet
expect_sealed internet
keys=$("$PYTHON" "$SMOKE/lab/charon_keys.py" "$LAB_DIR/b/charon.log" | grep '^esp' | cut -d= -f2)
at_least 'ESP keys that strongSwan has logged' 8 "$(wc -l <<<"$keys")"
equal 'keys among them that were used twice' '' "$(sort <<<"$keys" | uniq -d)"
