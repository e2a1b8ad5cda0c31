# More routes than the dataplane has room for, by the protocol number of a routing daemon: prefixes longer than /24, each
# of which takes a second-level table. What finds no room is left out and said; the rest of the gateway goes on, and takes
# changes.
source "$(dirname "$0")/lab.sh"
lab_up sekisho sekisho
flood=3000
tunnel='.tokyo.selectors = {local: ["0.0.0.0/0"], remote: ["0.0.0.0/0"]}'

left_out() { sekisho a status --json | jq .zebra.left_out_routes; }
some_left_out() { [ "$(left_out)" -gt 0 ]; }
none_left_out() { [ "$(left_out)" = 0 ]; }
answers() { on left ping -n -q -c 1 -W 1 "$1" >/dev/null; }
in_the_data_path() { sekisho a show route --json | jq '[.[] | select(.prefix | startswith("20."))] | length'; }
# change_routes WORD: all of the flood at once.
change_routes() {
  local i
  for ((i = 0; i < flood; i++)); do echo "route $1 20.$((i / 250)).$((i % 250)).0/26 via 10.1.0.2 proto bgp"; done |
    on a ip -batch -
}

DATAPLANE_ARGUMENTS='--memory 256' sekisho_launch a "$tunnel" '.tokyo.routes = ["10.2.0.0/24"]'
sekisho_launch b "$tunnel" '.tokyo.routes = ["10.1.0.0/24"]'
for side in a b; do
  await 20 "Sekisho's ports on side $side" ports_present $side
  await_tunnel $side up
done
on right ip address add 10.77.0.1/32 dev lo
on b ip route add 10.77.0.0/24 via 10.2.0.2
# A route of the routing daemon's that is in use before, and as long as those to come.
on right ip address add 10.78.0.1/32 dev lo
on b ip route add 10.78.0.0/26 via 10.2.0.2
on a ip route add 10.78.0.0/26 dev vti0 proto bgp
await 5 'an answer by a route of the routing daemon' answers 10.78.0.1
equal 'pings lost before' 0 "$(ping_lost left 4 20 0.02)"

step "$flood routes come"
ping_in_background left 4 250 0.02
change_routes add
await 20 'some to be left out' some_left_out
ping_wait
equal 'pings lost meanwhile' 0 "$PING_LOST"
say "left out: $(left_out), in the data path: $(in_the_data_path)"
expect 'that a part of them is in the data path' test "$(in_the_data_path)" -gt 0
expect 'that what was there before is there still' answers 10.78.0.1
equal 'the last error' SKO-DPL-023 "$(sekisho a status --json | jq -r '.last_errors[0].id')"

step 'what is configured finds its way none the less'
sekisho_apply a "$tunnel" '.tokyo.routes = ["10.2.0.0/24", "10.77.0.0/24"]'
await 5 'an answer from there' answers 10.77.0.1

step 'they go'
change_routes del
await 20 'nothing to be left out' none_left_out
await 5 'an answer from there' answers 10.77.0.1
equal 'pings lost afterwards' 0 "$(ping_lost left 4 20 0.02)"
