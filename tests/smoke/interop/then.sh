# What single scenarios do with a tunnel that is up. Each function gets the end that began it, sekisho or strongswan.

inbound_spi() { sekisho a show child-sa --json | jq -r '.[0].inbound_spi'; }
ike_spi() { sekisho a show ike-sa tokyo --json | jq -r '.[0].initiator_spi'; }
# changed VIEW OLD: it shows another SPI.
changed() {
  local spi
  spi=$($1)
  [ "$spi" != "$2" ] && [ "$spi" != null ]
}
# SAs as both ends have them.
expect_one_of_each() {
  await 10 'one child SA at Sekisho' eval '[ "$(sekisho a show child-sa --json | jq length)" = 1 ]'
  await 10 'one IKE SA at Sekisho' eval '[ "$(sekisho a show ike-sa tokyo --json | jq length)" = 1 ]'
  await 10 'one child SA at strongSwan' eval '[ "$(swanctl b --list-sas | grep -c "^  c: ")" = 1 ]'
  await 10 'one IKE SA at strongSwan' eval '[ "$(swanctl b --list-sas | grep -c "^t: ")" = 1 ]'
}

# new_keys WHAT VIEW COMMAND...
new_keys() {
  local what=$1 view=$2 before
  shift 2
  before=$($view)
  "$@" >/dev/null || fail "$what"
  await 10 "new SPIs: $what" changed "$view" "$before"
  say "ok: $what"
}

# New keys for both kinds of SA, asked for by either end, under ping.
then_rekey() {
  ping_in_background left 4 150 0.02
  new_keys 'child rekeyed by Sekisho' inbound_spi sekisho a tunnel rekey tokyo
  new_keys 'child rekeyed by strongSwan' inbound_spi swanctl b --rekey --child c
  new_keys 'IKE SA rekeyed by Sekisho' ike_spi sekisho a tunnel rekey tokyo --ike
  new_keys 'IKE SA rekeyed by strongSwan' ike_spi swanctl b --rekey --ike t
  ping_wait
  equal 'pings lost meanwhile' 0 "$PING_LOST"
  expect_one_of_each
}

# The same with IKEv1, which says of no SA what it replaces: the old ones stay up to 40 seconds, so the new one is the
# youngest of those that count.
then_rekey_v1() {
  ping_in_background left 4 300 0.02
  new_keys 'child rekeyed by Sekisho' youngest_child sekisho a tunnel rekey tokyo
  new_keys 'child rekeyed by strongSwan' youngest_child swanctl b --rekey --child c
  new_keys 'a new ISAKMP SA by Sekisho' youngest_ike sekisho a tunnel rekey tokyo --ike
  new_keys 'a new ISAKMP SA by strongSwan' youngest_ike swanctl b --rekey --ike t
  ping_wait
  equal 'pings lost meanwhile' 0 "$PING_LOST"
}
youngest_child() { sekisho a show child-sa --json | jq -r 'map(select(.state == "installed"))[0].inbound_spi'; }
youngest_ike() {
  sekisho a show ike-sa --json |
    jq -r 'map(select(.state == "established")) | min_by(.established_seconds).initiator_spi'
}

# collide KIND VIEW NAME ARGUMENT: both ends ask for new keys of the child or the IKE SA, and their requests cross, for none
# arrives before both are sent. strongSwan says so.
collide() {
  local kind=$1 view=$2 before collisions crossing=yes
  before=$($view)
  collisions=$(charon_says 'detected .*collision')
  kill -STOP "$SLOW_PID"  # who carries what IKE has to say
  (both_ask "$@") || crossing=no
  kill -CONT "$SLOW_PID"
  [ $crossing = yes ] || return 1
  await 10 "a collision to strongSwan's knowledge" charon_says_more 'detected .*collision' "$collisions"
  await 10 'new SPIs' changed "$view" "$before"
  expect_one_of_each
}
# both_ask KIND VIEW NAME ARGUMENT
both_ask() {
  local requests
  requests=$(charon_says 'generating CREATE_CHILD_SA request')
  swanctl b --rekey "--$1" "$3" >/dev/null
  sekisho a tunnel rekey tokyo $4 >/dev/null
  await 5 "strongSwan's request" charon_says_more 'generating CREATE_CHILD_SA request' "$requests"
  await 5 "Sekisho's request" is_rekeying "$1"
}
is_rekeying() { sekisho a show "$1-sa" tokyo --json | jq -e 'any(.state == "rekeying")'; }
charon_says() { grep -c "$1" "$LAB_DIR/b/charon.log" || :; }
charon_says_more() { [ "$(charon_says "$1")" -gt "$2" ]; }

