# Two regions of NIFCLOUD with one subnet, and a customer's YAMAHA RTX1210 behind NAT with a tunnel to the gateway of
# each: IKEv1, the private address as identity, floating static routes. While the tunnel to the east lives, everything
# goes there. When it dies the route over the west takes its place, at the customer and at the gateway in the east,
# which sends what the server gives it to the west; what returns takes the direct way. When it lives again so does its
# route. With Sekisho at the customer's end both tunnels are a group; in the east it tells zebra of its tunnel's prefix,
# and the route over the west is staticd's. (The subnet is one wire here. Peers are probed every second instead of every
# 10.)
#
#                                   .1 a (east) 203.0.113.1 ===                 (NAT)
#    server 192.168.10.2 -- switch                              198.51.100.10 = 192.168.100.1 b 192.168.20.1 -- pc
#                                 .254 c (west) 192.0.2.1   ===                 (RTX1210)            192.168.20.2
source "$(dirname "$0")/field.sh"
tunnel a1 b1
tunnel c2 b2
HOST[c]=left
LAN4=([a]=192.168.10 [c]=192.168.10 [b]=192.168.20) LAN_OCTET=([c]=254)
OUTSIDE=([a1]=203.0.113.1 [c2]=192.0.2.1 [b1]=192.168.100.1 [b2]=192.168.100.2)
PUBLIC=([b1]=198.51.100.10 [b2]=198.51.100.11)
INSIDE=([a1]=169.254.1.1 [b1]=169.254.1.2 [c2]=169.254.2.1 [b2]=169.254.2.2)
SHARED_KEY=([1]=rtx-pre-shared-key-east [2]=rtx-pre-shared-key-west)
IKE_VERSION=v1 IKE=aes128-sha1-modp1024 ESP=aes128-sha1-modp1024 VTI_MTU=1400 DPD=1

field() {
  local gateway east west here=${HOST[$SEKISHO_END]} there=${LAN4[$PEER_END]}.2 second first=vti1
  KIND[c]=${KIND[a]}
  # Where the standby way leads: at the gateway in the east to the one in the west, at the customer into tunnel 2.
  second=$([ "$SEKISHO_END" = a ] && echo lan || echo vti2)
  # Sekisho has both tunnels on one outside address, as the RTX has.
  [ "$SEKISHO_END" = a ] || OUTSIDE[b2]=${OUTSIDE[b1]} PUBLIC[b2]=${PUBLIC[b1]}
  field_up
  for gateway in a b c; do
    [ "${KIND[$gateway]}" = sekisho ] || router_start "$gateway"
  done

  step 'the routes: the second one counts while there is not the first one'
  if [ "$SEKISHO_END" = a ]; then
    routing a staticd 'ip route 192.168.20.0/24 192.168.10.254 10'
    routing b staticd 'ip route 192.168.10.0/24 169.254.1.1 vti1 1' 'ip route 192.168.10.0/24 169.254.2.1 vti2 10'
    routing_start a
    routing_start b
    gateway_start a '.frr = {}' '.tunnels.tunnel1.routes = ["192.168.20.0/24"]'
    gateway_start c '.tunnels.tunnel2.routes = ["192.168.20.0/24"]'
  else
    routing a staticd 'ip route 192.168.20.0/24 169.254.1.2 vti1 1' 'ip route 192.168.20.0/24 192.168.10.254 10'
    routing c staticd 'ip route 192.168.20.0/24 169.254.2.2 vti2 1'
    routing_start a
    routing_start c
    gateway_start b '.groups.cloud = {tunnels: ["tunnel1", "tunnel2"], routes: ["192.168.10.0/24"]}'
  fi
  begin b1
  begin b2
  await 5 "$there through tunnel 1" through_is "$SEKISHO_END" "$there" "$first"
  [ "$SEKISHO_END" = b ] || await_zebra a 1
  sekisho "$SEKISHO_END" show tunnel

  step 'all goes by the east'
  # Where FRR leads, its route follows the interface that the tunnel's coming up has made.
  [ "$SEKISHO_END" = a ] || await 10 'the route of the east' eval 'on a ip route get 192.168.20.2 | grep -q "dev vti1"'
  await 10 'the first answer' on left ping -c 1 -W 1 192.168.20.2
  east=$(esp_crossed a1 b1) west=$(esp_crossed c2 b2)
  pings left 192.168.20.2
  pings right 192.168.10.2
  expect_crossed a1 b1 "$east"
  equal 'packets of ESP from the west' 0 $(($(esp_crossed c2 b2) - west))

  step 'the tunnel to the east dies: the west takes over'
  flow_start "$here" "$there"
  cut 1
  await 20 "$there by the second way" through_is "$SEKISHO_END" "$there" "$second"
  flow_end 'over to the west'
  show_choice
  pings left 192.168.20.2
  TTL=61 pings right 192.168.10.2
  expect_crossed c2 b2 "$west"
  sekisho "$SEKISHO_END" show tunnel

  step 'the tunnel to the east lives again, and its route returns by itself'
  flow_start "$here" "$there"
  mend 1
  await 30 "$there by the first way" through_is "$SEKISHO_END" "$there" "$first"
  flow_end 'back to the east'
  pings left 192.168.20.2

  step 'both die under traffic: nothing leaves'
  flow_start "$here" "$there"
  cut 1 2
  # The east hands what it has to the west.
  [ "$SEKISHO_END" = b ] || await 20 "$there by the west" through_is a "$there" lan
  nothing_leaves "$([ "$SEKISHO_END" = b ] && echo b || echo c)" "$there"
  flow_stop
  field_sealed encapsulated
}
# show_choice: tunnel 1 is down. By whom the route is that counts, or which tunnel.
show_choice() {
  if [ "$SEKISHO_END" = b ]; then
    sekisho b show group
    equal 'who leads' tunnel2 "$(sekisho b show group --json | jq -r '.[0].leader')"
  else
    await_zebra a 0
    sekisho a show route "$there"
    equal 'where the route is from' 'static 10' \
      "$(sekisho a show route "$there" --json | jq -r '.[0] | "\(.origin) \(.distance)"')"
  fi
}
field_run "$@"
