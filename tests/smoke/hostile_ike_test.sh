# 100,000 mutated IKE packets, made from a real conversation and the fuzz corpus, leave both daemons alive, the tunnel up
# and memory bounded.
source "$(dirname "$0")/lab.sh"
lab_up sekisho strongswan
strongswan_start b
capture_start ike net to-a udp port 500 or udp port 4500
sekisho_start a '.tokyo.ike.dpd_interval = 2'
await_tunnel a up
sekisho a tunnel rekey tokyo
swanctl b --rekey --child c >/dev/null
sekisho a tunnel rekey tokyo --ike
swanctl b --rekey --ike t >/dev/null
ping_sizes left 4 100
sekisho a tunnel down tokyo
await_tunnel a down
expect 'strongSwan initiates' swanctl b --initiate --child c --timeout 15
await_tunnel a up
capture_stop ike

resident() { awk '$1 == "VmRSS:" { print $2 }' "/proc/$1/status"; }
before=$(resident "${CONTROL_PID[a]}")
ping_in_background left 4 300 0.1
expect '100,000 of them reach the daemon' on net timeout 300 "$PYTHON" "$SMOKE/lab/mutate_ike.py" \
  "$LAB_DIR/ike.pcap" "$TOP/tests/fuzz/corpus/ike_decode" "${WAN[a]}" "${CONTROL_PID[a]}" 100000 "${SEED:-1}"
ping_wait
equal 'pings lost meanwhile' 0 "$PING_LOST"
for daemon in "${CONTROL_PID[a]}" "${DATAPLANE_PID[a]}"; do expect "process $daemon lives" kill -0 "$daemon"; done
equal 'the tunnel' up "$(tunnel_state a .state)"
ping_sizes left 4 64 1400
at_least 'KiB that control may still grow to its bound of 64 MiB' 0 $((before + 65536 - $(resident "${CONTROL_PID[a]}")))
expect 'a new tunnel still comes up' eval 'sekisho a tunnel down tokyo && sekisho a tunnel up tokyo --timeout 20'
ping_sizes right 4 64
