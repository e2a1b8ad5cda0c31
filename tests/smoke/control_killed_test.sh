# kill -9 of sekisho-control: traffic goes on without it, and the restarted one takes over.
source "$(dirname "$0")/lab.sh"
lab_up sekisho strongswan
strongswan_start b
sekisho_start a
await_tunnel a up

step 'traffic while control is dead'
capture_start internet net to-a
killed "${CONTROL_PID[a]}"
equal 'pings lost without control' 0 "$(ping_lost left 4 150 0.02)"
tcp_both_ways 4 10

step 'the restarted control takes over'
ping_in_background left 4 400 0.02
control_start a
await 20 'control to answer' sekisho a show tunnel
await_tunnel a up 30
ping_wait
say "pings lost during the take-over: $PING_LOST of 400"
# strongSwan takes the old SAs away as soon as it hears INITIAL_CONTACT (RFC 7296 section 2.4).
expect 'no more than was on its way then' test "$PING_LOST" -le 5
equal 'child SAs' 1 "$(sekisho a show child-sa --json | jq length)"
equal 'pings lost afterwards' 0 "$(ping_lost left 6 50 0.02)"
capture_stop internet
expect_sealed internet
expect 'the new control can rekey' sekisho a tunnel rekey tokyo
equal 'pings lost after that' 0 "$(ping_lost right 4 50 0.02)"