then_collide() {
  slow_ike 300
  ping_in_background left 4 250 0.02
  collide child inbound_spi c ""
  collide ike ike_spi t --ike
  ping_wait
  equal 'pings lost meanwhile' 0 "$PING_LOST"
  ike_at_once
}

# Lifetimes of seconds, two minutes long. strongSwan logs every SA that comes up.
then_outlive() {
  local log=$LAB_DIR/b/charon.log from
  from=$(wc -l <"$log")
  equal 'pings lost in two minutes' 0 "$(ping_lost left 4 4000 0.03)"
  at_least 'new child SAs meanwhile' 20 "$(tail -n +"$from" "$log" | grep -cE 'outbound CHILD_SA c.* established')"
  at_least 'new IKE SAs meanwhile' 8 "$(tail -n +"$from" "$log" | grep -cE 'IKE_SA t.* (rekeyed|established) between')"
  expect_one_of_each
}

# A peer that is not heard any more is noticed; when it is back, so is the tunnel.
then_peer_dies() {
  cut
  await_error a SKO-IKE-007 20
  expect 'the tunnel is not up' eval '! tunnel_is a up'
  equal 'pings lost' 2 "$(ping_lost left 4 2 0.05)"
  await 20 'strongSwan to notice too' eval '[ -z "$(swanctl b --list-sas)" ]'
  mend
  begin "$1"
  equal 'pings lost once it is back' 0 "$(ping_lost left 4 3 0.05)"
}

# What the scenario says of the selectors that are left, at both ends.
then_narrowed() {
  local wanted
  wanted=$(of '.narrowed | join(" ")')
  equal 'selectors, to Sekisho' "$wanted" \
    "$(sekisho a show child-sa --json | jq -r '.[0] | (.local_selectors + .remote_selectors) | join(" ")')"
  equal 'selectors, to strongSwan' "$wanted" \
    "$(swanctl b --list-sas | sed -nE 's/^ +remote +([0-9].*)/\1/p') $(swanctl b --list-sas | sed -nE 's/^ +local +([0-9].*)/\1/p')"
}

# What crosses the internet from before the tunnel's first message on.
first_capture() { capture_start internet net to-a; }

# IKE_AUTH in fragments on port 4500: behind the zero octets, its first payload is SKF (RFC 7383 section 2.5).
SKF_FILTER='udp port 4500 and udp[8:4] == 0 and udp[28] == 53 and udp[30] == 35'
first_narrow_path() {
  first_capture
  path_mtu 1280
}
# Each end has sent IKE_AUTH in fragments of IKE, and nobody has fragments of IP.
then_fragmented() {
  capture_stop internet
  at_least 'fragments of IKE_AUTH that Sekisho sent' 3 "$(capture_count internet "$SKF_FILTER and src ${WAN[a]}")"
  at_least 'fragments of IKE_AUTH that strongSwan sent' 3 "$(capture_count internet "$SKF_FILTER and src ${WAN[b]}")"
  equal 'IKE_AUTH messages in one piece' 0 \
    "$(capture_count internet 'udp port 4500 and udp[8:4] == 0 and udp[28] == 46 and udp[30] == 35')"
  equal 'fragments of IP' 0 "$(capture_count internet 'ip[6:2] & 0x3fff != 0')"
}

