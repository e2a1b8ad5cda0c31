# A peer whose certificate, method or post-quantum key does not suffice is refused, whichever end begins, and it is said why.
# (What suffices is in interop.)
source "$(dirname "$0")/lab.sh"
lab_up sekisho strongswan
issue_chains ecdsa
issue stranger stranger ecdsa $AUTHORITY
for side in a b; do revoke ecdsa-2-$side ecdsa-2-$side-2; done
cp "$PKI"/{stranger.pem,ecdsa-2-a-2.crl,ecdsa-2-b-2.crl} "$LAB_DIR/a"
(umask 077 && printf whale >"$LAB_DIR/a/ppk")
strongswan_start b
sekisho_start a '.tokyo.start = "respond"'

own='del(.tunnels.tokyo.psk_file) | .tunnels.tokyo.local += {auth: "certificate", certificate: "ecdsa-2.pem", private_key: "ecdsa-2.key"}'
peers='.tokyo.remote += {auth: "certificate", authorities: ["ecdsa-2-root.pem"]}'
show=$'auth = pubkey\ncerts = ecdsa-2.pem' demand=$'auth = pubkey\ncacerts = ecdsa-2-root.pem'

said() { tail -n "+$1" "$LAB_DIR/a/control.log" | grep "$2" >/dev/null; }

# refused WHAT ID DETAIL STRONGSWAN_SHOWS FILTER...
refused() {
  local from
  step "$1"
  swanctl b --terminate --ike t --timeout 5 >/dev/null 2>&1 || :
  strongswan_load b local="$4" remote="$demand"
  sekisho_apply a "$own" "$peers" '.tokyo.start = "respond"' "${@:5}"
  expect 'Sekisho begins in vain' eval '! sekisho a tunnel up tokyo --timeout 15'
  await_error a "$2"
  sekisho a tunnel down tokyo
  from=$(($(wc -l <"$LAB_DIR/a/control.log") + 1))
  expect 'strongSwan begins in vain' eval '! swanctl b --initiate --child c --timeout 5 >/dev/null 2>&1'
  await 5 "message $2 again" said "$from" "$2.*$3"
}
refused 'an authority that did not issue it' SKO-IKE-033 'unable to get local issuer' "$show" \
  '.tokyo.remote.authorities = ["stranger.pem"]'
refused 'revoked' SKO-IKE-033 'certificate revoked' "$show" '.tokyo.remote.crls = ["ecdsa-2-b-2.crl"]'
refused 'no revocation list of its issuer, but one is required' SKO-IKE-033 'unable to get certificate CRL' "$show" \
  '.tokyo.remote += {crls: ["ecdsa-2-a-2.crl"], require_crl: true}'
refused 'a pre-shared key where a certificate is wanted' SKO-IKE-030 'authenticates by PSK' 'auth = psk'
refused 'a post-quantum key that the peer does not have' SKO-IKE-036 none "$show" \
  '.tokyo.ppk = {id: "blue", file: "ppk"}'

step 'and with all mended it works'
strongswan_load b local="$show" remote="$demand"
sekisho_apply a "$own" "$peers"
await_tunnel a up 20
equal 'pings lost' 0 "$(ping_lost left 4 3 0.05)"
