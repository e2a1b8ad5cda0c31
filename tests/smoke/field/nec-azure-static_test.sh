# An Azure VPN gateway and a NEC IX router on a PPPoE link (MTU 1454), behind a stateful firewall; static routes, one
# tunnel. IKEv2; the lifetimes are Azure's, also that of 102400000 KB. Then the link dies silently: both ends notice,
# nothing leaves, and when the link is back the customer's end brings the tunnel back by itself. (Here peers are probed
# every 2 seconds instead of every 10.)
#
#    server 10.0.0.2 -- 10.0.0.1 a 203.0.113.1 === 198.51.100.10 b 192.168.1.1 -- pc 192.168.1.2
#                             169.254.21.1  VTI  169.254.21.2
source "$(dirname "$0")/field.sh"
tunnel a1 b1
LAN4=([a]=10.0.0 [b]=192.168.1)
OUTSIDE=([a1]=203.0.113.1 [b1]=198.51.100.10) INSIDE=([a1]=169.254.21.1 [b1]=169.254.21.2)
WAN_MTU=([b]=1454) VTI_MTU=1350
SHARED_KEY=([1]='P@ssw0rd1234')
IKE=aes256-sha1-modp1024 ESP=aes256-sha256 ESP_BYTES=$((102400000 * 1024)) DPD=2

field() {
  local there=${LAN4[$PEER_END]}.2 route=".tunnels.tunnel1.routes += [\"${LAN4[$PEER_END]}.0/24\"]"
  field_up
  firewall b

  step 'a typo in the configuration is found before it is used'
  field_config "$SEKISHO_END" "$route" '.tunnels.tunnel1.remote.address = "172.16.0.0.100"'
  expect 'config check refuses' eval '! sekisho_check'
  grep -A 3 172.16.0.0.100 "$LAB_DIR/check.out"

  step "both gateways start; the customer's begins"
  router_start "$PEER_END"
  routing "$PEER_END" staticd "ip route ${LAN4[$SEKISHO_END]}.0/24 ${INSIDE[${SEKISHO_END}1]}"
  routing_start "$PEER_END"
  gateway_start "$SEKISHO_END" "$route"
  begin b1
  sekisho "$SEKISHO_END" show ike-sa
  await 5 "$there through the VTI" through_is "$SEKISHO_END" "$there" vti1
  equal 'the ESP suite' aes256-sha256 "$(sekisho "$SEKISHO_END" show child-sa --json | jq -r '.[0].suite')"

  step "hosts reach each other, the customer's first: to the firewall ESP is something new"
  pings right 10.0.0.2
  pings left 192.168.1.2
  pings left 192.168.1.2 -M do -s $((VTI_MTU - 28))
  pings right 10.0.0.2 -M do -s $((VTI_MTU - 28))

  step 'the link dies, and is back when both ends have noticed'
  flow_start "${HOST[$SEKISHO_END]}" "$there"
  cut 1
  await_state "$SEKISHO_END" 1 'not up'
  await_state "$PEER_END" 1 'not up'
  nothing_leaves "$SEKISHO_END" "$there"
  mend 1
  await_state "$SEKISHO_END" 1 up
  flow_end 'a dead link, and back'
  pings right 10.0.0.2
  field_sealed bare
}
sekisho_check() { "$SEKISHO" config check "$LAB_DIR/$SEKISHO_END/sekisho.json" >"$LAB_DIR/check.out" 2>&1; }
field_run "$@"
