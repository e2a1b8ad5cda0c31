# A tunnel whose ends are IPv6, with strongSwan: plain ESP, then ESP in UDP. IKE and ESP go over IPv6, IPv4 and IPv6 go
# through the tunnel, and nothing of it is seen in clear in between.
source "$(dirname "$0")/lab.sh"
outer_ipv6
lab_up sekisho strongswan
strongswan_start b release=trixie raw_esp=yes

auto=('.tokyo.interface.mtu = "auto"' '.tokyo.interface.addresses = ["fd00:ffff::1/126"]')
spi() { sekisho a show child-sa --json | jq -r '.[0].inbound_spi'; }
# carries NAME MTU FILTER: both families get through, both ways; rekeys by either end lose nothing; and on the wire no
# packet matches the filter. (strongSwan's own tunnel interface takes 1400.)
carries() {
  local name=$1 mtu=$2 filter=$3 before command
  await_tunnel a up
  equal "the tunnel's MTU" "$mtu" "$(sekisho a show mtu tokyo --json | jq '.[0].mtu')"
  sekisho a show mtu tokyo
  capture_start "$name" net to-a
  for family in 4 6; do
    ping_sizes left "$family" 64 100 1280 1400
    ping_sizes right "$family" 64 1400
    tcp_both_ways "$family" 10
  done
  ping_in_background left 6 300 0.02
  for command in 'sekisho a tunnel rekey tokyo' 'swanctl b --rekey --child c'; do
    before=$(spi)
    $command >/dev/null || fail "$command"
    await 10 "new SPIs after $command" eval "[ \"\$(spi)\" != $before ] && [ \"\$(spi)\" != null ]"
  done
  ping_wait
  equal 'pings lost during rekeys' 0 "$PING_LOST"
  capture_stop "$name"
  expect_sealed "$name"
  equal "packets of $filter" 0 "$(capture_count "$name" "$filter")"
  equal 'packets of IPv4' 0 "$(capture_count "$name" ip)"
  equal 'packets dropped as malformed' 0 "$(drops a malformed-ip)"
}

step 'plain ESP'
sekisho_start a "${auto[@]}"
carries plain 1426 'udp port 4500 and ip6[48:4] != 0'

step 'down: nothing leaves in clear, by the default route or otherwise'
capture_start down net to-a
sekisho a tunnel down tokyo
await_tunnel a down
equal 'pings lost while it is down' 10 $(($(ping_lost left 4 5 0.05) + $(ping_lost left 6 5 0.05)))
capture_stop down
expect_silent down

step 'ESP in UDP, strongSwan initiates'
sekisho_apply a "${auto[@]}" '.tokyo.esp.encapsulation = "force"' '.tokyo.start = "respond"'
expect 'up' swanctl b --initiate --child c --timeout 15
carries in_udp 1418 esp
equal 'UDP datagrams without a checksum' 0 "$(capture_count in_udp 'udp and ip6[46:2] == 0')"

step 'neighbours forgotten: what is sealed meanwhile is not lost'
on net ip -6 neigh flush dev to-a
on a ip -6 neigh flush dev wan
equal 'pings lost' 0 "$(ping_lost left 6 10 0.05)"

step 'what anybody says is too big for the path makes nothing that the kernel sends smaller'
learnt() { on a ip -6 route get "${WAN[b]}" | grep -o 'mtu [0-9]*' || echo none; }
learnt_is() { [ "$(learnt)" = "$1" ]; }
on net "$PYTHON" "$SMOKE/lab/inject_icmp.py" to-a "$(sekisho a show port wan --json | jq -r '.[0].mac')" "${ROUTER[a]}" \
  "${WAN[a]}" "${WAN[b]}" 1280 esp udp icmp
await 5 'the kernel to have been told' learnt_is 'mtu 1280'
on a ip -6 neigh flush dev wan
equal 'pings as large as the peer answers, lost' 0 "$(ping_lost left 6 5 0.05 -s 1352)"

step 'IKEv1'
strongswan_load b connection='version = 1' ike=aes128-sha1-modp1024 esp=aes128-sha1-modp1024 \
  local_ts="${LAN6[b]}:/64" remote_ts="${LAN6[a]}:/64"
sekisho_apply a .tokyo.profile='"legacy"' '.tokyo.ike = {version: "v1", proposals: ["aes128-sha1-modp1024"]}' \
  '.tokyo.esp.proposals = ["aes128-sha1-modp1024"]' \
  ".tokyo.selectors = {local: [\"${LAN6[a]}:/64\"], remote: [\"${LAN6[b]}:/64\"]}"
version_is() { [ "$(sekisho a show ike-sa --json | jq -r '.[0].version')" = "$1" ]; }
await 20 'an IKEv1 SA' version_is IKEv1
await_tunnel a up
equal 'pings lost' 0 "$(ping_lost left 6 10 0.05)"
