# Sekisho as a gateway. Its files are in $LAB_DIR/SIDE: sekisho.json, psk, the sockets, dataplane.log, control.log.

declare -A DATAPLANE_PID CONTROL_PID

# The program out of the build tree, by name.
program() { find "$BUILD" -type f -name "$1" -perm -u+x -print -quit; }
SEKISHO=$(program sekisho)
PATH=$(dirname "$(program sekisho-control)"):$PATH  # where `sekisho config check` finds the checker

# sekisho SIDE ARGUMENTS...: the CLI, talking to that gateway.
sekisho() {
  local side=$1
  shift
  "$SEKISHO" --socket "$LAB_DIR/$side/control.sock" "$@"
}

# sekisho_config SIDE [FILTER...]: writes the configuration of a gateway with one tunnel, `tokyo`, to the other side; jq
# filters change it, such as '.tunnels.tokyo.esp.proposals = ["aes256gcm16"]', or '.tokyo.start = "respond"' for short.
sekisho_config() {
  local side=$1 other=${OTHER[$1]} filter=. each
  shift
  for each in "$@"; do filter+=" | ${each/#.tokyo/.tunnels.tokyo}"; done
  (umask 077 && printf '%s\n' "${PSK:-swordfish-in-the-lab}" >"$LAB_DIR/$side/psk")
  jq -n --arg wan "${WAN[$side]}" --arg router "${ROUTER[$side]}" --arg peer "${WAN[$other]}" --arg id "$side.lab" \
    --arg peer_id "$other.lab" --arg lan4 "${LAN4[$side]}" --arg lan6 "${LAN6[$side]}" --arg far4 "${LAN4[$other]}" \
    --arg far6 "${LAN6[$other]}" --arg length "$WAN_LENGTH" --arg outer "$OUTER" '{
    ports: {
      wan: { device: "net_af_packet0,iface=wan-wire", addresses: ["\($wan)/\($length)"] },
      lan: { device: "net_af_packet1,iface=lan-wire", addresses: ["\($lan4).1/24", "\($lan6):1/64"] }
    },
    routes: [ { prefix: (if $outer == "6" then "::/0" else "0.0.0.0/0" end), via: $router } ],
    tunnels: {
      tokyo: {
        interface: { name: "vti0", addresses: ["169.254.1.\(if $id == "a.lab" then 1 else 2 end)/30"], mtu: 1400 },
        local: { address: $wan, id: $id },
        remote: { address: $peer, id: $peer_id },
        psk_file: "psk",
        ike: { proposals: ["aes128gcm16-prfsha256-x25519"], retransmission: { first_ms: 500, factor: 1.5, tries: 4 } },
        esp: { proposals: ["aes128gcm16"] },
        selectors: { local: ["\($lan4).0/24", "\($lan6):/64"], remote: ["\($far4).0/24", "\($far6):/64"] }
      }
    }
  } | '"$filter" >"$LAB_DIR/$side/sekisho.json" || fail "the configuration's filter: $filter"
}

# dataplane_start SIDE [ARGUMENTS...]. DATAPLANE_ARGUMENTS come first, so that a whole test can ask for more workers.
dataplane_start() {
  local side=$1 directory=$LAB_DIR/$1
  shift
  rm -f "$directory/dataplane.sock"
  start "$side" "$directory/dataplane.log" "$(program sekisho-dataplane)" --socket "$directory/dataplane.sock" \
    ${DATAPLANE_ARGUMENTS:-} "$@"
  DATAPLANE_PID[$side]=$STARTED
}

# control_start SIDE; it may come before the data plane. FRR beside it is that of frr.sh.
control_start() {
  local directory=$LAB_DIR/$1
  start "$1" "$directory/control.log" "$(program sekisho-control)" --config "$directory/sekisho.json" \
    --dataplane "$directory/dataplane.sock" --socket "$directory/control.sock" --frr "$LAB_DIR/$1-frr"
  CONTROL_PID[$1]=$STARTED
}

# sekisho_launch SIDE [FILTER...]: writes the configuration and starts both daemons.
sekisho_launch() {
  sekisho_config "$@"
  dataplane_start "$1"
  control_start "$1"
}

# sekisho_start SIDE [FILTER...]: the same, and waits until the ports are there and have a link.
sekisho_start() {
  sekisho_launch "$@"
  await 20 "Sekisho's ports on side $1" ports_present "$1"
}

sekisho_stop() {
  stop "${CONTROL_PID[$1]}"
  stop "${DATAPLANE_PID[$1]}"
}

# killed PID: by a signal that leaves no time for anything.
killed() {
  kill -KILL "$1"
  wait "$1" 2>/dev/null || :
}

# sekisho_apply SIDE [FILTER...]: another configuration for the gateway that runs.
sekisho_apply() {
  sekisho_config "$@"
  sekisho "$1" config apply "$LAB_DIR/$1/sekisho.json" >"$LAB_DIR/$1/apply.out" || fail "config apply: $(cat "$LAB_DIR/$1/apply.out")"
}

ports_present() { sekisho "$1" show port --json | jq -e 'length > 0 and all(.[]; .present and .link == "up")'; }

# tunnel_state SIDE [JQ]: the tunnel's view, or a part of it.
tunnel_state() { sekisho "$1" show tunnel tokyo --json | jq -r "(if type == \"array\" then .[0] else . end) | ${2:-.}"; }
tunnel_is() { [ "$(tunnel_state "$1" .state)" = "$2" ]; }

# await_tunnel SIDE STATE [SECONDS]: up, connecting or down.
await_tunnel() { await "${3:-15}" "the tunnel on side $1 to be $2" tunnel_is "$1" "$2"; }

# await_error SIDE ID [SECONDS]: the tunnel's last error is this message, in the view and in the log.
await_error() {
  await "${3:-20}" "message $2 in 'show tunnel'" eval "[ \"\$(tunnel_state $1 .last_error.id)\" = $2 ]"
  await 2 "message $2 in the log" grep -q "$2" "$LAB_DIR/$1/control.log"
  say "ok: $2: $(tunnel_state "$1" '.last_error | "\(.title): \(.detail) Remedy: \(.remedy)"')"
}

# drops SIDE REASON: how often the data plane dropped for it.
drops() { sekisho "$1" show counters --json | jq -r --arg reason "$2" '.drops[$reason] // 0'; }

# For the logs of a test that failed: what each gateway that still runs has dropped, and why.
sekisho_last_words() {
  local side
  for side in "${!CONTROL_PID[@]}"; do
    timeout 5 "$SEKISHO" --socket "$LAB_DIR/$side/control.sock" show counters --json |
      jq -r '.drops | to_entries[] | select(.value > 0) | "\(.key) \(.value)"' >"$LAB_DIR/$side/drops.log"
  done
}
