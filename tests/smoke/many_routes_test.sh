# A table of 100,000 routes (or ROUTES), from a BGP neighbour behind one gateway, through both gateways' bgpd, half of it over each
# of two tunnels; then all of it goes at once. Other traffic, and IKE, see nothing of either.
#
#    left 10.1.0.2 -- 10.1.0.1 a === tunnel 1 (20.0.0.0/7), tunnel 2 (22.0.0.0/7) === b 10.2.0.1 -- 10.2.0.2 right
#                       AS 65001                                                   AS 65002          AS 65010
source "$(dirname "$0")/field/field.sh"
tunnel a1 b1
tunnel a2 b2
KIND=([a]=sekisho [b]=sekisho)
LAN4=([a]=10.1.0 [b]=10.2.0) ASN=([a]=65001 [b]=65002)
OUTSIDE=([a1]=203.0.113.1 [a2]=203.0.113.2 [b1]=198.51.100.10 [b2]=198.51.100.11)
INSIDE=([a1]=169.254.1.1 [b1]=169.254.1.2 [a2]=169.254.2.1 [b2]=169.254.2.2)
SHARED_KEY=([1]=many-routes-over-the-first [2]=many-routes-over-the-second)
IKE=aes128gcm16-prfsha256-x25519 ESP=aes128gcm16 DPD=2
ROUTES=${ROUTES:-100000} SAMPLES=400
declare -A WATCH_PID

speaker_program() { "$PYTHON" "$SMOKE/lab/bgp_speaker.py" "$@"; }
far_end() { [ "$1" = a ] && echo b || echo a; }

# bgpd_lines GATEWAY [LINE...]: what it says of both tunnels, and more lines.
bgpd_lines() {
  local gateway=$1 number other
  other=$(far_end "$gateway")
  shift
  printf '%s\n' "router bgp ${ASN[$gateway]}" "bgp router-id ${LAN4[$gateway]}.1" 'no bgp ebgp-requires-policy' \
    'timers bgp 10 30'
  for number in 1 2; do
    printf "neighbor ${INSIDE[$other$number]} %s\n" "remote-as ${ASN[$other]}" 'timers connect 1'
  done
  printf '%s\n' "$@"
}

speaker_start() {
  mkfifo "$LAB_DIR/orders"
  exec {ORDERS}<>"$LAB_DIR/orders"
  setsid ip netns exec "$LAB-right" "$PYTHON" "$SMOKE/lab/bgp_speaker.py" listen 10.2.0.2 65010 "$ROUTES" \
    <"$LAB_DIR/orders" >"$LAB_DIR/speaker.log" 2>&1 &
  await_line 10 "$LAB_DIR/speaker.log" '^listening'
}
order() { echo "$1" >&"$ORDERS"; }

# learnt GATEWAY: how many routes zebra has said. planned GATEWAY: what of the prefixes control has for the data path, as
# bgp_speaker.py says it. What the data path makes of it, packets show.
learnt() { sekisho "$1" status --json | jq .zebra.routes; }
learnt_at_least() { [ "$(learnt "$1")" -ge "$2" ]; }
learnt_at_most() { [ "$(learnt "$1")" -le "$2" ]; }
planned() { sekisho "$1" show route --json | speaker_program compare "$ROUTES"; }
planned_is() { [ "$(planned "$1")" = "$2" ]; }

# Both controls' loops are asked again and again for as long as something goes on; the longest that an answer took.
watch_start() {
  local gateway
  for gateway in a b; do
    bash -c 'slowest=0; trap "echo \$slowest; exit" TERM; while :; do
        begun=$(date +%s%N); "$@" >/dev/null; took=$((($(date +%s%N) - begun) / 1000000))
        [ $took -le $slowest ] || slowest=$took; sleep 0.1; done' watch \
      "$SEKISHO" --socket "$LAB_DIR/$gateway/control.sock" show tunnel --json >"$LAB_DIR/slowest.$gateway" &
    WATCH_PID[$gateway]=$!
  done
}
watch_end() {
  local gateway
  for gateway in a b; do stop "${WATCH_PID[$gateway]}"; done
  say "measured: longest answer of control meanwhile: $(cat "$LAB_DIR/slowest.a") ms at a," \
    "$(cat "$LAB_DIR/slowest.b") ms at b"
}

seconds_since() { awk -v begun="$1" -v now="$(date +%s.%N)" 'BEGIN { printf "%.1f", now - begun }'; }
peak_mib() { awk '/^VmHWM/ { printf "%d", $2 / 1024 }' "/proc/$1/status"; }
peaks() {
  local gateway
  for gateway in a b; do
    say "measured: peak memory at $gateway, MiB: control $(peak_mib "${CONTROL_PID[$gateway]}")," \
      "dataplane $(peak_mib "${DATAPLANE_PID[$gateway]}") (its packets and tables included)," \
      "zebra $(peak_mib "${FRR_PID[$gateway zebra]}"), bgpd $(peak_mib "${FRR_PID[$gateway bgpd]}")"
  done
}
came_up() { grep -c 'tunnel tunnel[12]: up' "$LAB_DIR/$1/control.log"; }

# new_keys: b and a negotiate them for tunnel 1, in the midst of it all.
spis() { sekisho b show child-sa tunnel1 --json | jq -c 'map(.inbound_spi) | sort'; }
spis_differ() { [ "$(spis)" != "$1" ]; }
new_keys() {
  local before begun
  before=$(spis)
  begun=$(date +%s.%N)
  sekisho b tunnel rekey tunnel1 >/dev/null
  await 10 'new keys meanwhile' spis_differ "$before"
  say "measured: new keys for tunnel 1 meanwhile, after $(seconds_since "$begun") s"
}

