# What IKE can negotiate: every key exchange and kind of proposal as both sides, COOKIE, INVALID_KE_PAYLOAD, PFS,
# narrowing, and the legacy profile.
source "$(dirname "$0")/lab.sh"
lab_up sekisho strongswan
strongswan_start b charon='cookie_threshold = 1'
sekisho_start a '.tokyo.start = "respond"'
ike_proposal() { sekisho a show ike-sa --json | jq -r '.[0].proposal'; }

# negotiates IKE ESP [FILTER]: as both sides.
negotiates() {
  swanctl b --terminate --ike t --timeout 5 >/dev/null 2>&1 || :
  strongswan_load b ike="$1" esp="$2"
  sekisho_apply a '.tokyo.start = "respond"' ".tokyo.ike.proposals = [\"$1\"]" ".tokyo.esp.proposals = [\"$2\"]" "${3:-.}"
  expect "$1, $2: strongSwan initiates" swanctl b --initiate --child c --timeout 15
  await_tunnel a up
  equal 'pings lost' 0 "$(ping_lost left 4 3 0.02)"
  swanctl b --terminate --ike t --timeout 5 >/dev/null
  await_tunnel a down
  expect "$1, $2: Sekisho initiates" sekisho a tunnel up tokyo --timeout 20
  sekisho a tunnel rekey tokyo
  sekisho a tunnel rekey tokyo --ike
  equal 'pings lost' 0 "$(ping_lost left 4 5 0.1)"
  equal 'the proposal in use' "$1" "$(ike_proposal)"
}
negotiates aes128gcm16-prfsha256-x25519 aes128gcm16-x25519
negotiates aes256gcm16-prfsha384-ecp384 aes256gcm16-ecp384
negotiates chacha20poly1305-prfsha256-x25519 chacha20poly1305-x25519
negotiates aes128-sha256-modp2048 aes128-sha256-modp2048
negotiates aes256-sha384-modp3072 aes256-sha384-modp3072
negotiates aes256-sha512-modp4096 aes256-sha512
negotiates aes128gcm16-prfsha512-ecp256 aes128gcm16-ecp256
negotiates aes256-sha1-modp1024 aes256-sha1-modp1024 '.tokyo.profile = "legacy"'

step 'COOKIE: strongSwan wants one while another negotiation hangs half-way'
capture_start init net to-b udp port 500
sekisho a tunnel down tokyo
expect 'up as usual' sekisho a tunnel up tokyo --timeout 20
capture_stop init
sekisho a tunnel down tokyo
on net "$PYTHON" "$SMOKE/lab/half_open.py" "$LAB_DIR/init.pcap" "${WAN[a]}" "${WAN[b]}" 1
await_line 5 "$LAB_DIR/b/charon.log" 'from 10.9.1.1.1024.'
expect 'up with a cookie' sekisho a tunnel up tokyo --timeout 20
at_least 'cookies that strongSwan demanded' 1 "$(grep -c 'response 0 \[ N(COOKIE) \]' "$LAB_DIR/b/charon.log")"
equal 'pings lost' 0 "$(ping_lost left 4 5 0.05)"

step 'another group than the first (INVALID_KE_PAYLOAD), both ways'
swanctl b --terminate --ike t --timeout 5 >/dev/null
strongswan_load b ike=aes128gcm16-prfsha256-ecp256
sekisho_apply a '.tokyo.start = "respond"' \
  '.tokyo.ike.proposals = ["aes128gcm16-prfsha256-x25519", "aes128gcm16-prfsha256-ecp256"]'
expect 'Sekisho initiates' sekisho a tunnel up tokyo --timeout 20
equal 'the proposal in use' aes128gcm16-prfsha256-ecp256 "$(ike_proposal)"
swanctl b --terminate --ike t --timeout 5 >/dev/null
strongswan_load b ike=aes128gcm16-prfsha256-x25519-ecp256
sekisho_apply a '.tokyo.start = "respond"' '.tokyo.ike.proposals = ["aes128gcm16-prfsha256-ecp256"]'
expect 'strongSwan initiates' swanctl b --initiate --child c --timeout 15
equal 'the proposal in use' aes128gcm16-prfsha256-ecp256 "$(ike_proposal)"
at_least 'times that the key exchange was refused' 2 "$(grep -c 'N(INVAL_KE)' "$LAB_DIR/b/charon.log")"

step 'narrowing, both ways'
swanctl b --terminate --ike t --timeout 5 >/dev/null
strongswan_load b local_ts=10.2.0.0/25 remote_ts=10.1.0.0/16
sekisho_apply a '.tokyo.start = "respond"'
expect 'Sekisho initiates' sekisho a tunnel up tokyo --timeout 20
equal 'selectors' '10.1.0.0/24 10.2.0.0/25' \
  "$(sekisho a show child-sa --json | jq -r '.[0] | "\(.local_selectors[0]) \(.remote_selectors[0])"')"
equal 'pings lost' 0 "$(ping_lost left 4 3 0.02)"
swanctl b --terminate --ike t --timeout 5 >/dev/null
await_tunnel a down
expect 'strongSwan initiates' swanctl b --initiate --child c --timeout 15
await_tunnel a up
equal 'pings lost' 0 "$(ping_lost right 4 3 0.02)"
