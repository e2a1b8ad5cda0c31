# A path narrower than the links at its ends, through a router that tells nobody and over which no IP fragments get: IKE
# finds its MTU, and from then on no size is lost silently. Outside over IPv4 with strongSwan, over IPv6 between two Sekishos.
source "$(dirname "$0")/lab.sh"
DATAPLANE_ARGUMENTS=--af-xdp

# path MTU: of the router's links.
path() { for side in a b; do on net ip link set "to-$side" mtu "$1"; done; }

# silence: the router says nothing of it, and what it fragments is lost.
silence() {
  on net nft -f - <<'END'
table inet silent {
chain output {
type filter hook output priority 0
icmp type destination-unreachable icmp code frag-needed drop
icmpv6 type packet-too-big drop
}
}
table netdev lossy {
chain egress {
type filter hook egress devices = { "to-a", "to-b" } priority 0
ip frag-off & 0x3fff != 0 drop
exthdr frag exists drop
}
}
END
}

filters=('.ports.wan.device = "net_af_xdp0,iface=wan-wire,force_copy=1"' '.ports.lan.device = "net_af_xdp1,iface=lan-wire,force_copy=1"'
  '.tokyo.interface.mtu = "auto"' '.tokyo.df = "copy"')

mtus() { sekisho "$1" show mtu tokyo --json | jq -r '.[0] | "\(.path_mtu.state) \(.path_mtu.mtu) \(.mtu)"'; }
found() { [ "$(mtus "$1")" = "found $2 $3" ]; }
# await_found SIDE PATH MTU: what IKE finds, and what the tunnel makes of it.
await_found() { await 20 "side $1 to find $2 and have an MTU of $3" found "$@"; }
ike_spi() { sekisho a show ike-sa --json | jq -r '.[0].initiator_spi'; }

# sweep FROM MTU: both families.
sweep() {
  local from=$1 mtu=$2 family to host headers
  to=$(opposite "$from")
  for host in left right; do
    on "$host" ip route flush cache
    on "$host" ip -6 route flush cache
  done
  for family in 4 6; do
    headers=$((family == 4 ? 40 : 60))
    on "$from" timeout 60 "$PYTHON" "$SMOKE/lab/sweep_sizes.py" sweep "$(host_address "$to" $family)" 5701 1500 "$mtu" \
      $((mtu - headers)) || fail "IPv$family from $from"
  done
}

serve() {
  local host family
  for host in "$@"; do
    for family in 4 6; do
      start "$host" "$LAB_DIR/sweep.$host$family" "$PYTHON" "$SMOKE/lab/sweep_sizes.py" serve "$(host_address "$host" $family)" 5701
      await_line 10 "$LAB_DIR/sweep.$host$family" '^listening'
    done
  done
}

over_ipv4_with_strongswan() {
  lab_up sekisho strongswan
  path 1400
  silence
  serve right
  strongswan_start b release=trixie raw_esp=yes
  sekisho_start a "${filters[@]}"
  await_tunnel a up
  local before
  before=$(ike_spi)
  await_found a 1400 1346  # less 20 (IPv4), 8 (ESP), 8 (IV), 16 (ICV), 2
  sekisho a show mtu tokyo
  grep -q 'SKO-IKE-065.*1400 octets' "$LAB_DIR/a/control.log" || fail 'it is no news'
  sweep left 1346
  equal 'packets dropped as too big' 0 "$(drops a too-big)"

  step 'wider again: noticed when the link changes'
  path 1500
  sekisho_apply a "${filters[@]}" '.ports.wan.mtu = 1490'
  await_found a 1490 1434  # 1438 less than a block of 4
  equal 'SPI of the IKE SA' "$before" "$(ike_spi)"
  equal 'requests that charon could not take' 0 "$(grep -c 'processing failed' "$LAB_DIR/b/charon.log")"
}

over_ipv6_between_sekishos() {
  outer_ipv6
  lab_up sekisho sekisho
  path 1400
  silence
  serve left right
  sekisho_start b "${filters[@]}" '.tokyo.start = "respond"'
  sekisho_start a "${filters[@]}"
  await_tunnel a up
  for side in a b; do await_found $side 1400 1326; done  # less 40 (IPv6), 8, 8, 16, 2
  sweep left 1326
  sweep right 1326
  for side in a b; do equal "packets that side $side dropped as too big" 0 "$(drops $side too-big)"; done
}

step 'IPv4 outside, with strongSwan'
(over_ipv4_with_strongswan)
step 'IPv6 outside, between two Sekishos'
(over_ipv6_between_sekishos)