# answers ADDRESS...: how many answer an echo.
answers() {
  printf '%s\n' "$@" | on left xargs -P 20 -I '{}' ping -n -q -c 1 -W 2 -p "$MARKER_HEX" '{}' | grep -c ' 1 received' || :
}
# through_tunnels ADDRESS...: echoes to all of them, and how many packets of ESP each tunnel took for them, at least.
through_tunnels() {
  local address before=($(esp_crossed a1 b1) $(esp_crossed a2 b2)) first=0 second=0
  for address in "$@"; do
    case $address in 2[01].*) first=$((first + 1)) ;; *) second=$((second + 1)) ;; esac
  done
  equal "answers from $# addresses in them" $# "$(answers "$@")"
  await 5 "$first packets of ESP in tunnel 1" esp_crossed_at_least a1 b1 $((before[0] + first))
  await 5 "$second packets of ESP in tunnel 2" esp_crossed_at_least a2 b2 $((before[1] + second))
}

field_up
for gateway in a b; do
  gateway_start "$gateway" '.frr = {}' \
    "$(guards "${LAN4[$(far_end "$gateway")]}.0/24" $([ "$gateway" = b ] || echo 20.0.0.0/6))"
done
on right ip route add local 20.0.0.0/6 dev lo
speaker_start
routing a bgpd "$(bgpd_lines a 'address-family ipv4 unicast' 'network 10.1.0.0/24')"
routing b bgpd "$(bgpd_lines b 'neighbor 10.2.0.2 remote-as 65010' 'neighbor 10.2.0.2 timers connect 1' \
  'address-family ipv4 unicast' 'network 10.2.0.0/24' "neighbor ${INSIDE[a1]} route-map first out" \
  "neighbor ${INSIDE[a2]} route-map second out" exit-address-family \
  'ip prefix-list first permit 10.2.0.0/24' 'ip prefix-list first permit 20.0.0.0/7 le 32' \
  'ip prefix-list second permit 22.0.0.0/7 le 32' \
  'route-map first permit 10' 'match ip address prefix-list first' \
  'route-map second permit 10' 'match ip address prefix-list second')"
for gateway in a b; do routing_start "$gateway"; done
begin b1
begin b2
await_line 20 "$LAB_DIR/speaker.log" '^open'
await 20 'the way to the other side' through_is a 10.2.0.2 vti1
await 20 'the ways back, by both tunnels' through_is b 10.1.0.2 multipath
declare -A few=([a]=$(learnt a) [b]=$(learnt b))
ups=$(came_up a),$(came_up b)

step "$ROUTES routes come in, over what goes on meanwhile"
FLOW_INTERVAL=0.01 flow_start left 10.2.0.2
watch_start
begun=$(date +%s.%N)
order announce
await 20 "the first routes" learnt_at_least a $((few[a] + 1000))
new_keys
for gateway in b a; do
  await 80 "$ROUTES routes at $gateway" learnt_at_least "$gateway" "$ROUTES"
done
say "measured: zebra has said $ROUTES routes after $(seconds_since "$begun") s"
peaks
half=$(speaker_program share "$ROUTES")
await 80 'all of them in the plan of b, to the neighbour' planned_is b "$ROUTES 0 lan:$ROUTES"
await 80 'all of them in the plan of a, each into its tunnel' planned_is a "$ROUTES 0 vti1:${half% *} vti2:${half#* }"
say "measured: and all are in both plans, compared one by one, after $(seconds_since "$begun") s"
watch_end
flow_end "$ROUTES routes came in"
equal 'packets lost meanwhile' 0 "$FLOW_LOST"
equal 'tunnels that came up meanwhile' "$ups" "$(came_up a),$(came_up b)"

step 'and are followed'
addresses=($(speaker_program samples "$ROUTES" 7 "$SAMPLES"))
through_tunnels "${addresses[@]}"

step 'one tunnel goes and comes back: half of the table changes twice'
sekisho b tunnel down tunnel2 >/dev/null
await 60 'the plan of a without that half' planned_is a "${half% *} 0 vti1:${half% *}"
sekisho b tunnel up tunnel2 --timeout 20 >/dev/null
await 60 'that half again' planned_is a "$ROUTES 0 vti1:${half% *} vti2:${half#* }"
ups=$(came_up a),$(came_up b)

step 'all are taken back'
FLOW_INTERVAL=0.01 flow_start left 10.2.0.2
watch_start
begun=$(date +%s.%N)
order withdraw
await 20 "the first to go" learnt_at_most a $((ROUTES - 1000))
new_keys
for gateway in b a; do
  await 80 "them to go at $gateway" learnt_at_most "$gateway" "${few[$gateway]}"
  await 80 "them to go from the plan of $gateway" planned_is "$gateway" '0 0'
done
say "measured: none is left after $(seconds_since "$begun") s"
watch_end
flow_end "$ROUTES routes went"
equal 'packets lost meanwhile' 0 "$FLOW_LOST"
equal 'tunnels that came up meanwhile' "$ups" "$(came_up a),$(came_up b)"
equal 'where traffic to one of them goes now' drop "$(through a 20.1.2.3)"
equal 'answers from 40 addresses that answered before' 0 "$(answers "${addresses[@]:0:40}")"

field_sealed bare
