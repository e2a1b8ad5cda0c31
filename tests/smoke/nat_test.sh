# NAT in the path: detected, and ESP goes into UDP by itself; with the peer behind it, and with Sekisho behind it. The
# peer is the strongSwan that would send plain ESP otherwise.
source "$(dirname "$0")/lab.sh"
lab_up sekisho strongswan
strongswan_start b release=trixie raw_esp=yes

# masquerade FROM TO: what the side FROM sends to the side TO has the router's address.
masquerade() {
  on net nft -f - <<END
flush ruleset
table ip nat {
chain out {
type nat hook postrouting priority srcnat
oifname "to-$2" ip saddr ${WAN[$1]} masquerade
}
}
END
}
# crosses WHO: the flag of the IKE SA's view that must be set.
crosses() {
  await_tunnel a up
  equal "$1" true "$(sekisho a show ike-sa --json | jq -r ".[0].$1")"
  ping_sizes left 4 64 1400
  ping_sizes right 6 64 1400
  tcp_both_ways 4 10
  capture_stop "$1"
  expect_sealed "$1"
  equal 'packets of protocol 50' 0 "$(capture_count "$1" esp)"
}
step 'strongSwan behind NAT'
masquerade b a
capture_start remote_behind_nat net to-a
sekisho_start a '.tokyo.start = "respond"' ".tokyo.remote.address = \"${ROUTER[a]}\""
expect 'strongSwan initiates' swanctl b --initiate --child c --timeout 15
crosses remote_behind_nat

step 'Sekisho behind NAT'
swanctl b --terminate --ike t --timeout 5 >/dev/null
masquerade a b
strongswan_load b remote_addrs=%any
capture_start local_behind_nat net to-a
sekisho_apply a
expect 'Sekisho initiates' sekisho a tunnel up tokyo --timeout 20
crosses local_behind_nat
