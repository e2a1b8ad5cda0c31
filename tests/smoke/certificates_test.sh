# Certificates with strongSwan: a chain of ECDSA certificates at both ends, with either end as initiator, each end in its
# own way, an authority that issued neither, and a post-quantum pre-shared key (RFC 8784).
source "$(dirname "$0")/lab.sh"
lab_up sekisho strongswan

PKI=$LAB_DIR/pki
mkdir -p "$PKI"
printf '[req]\ndistinguished_name = name\n[name]\n' >"$PKI/openssl.cnf"
# issue NAME ISSUER EXTENSION...: NAME.pem and NAME.key in $PKI. An issuer of the same name makes it self-signed.
issue() {
  local name=$PKI/$1 issuer=$PKI/$2 signer=() extensions=()
  [ "$1" = "$2" ] || signer=(-CA "$issuer.pem" -CAkey "$issuer.key")
  shift 2
  extensions=("${@/#/-addext }")
  (umask 077 && openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$name.key")
  openssl req -x509 -new -config "$PKI/openssl.cnf" -key "$name.key" -subj "/O=Lab/CN=${name##*/}" -days 30 \
    "${signer[@]}" ${extensions[@]} -out "$name.pem"
}
issue root root basicConstraints=critical,CA:TRUE keyUsage=critical,keyCertSign,cRLSign
issue stranger stranger basicConstraints=critical,CA:TRUE
issue middle root basicConstraints=critical,CA:TRUE keyUsage=critical,keyCertSign,cRLSign
for name in a b; do issue $name middle basicConstraints=critical,CA:FALSE subjectAltName=DNS:$name.lab; done

cat "$PKI"/{a,middle}.pem >"$LAB_DIR/a/chain.pem"
cp "$PKI"/{root.pem,stranger.pem,a.key} "$LAB_DIR/a"
strongswan_start b
cp "$PKI"/b.pem "$LAB_DIR/b/swanctl/x509"
cp "$PKI"/{root,middle}.pem "$LAB_DIR/b/swanctl/x509ca"
cp "$PKI"/b.key "$LAB_DIR/b/swanctl/private"

# What each end may show and demand.
own='.tokyo.local += {auth: "certificate", certificate: "chain.pem", private_key: "a.key"}'
peers='.tokyo.remote += {auth: "certificate", authorities: ["root.pem"]}'
without_key='del(.tunnels.tokyo.psk_file)'
show_b=$'auth = pubkey\ncerts = b.pem'
demand=$'auth = pubkey\ncacerts = root.pem'
ppk='.tokyo.ppk = {id: "blue", file: "ppk"}'
(umask 077 && printf 'whale' >"$LAB_DIR/a/ppk")

# both_ways: up with either end as initiator, and packets go through.
both_ways() {
  expect 'up, begun by strongSwan' swanctl b --initiate --child c --timeout 15
  await_tunnel a up
  equal 'pings lost' 0 "$(ping_lost left 4 10 0.05)"
  swanctl b --terminate --ike t --timeout 5 >/dev/null
  await_tunnel a down
  expect 'up, begun by Sekisho' sekisho a tunnel up tokyo --timeout 20
  equal 'pings lost' 0 "$(ping_lost left 4 10 0.05)"
  swanctl b --terminate --ike t --timeout 5 >/dev/null
  await_tunnel a down
}

step 'a certificate at both ends'
strongswan_load b local="$show_b" remote="$demand"
sekisho_start a "$own" "$peers" "$without_key" '.tokyo.start = "respond"'
both_ways
grep -q 'ECDSA_WITH_SHA256' "$LAB_DIR/b/charon.log" || fail 'strongSwan saw no ECDSA signature of RFC 7427'

step 'a certificate here, a pre-shared key there, and the other way round'
strongswan_load b remote="$demand"
sekisho_apply a "$own" '.tokyo.start = "respond"'
both_ways
strongswan_load b local="$show_b"
sekisho_apply a "$peers" '.tokyo.start = "respond"'
both_ways

step 'an authority that did not issue it'
strongswan_load b local="$show_b" remote="$demand"
sekisho_apply a "$own" "$peers" "$without_key" '.tokyo.remote.authorities = ["stranger.pem"]'
await_error a SKO-IKE-033

step 'a post-quantum pre-shared key, with a pre-shared key and with certificates'
ppk_there=$'ppk_id = blue\nppk_required = yes' secret=$'ppk-1 {\nid = blue\nsecret = whale\n}'
strongswan_load b connection="$ppk_there" secrets="$secret"
sekisho_apply a "$ppk" '.tokyo.start = "respond"'
both_ways
strongswan_load b connection="$ppk_there" secrets="$secret" local="$show_b" remote="$demand"
sekisho_apply a "$own" "$peers" "$without_key" "$ppk" '.tokyo.start = "respond"'
both_ways

step 'one that the peer does not have'
strongswan_load b local="$show_b" remote="$demand"
sekisho_apply a "$own" "$peers" "$without_key" "$ppk"
await_error a SKO-IKE-036
