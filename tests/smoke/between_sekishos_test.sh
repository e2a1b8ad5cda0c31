# Two Sekishos: plain ESP by themselves, UDP where it is forced, with ESN, and with two workers on shared cores.
# One seals and opens with ipsec-mb, the other with OpenSSL.
source "$(dirname "$0")/lab.sh"
lab_up sekisho sekisho
DATAPLANE_ARGUMENTS='--workers 2 --crypto openssl' sekisho_start b '.tokyo.start = "respond"' '.tokyo.esp.proposals = ["aes256gcm16-esn"]'
DATAPLANE_ARGUMENTS='--workers 2' sekisho_start a '.tokyo.esp.proposals = ["aes256gcm16-esn"]'
capture_start internet net to-a
await_tunnel a up
await_tunnel b up
for family in 4 6; do
  ping_sizes left "$family" 64 576 1400
  ping_sizes right "$family" 64 1400
  tcp_both_ways "$family" 10
done
capture_stop internet
expect_sealed internet
at_least 'packets of protocol 50' 100 "$(capture_count internet esp)"
equal 'ESP packets in UDP' 0 "$(capture_count internet "$ESP_FILTER" and udp)"

step 'forced into UDP'
capture_start encapsulated net to-a
sekisho_apply b '.tokyo.start = "respond"' '.tokyo.esp.encapsulation = "force"'
sekisho_apply a '.tokyo.esp.encapsulation = "force"'
expect 'up' sekisho a tunnel up tokyo --timeout 20
tcp_both_ways 4 10
capture_stop encapsulated
expect_sealed encapsulated
equal 'packets of protocol 50' 0 "$(capture_count encapsulated esp)"

step 'control dies and comes back: it makes SAs of its own, though what it finds leaves no packet to ask for them'
sekisho_apply a '.tokyo.start = "on-traffic"' '.tokyo.esp.encapsulation = "force"'
equal 'the first packet lost' 0 "$(ping_lost left 4 1 1 -W 10)"
ping_in_background left 4 200 0.02
killed "${CONTROL_PID[a]}"
control_start a
await 15 'an SA of its own' eval '[ "$(sekisho a show child-sa tokyo --json | jq length)" = 1 ]'
ping_wait
equal 'pings lost' 0 "$PING_LOST"
