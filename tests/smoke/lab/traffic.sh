# What the hosts send each other through the tunnel.

# A pattern that a capture can be searched for: ping carries it, and so does every TCP transfer.
MARKER=SekishoPlaintext
MARKER_HEX=$(printf %s "$MARKER" | od -An -tx1 | tr -d ' \n')

# host_address HOST 4|6
host_address() {
  local side=a
  [ "$1" = left ] || side=b
  if [ "$2" = 6 ]; then echo "${LAN6[$side]}:2"; else echo "${LAN4[$side]}.2"; fi
}

opposite() { if [ "$1" = left ]; then echo right; else echo left; fi; }

# echoes_lost PLACE ADDRESS COUNT INTERVAL [ARGS...]: prints how many echoes were lost. What else is known of them is in
# ping.log. ARGS are those of echoes.py.
echoes_lost() {
  local place=$1 address=$2 count=$3 interval=$4
  shift 4
  on "$place" "$PYTHON" "$SMOKE/lab/echoes.py" -p "$MARKER" "$@" "$address" "$count" "$interval" 2>>"$LAB_DIR/ping.log"
}

# ping_lost HOST FAMILY COUNT INTERVAL [ARGS...]: of that host to the opposite one.
ping_lost() {
  local host=$1 family=$2
  shift 2
  echoes_lost "$host" "$(host_address "$(opposite "$host")" "$family")" "$@"
}

# ping_sizes HOST FAMILY SIZE...: inner IP packets of these sizes get there and back.
ping_sizes() {
  local host=$1 family=$2 size header=28
  [ "$family" = 4 ] || header=48
  shift 2
  for size in "$@"; do
    equal "ping$family from $host, $size octets, lost" 0 "$(ping_lost "$host" "$family" 3 0.05 -s $((size - header)))"
  done
}

# ping_in_background HOST FAMILY COUNT INTERVAL; then ping_wait puts what was lost into PING_LOST, once it has ended.
ping_in_background() {
  ping_lost "$@" >"$LAB_DIR/ping.lost" &
  PING_PID=$!
}
ping_wait() {
  wait "$PING_PID"
  PING_LOST=$(cat "$LAB_DIR/ping.lost")
}

# tcp_both_ways FAMILY MEGABYTES: left sends to right and right to left over one connection; checksums must agree.
tcp_both_ways() {
  local family=$1 megabytes=$2 address port=5601 server
  address=$(host_address right "$family")
  rm -f "$LAB_DIR/tcp.right"
  start right "$LAB_DIR/tcp.right" "$PYTHON" "$SMOKE/lab/tcp_transfer.py" serve "$address" "$port" "$megabytes" "$MARKER"
  server=$STARTED
  await_line 10 "$LAB_DIR/tcp.right" '^listening'
  on left timeout 60 "$PYTHON" "$SMOKE/lab/tcp_transfer.py" connect "$address" "$port" "$megabytes" "$MARKER" \
    >"$LAB_DIR/tcp.left" || fail "TCP over IPv$family"
  wait "$server" || fail "TCP over IPv$family, the right host"
  local sent received
  for way in 'left right' 'right left'; do
    set -- $way
    sent=$(awk '$1 == "sent" { print $2, $3 }' "$LAB_DIR/tcp.$1")
    received=$(awk '$1 == "received" { print $2, $3 }' "$LAB_DIR/tcp.$2")
    equal "TCP over IPv$family from $1 to $2 (octets, SHA-256)" "$sent" "$received"
  done
}
