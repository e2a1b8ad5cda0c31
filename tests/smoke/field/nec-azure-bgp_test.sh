# An Azure VPN gateway and a NEC IX router that go from static routes to BGP while the tunnel stands. BGP is spoken
# between loopback addresses, which are reached by a /32 through the tunnel. What a static route says of the LAN stands
# behind what BGP says of it, until it is removed. The cloud's end announces the /32, too, out of its routes into the
# tunnel, as Azure does with the prefixes of local network gateways (Microsoft's VPN Gateway FAQ). Then the tunnel goes
# down: so do the session and the routes. (BGP holds 3 seconds here instead of 180.)
#
#    server 10.0.0.2 -- 10.0.0.1 a 203.0.113.1 === 198.51.100.10 b 192.168.1.1 -- pc 192.168.1.2
#       AS 65515, 10.0.255.30 on its loopback       AS 65001, 192.168.255.1 on its loopback
source "$(dirname "$0")/field.sh"
tunnel a1 b1
LAN4=([a]=10.0.0 [b]=192.168.1) ASN=([a]=65515 [b]=65001) CLOUD=azure
OUTSIDE=([a1]=203.0.113.1 [b1]=198.51.100.10) INSIDE=([a1]=169.254.21.1 [b1]=169.254.21.2)
SPEAKER=([a1]=10.0.255.30 [b1]=192.168.255.1) TOLD=([a]=192.168.255.1/32)
SHARED_KEY=([1]='P@ssw0rd1234')
IKE=aes256-sha1-modp1024 ESP=aes256-sha256 ESP_BYTES=$((102400000 * 1024)) VTI_MTU=1350

field() {
  local here=${HOST[$SEKISHO_END]} there=${LAN4[$PEER_END]}.2 far=${LAN4[$PEER_END]}.0/24
  local near=${LAN4[$SEKISHO_END]}.0/24 before
  # What Sekisho's tunnel leads to: with static routes the LAN, with BGP the other one's loopback address. In between
  # both, told to zebra with a distance beyond BGP's.
  local static=".tunnels.tunnel1.routes += [\"$far\"]"
  local behind='.tunnels.tunnel1.propagate = {distance: 210}'
  local bgp=".frr = {} | .tunnels.tunnel1.routes += [\"$(speaker "${PEER_END}1")/32\"]"
  local guarded
  guarded=$(guards "${LAN4[$PEER_END]%.*}.0.0/16")
  field_up
  router_start "$PEER_END"
  routing "$PEER_END" staticd "ip route $near vti1" "ip route $(speaker "${SEKISHO_END}1")/32 vti1"
  routing_start "$PEER_END"
  gateway_start "$SEKISHO_END" "$static" "$guarded"

  step 'static routes'
  begin b1
  await 5 "$there through the VTI" through_is "$SEKISHO_END" "$there" vti1
  pings right 10.0.0.2
  pings left 192.168.1.2
  equal 'where the route is from' tunnel "$(origin "$SEKISHO_END" "$there")"

  step 'to BGP, under traffic and with the same SAs'
  before=$(spis "$SEKISHO_END")
  flow_start "$here" "$there"
  address a lo "${SPEAKER[a1]}/32"
  address b lo "${SPEAKER[b1]}/32"
  bgp_start a
  bgp_start b
  field_config "$SEKISHO_END" "$static" "$behind" "$bgp" "$guarded"
  expect 'the change takes no tunnel down' goes_down "$SEKISHO_END" false
  gateway_apply "$SEKISHO_END" "$static" "$behind" "$bgp" "$guarded"
  expect_bgp a "$(paths a 1)"
  expect_bgp b "$(paths b 1)"
  expect_sessions "$SEKISHO_END" 1
  await 5 'the route to come from BGP' origin_is "$SEKISHO_END" "$there" bgp
  vtysh "$PEER_END" 'configure terminal' "no ip route $near vti1"
  gateway_apply "$SEKISHO_END" "$bgp" "$guarded"
  await_zebra "$SEKISHO_END" 1
  flow_end 'from static routes to BGP'
  equal 'packets lost' 0 "$FLOW_LOST"
  equal 'the SPIs' "$before" "$(spis "$SEKISHO_END")"
  equal 'where the route is from' bgp "$(origin "$SEKISHO_END" "$there")"
  sekisho "$SEKISHO_END" show route "$there"
  pings left 192.168.1.2
  pings right 10.0.0.2

  step 'the tunnel goes down under traffic: the propagated routes are gone, and nothing leaves'
  flow_start "$here" "$there"
  sekisho "$SEKISHO_END" tunnel down tunnel1 >/dev/null
  nothing_leaves "$SEKISHO_END" "$there"
  await_zebra "$SEKISHO_END" 0
  expect_bgp a "$(paths a)"
  expect_bgp b "$(paths b)"
  expect_sessions "$SEKISHO_END"

  step 'and back'
  sekisho "$SEKISHO_END" tunnel up tunnel1 --timeout 20
  await_zebra "$SEKISHO_END" 1
  expect_bgp a "$(paths a 1)"
  expect_bgp b "$(paths b 1)"
  expect_sessions "$SEKISHO_END" 1
  flow_end 'down and up by the operator'
  pings left 192.168.1.2
  field_sealed bare
}
spis() { sekisho "$1" show child-sa --json | jq -c 'map([.inbound_spi, .outbound_spi])'; }
origin() { sekisho "$1" show route "$2" --json | jq -r '.[0].origin'; }
origin_is() { [ "$(origin "$1" "$2")" = "$3" ]; }
goes_down() {
  [ "$(sekisho "$1" config diff "$LAB_DIR/$1/sekisho.json" --json | jq 'any(.effects[]; .goes_down)')" = "$2" ]
}
field_run "$@"
