# No size is lost silently: packets from 64 to 9000 octets arrive, or their sender is told the right MTU. With both kinds
# of suite, with and without UDP, over Ethernet and over a path of 1454, in both directions, over IPv4 and IPv6.
# The ports are AF_XDP's: for AF_PACKET the kernel would put IPv4 fragments together, and cut what then exceeds a buffer.
source "$(dirname "$0")/lab.sh"
lab_up sekisho sekisho
DATAPLANE_ARGUMENTS=--af-xdp

# Suite, encapsulation, outer MTU -> what fits: outer MTU less 20 (IPv4), 8 (UDP), 8 (ESP), IV and ICV, to whole blocks,
# less 2. GCM: IV 8, ICV 16, blocks of 4; CBC with SHA2-256-128: IV 16, ICV 16, blocks of 16.
declare -A FITS=(
  [aes128gcm16 off 1500]=1446 [aes128gcm16 force 1500]=1438 [aes128gcm16 off 1454]=1398 [aes128gcm16 force 1454]=1390
  [aes256-sha256 off 1500]=1438 [aes256-sha256 force 1500]=1422 [aes256-sha256 off 1454]=1390 [aes256-sha256 force 1454]=1374
)

# filters SUITE ENCAPSULATION PATH: PATH is the MTU of the outer ports, or one that only the configuration knows of.
filters() {
  local suite=$1 encapsulation=$2 path=$3
  printf '%s\n' '.ports.wan.device = "net_af_xdp0,iface=wan-wire,force_copy=1"' \
    '.ports.lan.device = "net_af_xdp1,iface=lan-wire,force_copy=1"' '.tokyo.interface.mtu = "auto"' ".tokyo.esp.proposals = [\"$suite\"]" \
    ".tokyo.esp.encapsulation = \"$encapsulation\"" "$path"
}

mtu_is() { [ "$(sekisho "$1" show mtu tokyo --json | jq '.[0] | select(.sas[0].negotiated) | .mtu')" = "$2" ]; }

# sweep FROM FAMILY MTU MSS [WHOLE]. Both hosts forget what they have learnt: over IPv6 it limits the MSS too.
sweep() {
  local from=$1 family=$2 address link host
  shift 2
  address=$(host_address "$(opposite "$from")" "$family")
  link=$(on "$from" cat /sys/class/net/eth0/mtu)
  for host in left right; do
    on "$host" ip route flush cache
    on "$host" ip -6 route flush cache
  done
  on "$from" timeout 120 "$PYTHON" "$SMOKE/lab/sweep_sizes.py" sweep "$address" 5701 "$link" "$@" ||
    fail "IPv$family from $from"
}

# sweep_all: both ways, over IPv4 and IPv6; and nothing was dropped behind the sender's back.
sweep_all() {
  local from side
  for from in left right; do
    sweep "$from" 4 "$mtu" $((mtu - 40))
    sweep "$from" 6 "$mtu" $((mtu - 60))
  done
  for side in a b; do equal "packets that side $side dropped as too big" 0 "$(drops "$side" too-big)"; done
}

# apply [FILTER...]: to both gateways, on top of what the round asks for.
apply() {
  sekisho_apply b '.tokyo.start = "respond"' "${changes[@]}" "$@"
  sekisho_apply a "${changes[@]}" "$@"
}

for host in left right; do
  for family in 4 6; do
    start "$host" "$LAB_DIR/sweep.$host$family" "$PYTHON" "$SMOKE/lab/sweep_sizes.py" serve \
      "$(host_address "$host" "$family")" 5701
    await_line 10 "$LAB_DIR/sweep.$host$family" '^listening'
  done
done

