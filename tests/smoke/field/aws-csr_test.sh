# An AWS virtual private gateway and a Cisco CSR 1000V: IKEv1 without NAT traversal, PFS, two tunnels, BGP over both.
# Either end prefers another tunnel, so what returns takes another way. Routes are propagated: they come with what the
# other end announces, and go with it; then an operator takes down the tunnels. (BGP holds 3 seconds here instead of
# 30.)
#
#    server 172.31.0.2 -- 172.31.0.1 a 203.0.113.1 === 198.51.100.10 b 192.168.0.1 -- pc 192.168.0.2
#                         AS 10124     203.0.113.2 === 198.51.100.11   AS 65000
source "$(dirname "$0")/field.sh"
tunnel a1 b1
tunnel a2 b2
LAN4=([a]=172.31.0 [b]=192.168.0) MORE_LAN4=([a]=172.31.1 [b]=192.168.1) ASN=([a]=10124 [b]=65000) CLOUD=aws
OUTSIDE=([a1]=203.0.113.1 [a2]=203.0.113.2 [b1]=198.51.100.10 [b2]=198.51.100.11)
INSIDE=([a1]=169.254.249.1 [b1]=169.254.249.2 [a2]=169.254.249.5 [b2]=169.254.249.6)
SHARED_KEY=([1]=aB3_dE5.gH7iJ9kL1mN3oP5qR7sT9uV1 [2]=V1uT9sR7qP5oN3mL1kJ9iH7g.E5_dB3a)
IKE_VERSION=v1 IKE=aes128-sha1-modp1024 ESP=aes128-sha1-modp1024
ROUTER_FRR=10.3

field() {
  local here=${HOST[$SEKISHO_END]} there=${LAN4[$PEER_END]}.2
  local more=${MORE_LAN4[$PEER_END]}.0/24 before
  # Sekisho has both tunnels on one outside address, as the CSR has.
  [ "$SEKISHO_END" = a ] || OUTSIDE[b2]=${OUTSIDE[b1]}
  field_up
  router_start "$PEER_END"
  bgp_start a 1
  bgp_start b 2
  gateway_start "$SEKISHO_END" '.tunnels[].esp.encapsulation = "off"' '.frr = {}' \
    "$(guards "${LAN4[$PEER_END]%.*}.0.0/16")"

  step 'both tunnels come up'
  begin b1
  begin b2
  await_zebra "$SEKISHO_END"
  expect_bgp a "$(paths a 1 2)"
  expect_bgp b "$(paths b 2 1)"
  expect_sessions "$SEKISHO_END" $([ "$SEKISHO_END" = a ] && echo 1 2 || echo 2 1)
  sekisho "$SEKISHO_END" show ike-sa
  sekisho "$SEKISHO_END" show child-sa

  step 'what the server sends takes tunnel 1, what the pc sends tunnel 2'
  await 5 "$there through the VTI" through_is "$SEKISHO_END" "$there" "vti$([ "$SEKISHO_END" = a ] && echo 1 || echo 2)"
  before=($(esp_crossed a1 b1) $(esp_crossed b2 a2))
  pings left 192.168.0.2
  pings right 172.31.0.2
  expect_crossed a1 b1 "${before[0]}"
  expect_crossed b2 a2 "${before[1]}"

  step 'a second prefix is announced, and withdrawn'
  no_pings "$here" "${more%.*}.2"
  announce "$PEER_END" network "$more"
  await 10 "$more to appear" propagated "$SEKISHO_END" "$more"
  say "ok: $(sekisho "$SEKISHO_END" show route "$more" | tail -n 1)"
  await 5 "$more over both tunnels" received_is "$SEKISHO_END" "$more" 2
  pings "$here" "${more%.*}.2"
  announce "$PEER_END" no network "$more"
  await 10 "$more to go" not_propagated "$SEKISHO_END" "$more"
  await 5 "$more over no tunnel" received_is "$SEKISHO_END" "$more" 0
  no_pings "$here" "${more%.*}.2"

  step 'an operator takes tunnel 1 down: both ends go over at once'
  flow_start "$here" "$there"
  sekisho "$SEKISHO_END" tunnel down tunnel1 >/dev/null
  expect_bgp a "$(paths a 2)"
  expect_bgp b "$(paths b 2)"
  await 5 "$there through the VTI of tunnel 2" through_is "$SEKISHO_END" "$there" vti2
  flow_end 'tunnel 1 taken down'
  pings left 192.168.0.2
  sekisho "$SEKISHO_END" show tunnel
  expect_sessions "$SEKISHO_END" 2

  step 'and tunnel 2, under traffic: the propagated route is gone, and nothing leaves'
  flow_start "$here" "$there"
  sekisho "$SEKISHO_END" tunnel down tunnel2 >/dev/null
  nothing_leaves "$SEKISHO_END" "$there"
  expect_bgp "$SEKISHO_END" "$(paths "$SEKISHO_END")"
  expect_sessions "$SEKISHO_END"
  flow_stop
  field_sealed bare
}
announce() {
  local gateway=$1
  shift
  vtysh "$gateway" 'configure terminal' "router bgp ${ASN[$gateway]}" 'address-family ipv4 unicast' "$*"
}
# propagated GATEWAY PREFIX: it is there, and marked as a route by BGP.
propagated() {
  sekisho "$1" show route --json | jq -e --arg prefix "$2" 'any(.[]; .prefix == $prefix and .origin == "bgp")'
}
not_propagated() { ! propagated "$@"; }
# received_is GATEWAY PREFIX COUNT: over so many sessions.
received_is() {
  [ "$(sekisho "$1" show bgp received --json | jq --arg it "$2" 'map(select(.prefix == $it)) | length')" = "$3" ]
}
field_run "$@"
