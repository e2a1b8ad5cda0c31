#!/usr/bin/env bash
# A VRF on side a: its LAN and the tunnel are in VRF 1, whose kernel side is a network namespace of its own, and whose
# prefixes the front door has too, as blackholes. Side b has no VRF. Two data planes with static keys.
source "$(dirname "$0")/lab.sh"
DATAPLANE_ARGUMENTS="--workers 2 ${DATAPLANE_ARGUMENTS:-}"
SUITE=aes128gcm16
lab_places+=(red)

mtu() { on "$1" cat "/sys/class/net/$2/mtu"; }

# interfaces SIDE VRF: ports and tunnel.
interfaces() {
  drive "$1" >>"$LAB_DIR/$1/driver.log" <<.
port 0 lan 1500 net_af_packet0,iface=lan-wire vrf=$2
port 1 wan 1500 net_af_packet1,iface=wan-wire
tunnel 0 vti0 1400 - vrf=$2
.
}

# twins SIDE PLACE: the kernel's part of the LAN and the tunnel, in the namespace PLACE.
twins() {
  local side=$1 place=$2 other=${OTHER[$1]} interface
  for interface in lan vti0; do
    [ "$place" = "$side" ] || ip -n "$LAB-$side" link set "$interface" netns "$LAB-$place"
    on "$place" ip link set "$interface" up
  done
  on "$place" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
  on "$place" ip route add "${LAN4[$other]}.0/24" dev vti0
  on "$place" ip route add "${LAN6[$other]}:/64" dev vti0
  address "$place" lan "${LAN4[$side]}.1/24" "${LAN6[$side]}:1/64"
  on "$side" sysctl -qw net.ipv6.conf.wan.disable_ipv6=1
  on "$side" ip link set wan up
  address "$side" wan "${WAN[$side]}/24"
}

# routes SIDE PLACE VRF: what control would have mirrored.
routes() {
  local side=$1 place=$2 vrf=$3 other=${OTHER[$1]}
  cat <<.
next-hop 1 local
next-hop 2 punt
next-hop 3 adjacency 0 $(mac "${HOST[$side]}" eth0)
next-hop 4 adjacency 1 $(mac net "to-$side")
next-hop 5 tunnel 0
route ${WAN[$side]}/32 1
route 0.0.0.0/0 4
route ${LAN4[$side]}.1/32 1 vrf=$vrf
route ${LAN4[$side]}.0/24 2 vrf=$vrf
route ${LAN4[$side]}.2/32 3 vrf=$vrf
route ${LAN6[$side]}:1/128 1 vrf=$vrf
route ${LAN6[$side]}:/64 2 vrf=$vrf
route ${LAN6[$side]}:2/128 3 vrf=$vrf
route ${LAN4[$other]}.0/24 5 vrf=$vrf
route ${LAN6[$other]}:/64 5 vrf=$vrf
.
}

lab_up sekisho sekisho
# Memory that does not grow, and has room for two VRFs.
dataplane_start a --no-huge --memory 768 --vrfs 2
dataplane_start b
for side in a b; do await_line 20 "$LAB_DIR/$side/dataplane.log" 'ready: 2 workers'; done
interfaces a 1
interfaces b 0
twins a red
twins b b
{
  routes a red 1
  # In the front door they lead nowhere, and in the VRF the peer does.
  printf 'route %s 0\n' "${LAN4[a]}.0/24" "${LAN4[b]}.0/24" "${LAN6[a]}:/64" "${LAN6[b]}:/64"
  printf 'route %s 0 vrf=1\n' "${WAN[a]}/32" "${WAN[b]}/32"
} | drive a --replace >>"$LAB_DIR/a/driver.log"
routes b b 0 | drive b --replace >>"$LAB_DIR/b/driver.log"
capture_start wan net to-a

step 'the VRF, its tunnel and its kernel'
sas a 2 4 10 | sed 's/^tunnel .*/& vrf=1/' | drive a >>"$LAB_DIR/a/driver.log"
sas b 4 2 10 | drive b >>"$LAB_DIR/b/driver.log"
equal 'pings of the left host to its gateway, lost' 0 "$(echoes_lost left "${LAN4[a]}.1" 5 0.05)"
ping_sizes left 4 64 576 1400
ping_sizes right 6 64 1280 1400
# Too large for the tunnel: the twin in the other namespace says so.
on left ping -n -c 1 -W 2 -M do -s 1440 "${LAN4[b]}.2" >"$LAB_DIR/too-big" || :
expect 'the sender is told the MTU' grep -q 'mtu = 1400' "$LAB_DIR/too-big"
tcp_both_ways 4 5
tcp_both_ways 6 5
equal 'dropped as blackholed' 0 "$(counter a 'drop blackhole')"

step 'the MTU of a twin that has moved is not the data plane'"'"'s, nor is that of another with its name'
on a ip link add lan type veth peer name unused
printf 'port 0 lan 1480 net_af_packet0,iface=lan-wire vrf=1\n' | drive a >>"$LAB_DIR/a/driver.log"
equal 'MTU of the twin' 1500 "$(mtu red lan)"
equal 'MTU of its namesake' 1500 "$(mtu a lan)"
printf 'port 1 wan 1480 net_af_packet1,iface=wan-wire\n' | drive a >>"$LAB_DIR/a/driver.log"
equal 'MTU of a twin that has not moved' 1480 "$(mtu a wan)"
printf 'port 0 lan 1500 net_af_packet0,iface=lan-wire vrf=1\nport 1 wan 1500 net_af_packet1,iface=wan-wire\n' |
  drive a >>"$LAB_DIR/a/driver.log"

step 'a port leaves its VRF and comes back'
printf 'port 0 lan 1500 net_af_packet0,iface=lan-wire\n' | drive a >>"$LAB_DIR/a/driver.log"
equal 'pings lost' 3 "$(ping_lost left 4 3 0.05 -W 1)"
at_least 'dropped by the front door' 3 "$(counter a 'drop blackhole')"
printf 'port 0 lan 1500 net_af_packet0,iface=lan-wire vrf=1\n' | drive a >>"$LAB_DIR/a/driver.log"
equal 'pings lost' 0 "$(ping_lost left 4 3 0.05 -W 1)"

step 'a VRF for which there is no memory, and one that cannot be'
for vrf in $(seq 2 15); do printf 'route 10.77.0.0/16 0 vrf=%d\n' "$vrf"; done >"$LAB_DIR/too-many"
expect 'refused' eval "! drive a <'$LAB_DIR/too-many' >'$LAB_DIR/refused'"
expect 'for want of memory' grep -q 'SKO-DPL-020.*VRF' "$LAB_DIR/refused"
expect 'refused' eval "! drive a <<<'route 10.77.0.0/16 0 vrf=16' >'$LAB_DIR/refused'"
expect 'for its id' grep -q 'VRF id 16 is not below 16' "$LAB_DIR/refused"
ping_sizes left 4 576
ping_sizes right 4 576
# What the refused ones took was given back.
drive a <<<'route 10.77.0.0/16 0 vrf=15' >>"$LAB_DIR/a/driver.log"

step 'without its routes the VRF has no way, whatever the front door has'
drive a >>"$LAB_DIR/a/driver.log" <<.
route ${LAN4[b]}.0/24 5
route-remove ${LAN4[b]}.0/24 vrf=1
.
equal 'pings lost' 3 "$(ping_lost left 4 3 0.05 -W 1)"
capture_stop wan
expect_sealed wan
