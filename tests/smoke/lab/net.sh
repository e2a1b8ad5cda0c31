# Namespaces and wires, and the end of both.

# on PLACE COMMAND...: in the namespace of left, a, net, b or right.
on() {
  local place=$1
  shift
  ip netns exec "$LAB-$place" "$@"
}

# start PLACE LOG COMMAND...: the same in the background, its output at the end of the file. STARTED is its process id.
start() {
  local place=$1 log=$2
  shift 2
  setsid ip netns exec "$LAB-$place" "$@" >>"$log" 2>&1 </dev/null &
  STARTED=$!
}

# stop PID [SIGNAL]: ends what `start` started and waits for it. (A shell's background job is deaf to INT.)
stop() {
  kill -s "${2:-TERM}" "$1"
  wait "$1" || :
}

lab_places=(left a net b right)

# outer_ipv6: from now on what is between the gateways is IPv6.
outer_ipv6() {
  OUTER=6 WAN_LENGTH=64
  WAN=([a]=2001:db8:1::1 [b]=2001:db8:2::2) ROUTER=([a]=2001:db8:1::fe [b]=2001:db8:2::fe)
}

# lab_up KIND_A KIND_B: KIND is what the gateway will be, sekisho or strongswan.
lab_up() {
  places_up
  side_up a "$1"
  side_up b "$2"
}

# places_up: the namespaces of lab_places, without wires, and their end when the shell ends.
places_up() {
  trap lab_down EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  mkdir -m 700 "$LAB_DIR"
  local place
  for place in "${lab_places[@]}"; do
    ip netns add "$LAB-$place"
    on "$place" ip link set lo up
    on "$place" sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.all.accept_dad=0
  done
  if [ "$OUTER" = 6 ]; then
    on net sysctl -qw net.ipv6.conf.all.forwarding=1
  else
    on net sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.default.disable_ipv6=1  # quiet: no neighbour discovery
  fi
}

side_up() {
  local side=$1 kind=$2 host=${HOST[$1]}
  mkdir "$LAB_DIR/$side"
  if [ "$kind" = sekisho ]; then
    wire "$host" eth0 "$side" lan-wire
    wire net "to-$side" "$side" wan-wire
    deafen "$side" lan-wire wan-wire
  else
    wire "$host" eth0 "$side" lan
    wire net "to-$side" "$side" wan
    on "$side" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv4.conf.all.promote_secondaries=1
    address "$side" lan "${LAN4[$side]}.1/24" "${LAN6[$side]}:1/64"
    [ "$OUTER" = 6 ] || on "$side" sysctl -qw net.ipv6.conf.wan.disable_ipv6=1
    address "$side" wan "${WAN[$side]}/$WAN_LENGTH"
    on "$side" ip "-$OUTER" route add default via "${ROUTER[$side]}"
  fi
  address net "to-$side" "${ROUTER[$side]}/$WAN_LENGTH"
  address "$host" eth0 "${LAN4[$side]}.2/24" "${LAN6[$side]}:2/64"
  on "$host" ip route add default via "${LAN4[$side]}.1"
  on "$host" ip -6 route add default via "${LAN6[$side]}:1"
}

# wire PLACE INTERFACE PLACE INTERFACE. No checksum or segment is left to hardware that is not there.
wire() {
  ip -n "$LAB-$1" link add name "$2" type veth peer name "$4" netns "$LAB-$3"
  local end
  for end in "$1 $2" "$3 $4"; do
    set -- $end
    on "$1" ethtool -K "$2" tx off tso off gso off gro off >/dev/null
    on "$1" ip link set "$2" up
  done
}

address() {
  local place=$1 interface=$2 each
  shift 2
  for each in "$@"; do on "$place" ip address add "$each" dev "$interface"; done
}

# AF_PACKET copies: the kernel would see, answer and forward what the data plane gets. It must not, so it drops at ingress.
deafen() {
  local place=$1 interface
  shift
  {
    echo 'table netdev deaf {'
    for interface in "$@"; do
      echo "chain $interface {"
      echo "type filter hook ingress device \"$interface\" priority 0"
      echo 'policy drop'
      echo '}'
    done
    echo '}'
  } | on "$place" nft -f -
  for interface in "$@"; do on "$place" sysctl -qw "net.ipv6.conf.$interface.disable_ipv6=1"; done
}

lab_pids() {
  local place
  for place in "${lab_places[@]}"; do
    [ ! -e "/run/netns/$LAB-$place" ] || ip netns pids "$LAB-$place"
  done
}

# Ends all that runs in this lab's namespaces (nothing else is in there), and removes them and the directory.
# LAB_KEEP_LOGS names a directory for the logs and captures of a test that failed.
lab_down() {
  local status=$?
  trap '' INT TERM HUP
  trap - EXIT
  set +e
  exec 2>/dev/null
  await_line_end
  local keep=
  [ "$status" = 0 ] || keep=${LAB_KEEP_LOGS:-}
  [ -z "$keep" ] || sekisho_last_words
  places_down
  if [ -n "$keep" ]; then
    mkdir -p "$keep"
    cp -r "$LAB_DIR/." "$keep/" 2>/dev/null
  fi
  rm -rf "$LAB_DIR"
  exit "$status"
}

places_down() {
  local signal place
  for signal in TERM KILL; do
    lab_pids | xargs -r kill -s "$signal"
    timeout 5 bash -c 'while [ -n "$(for n in "$@"; do ip netns pids "$n" 2>/dev/null; done)" ]; do sleep 0.05; done' \
      lab_down "${lab_places[@]/#/$LAB-}" && break
  done
  for place in "${lab_places[@]}"; do ip netns delete "$LAB-$place" 2>/dev/null; done
}
