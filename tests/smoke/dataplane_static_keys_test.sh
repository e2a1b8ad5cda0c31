#!/usr/bin/env bash
# The data plane without IKE: two Sekisho data planes with static keys, told what to do by a driver that plays control.
# Two workers on ports of one queue each, so packets are handed from worker to worker. Then the control gone wrong, the
# hard limit of an SA, and the end.
source "$(dirname "$0")/lab.sh"
HOSTILE=$(program hostile-control)
DATAPLANE_ARGUMENTS="--workers 2 ${DATAPLANE_ARGUMENTS:-}"
SUITE=aes128gcm16

# gateway SIDE: ports, twins, and the routes that control would have mirrored.
gateway() {
  local side=$1 other=${OTHER[$1]} interface
  drive "$side" >"$LAB_DIR/$side/driver.log" <<.
port 0 lan 1500 net_af_packet0,iface=lan-wire
port 1 wan 1500 net_af_packet1,iface=wan-wire
tunnel 0 vti0 1400 -
.
  # The kernel has the same routes: it answers for packets that do not fit into the tunnel.
  on "$side" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv6.conf.wan.disable_ipv6=1
  for interface in lan wan vti0; do on "$side" ip link set "$interface" up; done
  on "$side" ip route add "${LAN4[$other]}.0/24" dev vti0
  on "$side" ip route add "${LAN6[$other]}:/64" dev vti0
  address "$side" lan "${LAN4[$side]}.1/24" "${LAN6[$side]}:1/64"
  address "$side" wan "${WAN[$side]}/24"
  drive "$side" --replace >>"$LAB_DIR/$side/driver.log" <<.
next-hop 1 local
next-hop 2 punt
next-hop 3 adjacency 0 $(mac "${HOST[$side]}" eth0)
next-hop 4 adjacency 1 $(mac net "to-$side")
next-hop 5 tunnel 0
route ${LAN4[$side]}.1/32 1
route ${LAN4[$side]}.0/24 2
route ${LAN4[$side]}.2/32 3
route ${LAN6[$side]}:1/128 1
route ${LAN6[$side]}:/64 2
route ${LAN6[$side]}:2/128 3
route ${WAN[$side]}/32 1
route 0.0.0.0/0 4
route ${LAN4[$other]}.0/24 5
route ${LAN6[$other]}:/64 5
.
}

# The hosts and the router find the gateways by themselves: ARP and neighbour discovery are answered by the twins.
lab_up sekisho sekisho
step 'two data planes with two workers each'
for side in a b; do
  dataplane_start "$side"
  await_line 20 "$LAB_DIR/$side/dataplane.log" 'ready: 2 workers'
  gateway "$side"
done
equal 'pings of the left host to its gateway, lost' 0 "$(echoes_lost left "${LAN4[a]}.1" 5 0.05)"

capture_start wan net to-a
step 'no SA: nothing passes, nothing is in clear'
equal 'pings lost' 3 "$(ping_lost left 4 3 0.05 -W 1)"
at_least 'dropped for want of an SA' 3 "$(counter a 'drop no-outbound-sa')"

step 'static keys'
sas a 2 4 10 | drive a >>"$LAB_DIR/a/driver.log"
sas b 4 2 10 | drive b >>"$LAB_DIR/b/driver.log"
ping_sizes left 4 64 576 1400
ping_sizes right 6 64 1280 1400
tcp_both_ways 4 10

step 'an SA follows the other without a lost packet'
ping_in_background left 4 100 0.02 -W 10
for round in 1 2 3; do
  # Inbound first on both sides, then outbound: as IKE does it.
  SUITE=aes256-sha256
  in=$((10 * round)) out=$((10 * round + 1))
  for side in a b; do
    sas "$side" $in $out $((20 + round)) esn | grep 'sa in' | drive "$side" >>"$LAB_DIR/$side/driver.log"
    read -r in out <<<"$out $in"
  done
  for side in a b; do
    sas "$side" $in $out $((20 + round)) esn | grep -v 'sa in' | drive "$side" >>"$LAB_DIR/$side/driver.log"
    read -r in out <<<"$out $in"
  done
done
ping_wait
equal 'pings lost' 0 "$PING_LOST"

step 'an SA moves into UDP and goes on where it was'
for side in a b; do
  printf 'sa-move %d %d %s %s udp\n' 30 $((0x100000 + 30)) "${WAN[b]}" "${WAN[a]}" \
    31 $((0x100000 + 31)) "${WAN[a]}" "${WAN[b]}" | drive "$side" >>"$LAB_DIR/$side/driver.log"
done
ping_sizes left 4 64 576 1372
equal 'numbers used twice' 0 "$(($(counter a 'drop esp-replay') + $(counter b 'drop esp-replay')))"

step 'a control gone wrong'
ping_in_background left 4 200 0.02 -W 10
"$HOSTILE" "$LAB_DIR/a/dataplane.sock" 30000 "${SEED:-1}" || fail "hostile control, seed ${SEED:-1}"
ping_wait
equal 'pings lost' 0 "$PING_LOST"
expect 'violations are logged' grep -q SKO-DPL-001 "$LAB_DIR/a/dataplane.log"

step 'a hard limit ends an SA, and nothing falls back to clear'
SUITE=aes128gcm16
sas a 50 51 40 hard-packets=10 | drive a >>"$LAB_DIR/a/driver.log"
sas b 51 50 40 | drive b >>"$LAB_DIR/b/driver.log"
equal 'of 15 pings lost' 5 "$(ping_lost left 4 15 0.02 -W 1)"
equal 'dropped by the expired SA' 5 "$(counter a 'drop sa-expired')"

capture_stop wan
expect_sealed wan

step 'the end'
for side in a b; do
  stop "${DATAPLANE_PID[$side]}"
  for interface in lan wan vti0; do
    expect "no $interface on side $side" eval "! on $side ip link show dev $interface >/dev/null 2>&1"
  done
  expect "no socket on side $side" test ! -e "$LAB_DIR/$side/dataplane.sock"
done
