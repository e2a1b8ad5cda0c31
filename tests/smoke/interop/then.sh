# What single scenarios do with a tunnel that is up. Each function gets the end that began it, sekisho or strongswan.

inbound_spi() { sekisho a show child-sa --json | jq -r '.[0].inbound_spi'; }
ike_spi() { sekisho a show ike-sa --json | jq -r '.[0].initiator_spi'; }
# changed VIEW OLD: it shows another SPI.
changed() {
  local spi
  spi=$($1)
  [ "$spi" != "$2" ] && [ "$spi" != null ]
}
# SAs as both ends have them.
expect_one_of_each() {
  await 10 'one child SA at Sekisho' eval '[ "$(sekisho a show child-sa --json | jq length)" = 1 ]'
  await 10 'one IKE SA at Sekisho' eval '[ "$(sekisho a show ike-sa --json | jq length)" = 1 ]'
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

# collide KIND VIEW: both ends ask for new keys of the child or the IKE SA, and their requests cross. strongSwan says so.
collide() {
  local kind=$1 view=$2 before collisions
  before=$($view)
  collisions=$(grep -c 'detected .*collision' "$LAB_DIR/b/charon.log") || :
  swanctl b --rekey "--$kind" "$3" >/dev/null &
  sekisho a tunnel rekey tokyo $4 >/dev/null
  wait $!
  await 10 "a collision to strongSwan's knowledge" \
    eval "[ \"\$(grep -c 'detected .*collision' '$LAB_DIR/b/charon.log')\" -gt $collisions ]"
  await 10 'new SPIs' changed "$view" "$before"
  expect_one_of_each
}
then_collide() {
  slow_ike 150
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
