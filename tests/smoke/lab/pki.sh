# Certificates for the gateways, made where a test asks for them. Each end has authorities of its own below a root that both
# know, so that each has to send the other the ones in between.

PKI=$LAB_DIR/pki
declare -A KEY_TYPE=([rsa]='RSA -pkeyopt rsa_keygen_bits:2048' [ecdsa]='EC -pkeyopt ec_paramgen_curve:P-256'
  [ed25519]=ED25519)
AUTHORITY='basicConstraints=critical,CA:TRUE keyUsage=critical,keyCertSign,cRLSign'

# issue NAME ISSUER TYPE EXTENSION...: NAME.pem and NAME.key in $PKI. An issuer of the same name makes it self-signed.
issue() {
  local name=$PKI/$1 issuer=$PKI/$2 type=$3 signer=() extensions=()
  [ "$1" = "$2" ] || signer=(-CA "$issuer.pem" -CAkey "$issuer.key")
  shift 3
  extensions=("${@/#/-addext }")
  mkdir -p "$PKI"
  printf '[req]\ndistinguished_name = name\n[name]\n' >"$PKI/openssl.cnf"
  (umask 077 && openssl genpkey -quiet -algorithm ${KEY_TYPE[$type]} -out "$name.key")
  openssl req -x509 -new -config "$PKI/openssl.cnf" -key "$name.key" -subj "/O=Lab/CN=${name##*/}" -days 30 \
    "${signer[@]}" ${extensions[@]} -out "$name.pem"
}

# issue_chains TYPE [LENGTH]: what both gateways need for certificates of this type, once; each sends so many certificates.
# They are called TYPE-LENGTH:
#   Sekisho     $LAB_DIR/SIDE/{NAME.pem,NAME.key,NAME-root.pem}, its own chain and the authority to trust
#   strongSwan  $LAB_DIR/SIDE/swanctl/{x509/NAME.pem,x509ca/NAME-root.pem,...}
issue_chains() {
  local name=$1-${2:-2} side issuer above each
  [ ! -e "$PKI/$name-root.pem" ] || return 0
  issue "$name-root" "$name-root" "$1" $AUTHORITY
  for side in a b; do
    issuer=$name-root above=()
    for ((each = ${2:-2}; each > 1; each--)); do
      issue "$name-$side-$each" "$issuer" "$1" $AUTHORITY
      issuer=$name-$side-$each
      above=("$PKI/$issuer.pem" "${above[@]}")
    done
    issue "$name-$side" "$issuer" "$1" basicConstraints=critical,CA:FALSE \
      "subjectAltName=DNS:$side.lab,IP:${WAN[$side]}"
    hand_out "$name" "$side" "${above[@]}"
  done
}

# hand_out NAME SIDE AUTHORITY...: both kinds of gateway find the files of that side.
hand_out() {
  local name=$1 own=$PKI/$1-$2 to=$LAB_DIR/$2
  shift 2
  cat "$own.pem" "$@" >"$to/$name.pem"
  cp "$own.key" "$to/$name.key"
  cp "$PKI/$name-root.pem" "$to"
  mkdir -p "$to"/swanctl/{x509,x509ca,private}
  cp "$own.pem" "$to/swanctl/x509/$name.pem"
  cp "$own.key" "$to/swanctl/private/$name.key"
  cp "$PKI/$name-root.pem" "$@" "$to/swanctl/x509ca"
}

# revoke NAME ISSUER: ISSUER.crl in $PKI, a list that names this certificate alone.
revoke() {
  local issuer=$PKI/$2 own=(openssl ca -config "$PKI/ca.cnf" -cert "$PKI/$2.pem" -keyfile "$PKI/$2.key")
  printf '[ca]\ndefault_ca = own\n[own]\ndatabase = %s\ndefault_md = sha256\ndefault_crl_days = 30\n' "$issuer.index" \
    >"$PKI/ca.cnf"
  : >"$issuer.index"
  "${own[@]}" -revoke "$PKI/$1.pem" 2>"$PKI/revoke.out" || fail "openssl: $(cat "$PKI/revoke.out")"
  "${own[@]}" -gencrl -out "$issuer.crl" 2>"$PKI/revoke.out" || fail "openssl: $(cat "$PKI/revoke.out")"
}