# Requests that begin negotiations flood Sekisho in the name of the peer: the tunnel stands, and another one comes up,
# whoever begins it; strongSwan needs a cookie for that.
then_flooded() {
  capture_stop internet
  flood "$LAB_DIR/internet.pcap"
  await 10 'a hundred requests more' eval '[ "$(sekisho a status --json | jq .handshakes.queued)" -gt 100 ]'
  equal 'pings lost under the flood' 0 "$(ping_lost left 4 10 0.05)"
  again strongswan
  expect 'strongSwan was asked for a cookie' peer_logged 'parsed IKE_SA_INIT response 0 [ N(COOKIE) ]'
  again sekisho
  at_least 'room for SAs half open that is left' 0 $((16 - $(sekisho a show ike-sa --json | jq 'map(select(.tunnel == null)) | length')))
  flood_end
}
again() {
  swanctl b --terminate --ike t --timeout 5 >/dev/null
  await_tunnel a down
  begin "$1"
  equal 'pings lost in the new tunnel' 0 "$(ping_lost right 4 10 0.05)"
}

# Another child SA in the same IKE SA, for IPv6 and with a suite of its own.
then_second_child() {
  [ "$1" = sekisho ] || expect 'strongSwan begins the second child' swanctl b --initiate --child d --timeout 15
  await 10 'both child SAs' eval '[ "$(child_sas)" = "c d" ]'
  equal 'pings lost through the second child' 0 "$(ping_lost left 6 3 0.01)"
  equal 'pings lost through the second child' 0 "$(ping_lost right 6 3 0.01)"
  equal 'suites' 'aes128gcm16 chacha20poly1305' "$(sekisho a show child-sa --json | jq -r 'sort_by(.child) | map(.suite) | join(" ")')"
  # Three echoes from each end, requests and answers.
  equal 'packets in and out of each' '[6,6] [6,6]' \
    "$(sekisho a show child-sa --json | jq -r 'sort_by(.child) | map([.in.packets, .out.packets] | tojson) | join(" ")')"
  equal 'IKE SAs' 1 "$(sekisho a show ike-sa tokyo --json | jq length)"
}
child_sas() { sekisho a show child-sa --json | jq -r 'map(.child) | sort | join(" ")'; }

ike_end() { sekisho a show ike-sa tokyo --json | jq -r ".[0].$1.address"; }
ike_end_is() { [ "$(ike_end "$1")" = "$2" ]; }

# moved WHAT END ADDRESS SPI: the IKE SA goes there, and the traffic follows.
moved() {
  await 10 "$1 to be at $3" ike_end_is "$2" "$3"
  await 10 'traffic to follow' on left ping -qc 1 -W 1 "${LAN4[b]}.2"
  equal 'pings lost afterwards' 0 "$(ping_lost left 4 5 0.02)"
  equal 'the IKE SA' "$4" "$(ike_spi)"
}

# strongSwan, who began, gets another address and loses the one it had (RFC 4555), and comes home.
then_peer_moves() {
  local spi
  spi=$(ike_spi)
  peer_at 10.9.2.3
  moved strongSwan remote 10.9.2.3 "$spi"
  peer_at "${WAN[b]}"
  moved strongSwan remote "${WAN[b]}" "$spi"
}

# Sekisho, who began, goes to its other address and back.
then_sekisho_moves() {
  local spi at
  spi=$(ike_spi)
  for at in 10.9.1.2 "${WAN[a]}"; do
    jq --arg at "$at/24" '.ports.wan.addresses = [$at]' "$LAB_DIR/a/sekisho.json" >"$LAB_DIR/a/moved.json"
    sekisho a config apply "$LAB_DIR/a/moved.json" >/dev/null
    moved Sekisho local "$at" "$spi"
  done
}

# The tunnel begins with a packet, which waits for it and arrives.
first_packet() {
  equal 'the tunnel before' down "$(tunnel_state a .state)"
  equal 'the first packet lost' 0 "$(ping_lost left 4 1 1 -W 10)"
}