started=
for path in '.ports.wan.mtu = 1500' '.ports.wan.mtu = 1454' '.tokyo.outer_mtu = 1454'; do
  outer=${path##* }
  for side in a b; do on net ip link set "to-$side" mtu "$outer"; done
  for suite in aes128gcm16 aes256-sha256; do
    for encapsulation in off force; do
      mtu=${FITS[$suite $encapsulation $outer]}
      step "$suite, encapsulation $encapsulation, $path: $mtu"
      mapfile -t changes < <(filters "$suite" "$encapsulation" "$path")
      if [ -z "$started" ]; then
        sekisho_start b '.tokyo.start = "respond"' "${changes[@]}"
        sekisho_start a "${changes[@]}"
        started=yes
      else
        apply
      fi
      for side in a b; do await 20 "an MTU of $mtu on side $side" mtu_is "$side" "$mtu"; done
      sweep_all
    done
  done
done
sekisho a show mtu tokyo

step 'the gateways themselves as senders'
# gateway_ping SIDE SIZE ARGS...: to the host behind the other gateway, within the selectors. Over IPv6 the first echo may be
# what that host learns the MTU by.
gateway_ping() {
  local side=$1 size=$2 host=right
  shift 2
  [ "$side" = a ] || host=left
  on "$side" ping -4 -nq -c 3 -i 0.05 -W 2 -I "${LAN4[$side]}.1" -s $((size - 28)) "$@" "$(host_address "$host" 4)" >/dev/null 2>&1 &&
    on "$side" ping -6 -nq -c 3 -i 0.05 -W 2 -I "${LAN6[$side]}:1" -s $((size - 48)) "$@" "$(host_address "$host" 6)" >/dev/null 2>&1
}
for side in a b; do
  for size in 64 $((mtu - 1)) "$mtu" $((mtu + 1)) 1500 1501 4000 9000; do
    gateway_ping "$side" "$size" -M dont || fail "a ping of $size octets from side $side is lost"
  done
  gateway_ping "$side" "$mtu" -M do || fail "a ping of $mtu octets from side $side is lost"
  ! gateway_ping "$side" $((mtu + 1)) -M do || fail "side $side sends more than $mtu octets in one piece"
done

step 'hosts on links with the most that AF_XDP takes'
apply '.ports.lan.mtu = 1778'
for wire in 'left eth0' 'a lan-wire' 'b lan-wire' 'right eth0'; do on ${wire% *} ip link set "${wire#* }" mtu 1778; done
sweep_all
for wire in 'left eth0' 'a lan-wire' 'b lan-wire' 'right eth0'; do on ${wire% *} ip link set "${wire#* }" mtu 1500; done
apply

step 'without an MSS limit ICMP does it; with a fixed one that is it'
apply '.tokyo.interface.mss = "off"'
sweep left 4 "$mtu" $((1500 - 40))
sweep right 6 "$mtu" $((1500 - 60))
sekisho_apply a "${changes[@]}" '.tokyo.interface.mss = 1200'
sweep left 4 "$mtu" 1200
sweep right 6 "$mtu" 1200

step 'DF outside: copied, never, always'
for policy in copy clear set; do
  sekisho_apply a "${changes[@]}" ".tokyo.df = \"$policy\""
  capture_start "$policy" net to-a src host "${WAN[a]}" and udp port 4500
  for discovery in do dont; do
    equal "$policy: pings with -M $discovery lost" 0 "$(ping_lost left 4 2 0.05 -M "$discovery" -s 100)"
  done
  capture_stop "$policy"
done
df_set() { capture_count "$1" "$ESP_FILTER" and 'ip[6:2] & 0x4000 != 0'; }
equal 'copy: with DF' 2 "$(df_set copy)"
equal 'clear: with DF' 0 "$(df_set clear)"
equal 'set: with DF' 4 "$(df_set set)"
apply '.tokyo.df = "clear"'
for from in left right; do
  sweep "$from" 4 "$mtu" $((mtu - 40)) 1500
  sweep "$from" 6 "$mtu" $((mtu - 60))
done

step 'ICMP of anybody about the path outside changes nothing'
icmp_errors() { on a nstat -asz IcmpInDestUnreachs | awk '/^Icmp/ { print $2 }'; }
told() { [ "$(icmp_errors)" -ge "$1" ]; }
# inject PROTOCOL...: a message about a packet of each has come to the kernel.
inject() {
  local goal=$(($(icmp_errors) + $#))
  on net "$PYTHON" "$SMOKE/lab/inject_icmp.py" to-a "$(sekisho a show port wan --json | jq -r '.[0].mac')" "${ROUTER[a]}" \
    "${WAN[a]}" "${WAN[b]}" 600 "$@"
  await 5 'the kernel to have been told' told "$goal"
}
learnt() { on a ip route get "${WAN[b]}" | grep -o 'mtu [0-9]*' || echo none; }
apply '.tokyo.df = "set"'
inject udp esp
equal 'MTU that the kernel learnt from what says it is about ESP' none "$(learnt)"
inject icmp
equal 'MTU that the kernel learnt from what says it is about an echo reply' 'mtu 600' "$(learnt)"
on a ip neighbour flush dev wan  # what is sealed until it is there again, the kernel sends
equal 'pings as large as fits, lost' 0 "$(ping_lost left 4 5 0.05 -M do -s $((mtu - 28)))"
mtu_is a "$mtu" || fail "another MTU than $mtu"
