# A peer that dies is noticed, the VTI goes down, nothing leaks; when the peer is back, so is the tunnel.
source "$(dirname "$0")/lab.sh"
lab_up sekisho strongswan
strongswan_start b
sekisho_start a '.tokyo.ike.dpd_interval = 1'
await_tunnel a up
ping_sizes left 4 100
killed "${STRONGSWAN_PID[b]}"
rm "$LAB_DIR/b/charon.vici"
capture_start dead net to-a
await_error a SKO-IKE-007 30
expect 'the tunnel is not up' eval '! tunnel_is a up'
equal "the VTI's UP flags" 0 "$(on a ip -j link show vti0 | jq '[.[].flags[] | select(. == "UP")] | length')"
equal 'pings lost' 5 "$(ping_lost left 4 5 0.05)"
strongswan_start b
await_tunnel a up 40
equal 'pings lost once it is back' 0 "$(ping_lost left 4 20 0.02)"
capture_stop dead
expect_silent dead
