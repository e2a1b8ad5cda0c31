# What goes wrong with a peer is named, each with its own message, and nothing leaks meanwhile.
source "$(dirname "$0")/lab.sh"
lab_up sekisho strongswan
strongswan_start b
capture_start internet net to-a
on left ping -n -i 0.1 -p "$MARKER_HEX" 10.2.0.2 >/dev/null 2>&1 &
sekisho_start a '.tokyo.start = "respond"'

# fails WHAT ID STRONGSWAN_KEY SEKISHO_FILTER. strongSwan takes secrets and connections one after the other, and all may be
# right in between; so Sekisho turns to it once both are there.
fails() {
  step "$1"
  sekisho_apply a '.tokyo.start = "respond"' '.tokyo.remote.address = "10.9.2.77"'
  swanctl b --terminate --ike t --timeout 5 >/dev/null 2>&1 || :
  strongswan_load b ${3:+"$3"}
  sekisho_apply a "${4:-.}"
  expect 'tunnel up says no' eval '! sekisho a tunnel up tokyo --timeout 15'
  await_error a "$2"
}
fails 'wrong pre-shared key' SKO-IKE-003 psk=something-else-entirely
fails 'no common IKE proposal' SKO-IKE-002 ike=aes256-sha256-ecp256
fails 'no common ESP proposal' SKO-IKE-006 esp=aes256-sha512
fails 'selector mismatch' SKO-IKE-005 local_ts=10.99.0.0/24
fails 'unreachable peer' SKO-IKE-001 '' '.tokyo.remote.address = "10.9.2.77"'

step 'the same as responder'
# explained KIND OURS THEIRS: what was not in common, both sides' offers side by side.
explained() {
  sekisho a explain tunnel tokyo >"$LAB_DIR/explained"
  expect "explained: no $1 in common" grep -q "no $1 in common" "$LAB_DIR/explained"
  expect "explained: ours $2, the peer's $3" grep -qE "^ *$2 +$3\$" "$LAB_DIR/explained"
}
# refuses WHAT ID STRONGSWAN_KEY [KIND OURS THEIRS]
refuses() {
  strongswan_load b "$3"
  sekisho_apply a '.tokyo.start = "respond"'
  expect "$1: strongSwan is refused" eval '! swanctl b --initiate --child c --timeout 5 >/dev/null 2>&1'
  await_error a "$2"
  [ $# = 3 ] || explained "${@:4}"
  swanctl b --terminate --ike t --timeout 5 >/dev/null 2>&1 || :
}
refuses 'wrong pre-shared key' SKO-IKE-004 psk=something-else-entirely
refuses 'no common IKE proposal' SKO-IKE-002 ike=aes256-sha256-ecp256 \
  'IKE proposal' aes128gcm16-prfsha256-x25519 aes256-sha256-prfsha256-ecp256
refuses 'no common ESP proposal' SKO-IKE-006 esp=aes256-sha512 'ESP proposal' aes128gcm16 aes256-sha512
refuses 'selector mismatch' SKO-IKE-005 local_ts=10.99.0.0/24 selectors 'remote 10.2.0.0/24' 'remote 10.99.0.0/24'

capture_stop internet
expect_silent internet
step 'and with all mended it works'
strongswan_load b
sekisho_apply a
await_tunnel a up 20
ping_sizes left 4 100
