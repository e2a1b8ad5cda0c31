# The main job: Sekisho brings a tunnel up with strongSwan, hosts reach each other over IPv4 and IPv6, and nothing of it
# is seen in clear in between.
source "$(dirname "$0")/lab.sh"
lab_up sekisho strongswan
strongswan_start b
capture_start internet net to-a
capture_start left left eth0

sekisho_start a
expect 'tunnel up says it is up' sekisho a tunnel up tokyo --timeout 20
equal 'the view says so too' up "$(tunnel_state a .state)"
equal "the VTI's link" 1 "$(on a ip -j link show vti0 | jq '[.[].flags[] | select(. == "UP")] | length')"

for family in 4 6; do
  ping_sizes left "$family" 64 100 576 1280 1399 1400
  ping_sizes right "$family" 64 1400
  tcp_both_ways "$family" 10
done
equal 'ping of 1400 octets of payload, in fragments, lost' 0 "$(ping_lost left 4 3 0.05 -M dont -s 1400)"

capture_stop internet
capture_stop left
at_least 'markers on the left host, so that the search is known to find' 100 "$(capture_markers left)"
expect_sealed internet
for what in tunnel mtu ike-sa child-sa route neighbour port counters; do
  expect "show $what is JSON" jq -e . <(sekisho a show "$what" --json) >/dev/null
  sekisho a show "$what"
done

step 'down: packets for the tunnel go nowhere'
capture_start down net to-a
sekisho a tunnel down tokyo
await_tunnel a down
equal 'pings lost while it is down' 5 "$(ping_lost left 4 5 0.05)"
capture_stop down
expect_silent down
expect 'up again' sekisho a tunnel up tokyo --timeout 20
ping_sizes left 4 100
