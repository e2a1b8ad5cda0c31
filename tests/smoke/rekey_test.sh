# Rekeying of child and IKE SAs, started by either side, loses no packet.
source "$(dirname "$0")/lab.sh"
lab_up sekisho strongswan
strongswan_start b
sekisho_start a
await_tunnel a up

spi() { sekisho a show child-sa --json | jq -r '.[0].inbound_spi'; }
ike_spi() { sekisho a show ike-sa --json | jq -r '.[0].initiator_spi'; }

# rekeyed WHAT VIEW COMMAND...: five times under ping, each time with other SPIs, and without a loss.
rekeyed() {
  local what=$1 view=$2 before
  shift 2
  step "$what"
  ping_in_background left 4 400 0.02
  for _ in 1 2 3 4 5; do
    before=$($view)
    "$@" >/dev/null || fail "$what"
    await 10 "new SPIs after $what" eval "[ \"\$($view)\" != $before ] && [ \"\$($view)\" != null ]"
  done
  ping_wait
  equal "pings lost, $what" 0 "$PING_LOST"
  await 10 'one child SA' eval '[ "$(sekisho a show child-sa --json | jq length)" = 1 ]'
}
rekeyed 'child rekeyed by Sekisho' spi sekisho a tunnel rekey tokyo
rekeyed 'child rekeyed by strongSwan' spi swanctl b --rekey --child c
rekeyed 'IKE SA rekeyed by Sekisho' ike_spi sekisho a tunnel rekey tokyo --ike
rekeyed 'IKE SA rekeyed by strongSwan' ike_spi swanctl b --rekey --ike t

step 'by lifetime: the child every few seconds on both sides, the IKE SA too'
swanctl b --terminate --ike t --timeout 5 >/dev/null
strongswan_load b child=$'rekey_time = 4s\nlife_time = 12s\nrand_time = 0s' \
  connection=$'rekey_time = 7s\nover_time = 10s\nrand_time = 0s'
sekisho_apply a '.tokyo.esp.lifetime = 5' '.tokyo.ike.lifetime = 15'
expect 'up again' sekisho a tunnel up tokyo --timeout 20
logged() { grep -c "$1" "$LAB_DIR/a/control.log"; }
children=$(logged SKO-IKE-009) ike_sas=$(logged SKO-IKE-010)
equal 'pings lost in 25 s' 0 "$(ping_lost left 4 1000 0.025)"
at_least 'new child SAs meanwhile' 4 $(($(logged SKO-IKE-009) - children))
at_least 'new IKE SAs meanwhile' 2 $(($(logged SKO-IKE-010) - ike_sas))
tcp_both_ways 4 10
