# What the field set-ups share: source this file, fill in the tables below, then `field_up`.
#
#    left: server --- a: the cloud's gateway --- net: the internet --- b: the customer's gateway --- right: pc
#
# Each tunnel has two ends, which are called by gateway and number: tunnel 1 leads from a1 to b1. A gateway is one of
#
#   sekisho   Sekisho, and FRR beside it in its namespace
#   router    FRR, and a strongSwan for each tunnel in a namespace of its own, with an outside address of its own. All that
#             one strongSwan seals goes through one TUN, which is moved into the router as the tunnel's interface
#
# so that both route by their kernel's table over the interfaces vti1, vti2. What crosses the internet is captured from
# before the gateways start until the test ends, and field_sealed looks at all of it.
source "$(dirname "${BASH_SOURCE[0]}")/../lab.sh"

declare -A KIND        # gateway -> sekisho or router
declare -A FAR         # tunnel's end -> the other end
declare -A OUTSIDE     # tunnel's end -> the address of the gateway's outside interface
declare -A PUBLIC      # tunnel's end -> what the internet sees instead, where it is behind a translator
declare -A INSIDE      # tunnel's end -> its address in the tunnel's /30
declare -A SPEAKER     # tunnel's end -> the address that BGP speaks from, where it is not INSIDE but one of the loopback
declare -A ASN         # gateway -> its AS number, where it speaks BGP
declare -A SHARED_KEY  # number of the tunnel -> pre-shared key
declare -A LAN_OCTET   # gateway -> its last octet in its LAN, unless 1
declare -A MORE_LAN4   # gateway -> a second LAN behind it, as LAN4
declare -A WAN_MTU     # gateway -> MTU of its outside interface, unless 1500

# IKE_VERSION, IKE and ESP as in docs/configuration.md. Lifetimes in seconds and octets; 0: no limit.
IKE_VERSION=v2 IKE= ESP= IKE_LIFETIME=28800 ESP_LIFETIME=3600 ESP_BYTES=0 DPD=10 VTI_MTU=1436

ends_of() { printf '%s\n' "${!FAR[@]}" | grep "^$1" | sort; }
gateways() { printf '%s\n' "${!KIND[@]}" | sort; }
sekishos() { for each in $(gateways); do [ "${KIND[$each]}" != sekisho ] || echo "$each"; done; }
seen() { echo "${PUBLIC[$1]:-${OUTSIDE[$1]}}"; }
lan_address() { echo "${LAN4[$1]}.${LAN_OCTET[$1]:-1}"; }
speaker() { echo "${SPEAKER[$1]:-${INSIDE[$1]}}"; }
prefix30() { echo "${1%.*}.$((${1##*.} & ~3))/30"; }

# tunnel FIRST SECOND: the two ends of a tunnel.
tunnel() { FAR[$1]=$2 FAR[$2]=$1; }

# The whole lab, but that no gateway runs yet; the capture does.
field_up() {
  local gateway end
  FRR_PID=()
  lab_places=(left net right $(gateways))
  for gateway in $(gateways); do
    [ "${KIND[$gateway]}" = sekisho ] || lab_places+=($(ends_of "$gateway"))
  done
  places_up
  on net sysctl -qw net.ipv6.conf.all.disable_ipv6=1
  for gateway in $(gateways); do
    mkdir "$LAB_DIR/$gateway"
    site_up "$gateway"
    FRR_LOADED[$gateway]=
  done
  translate
  capture_start internet net any
  capture_start server left eth0
}

declare -A FRR_LOADED

# site_up GATEWAY: its wires to the hosts and to the internet.
site_up() {
  local gateway=$1 end
  if [ "${KIND[$gateway]}" = sekisho ]; then
    site_lan "$gateway" lan-wire
    wire net "to-$gateway" "$gateway" wan-wire
    deafen "$gateway" lan-wire wan-wire
    internet_port "$gateway" "$(ends_of "$gateway")"
    return
  fi
  site_lan "$gateway" lan
  on "$gateway" sysctl -qw net.ipv4.ip_forward=1
  address "$gateway" lan "$(lan_address "$gateway")/24" ${MORE_LAN4[$gateway]:+"${MORE_LAN4[$gateway]}.1/24"}
  for end in $(ends_of "$gateway"); do
    mkdir "$LAB_DIR/$end"
    wire net "to-$end" "$end" wan
    internet_port "$end" "$end"
    on "$end" sysctl -qw net.ipv6.conf.all.disable_ipv6=1
    address "$end" wan "${OUTSIDE[$end]}/24"
    on "$end" ip route add default via "${OUTSIDE[$end]%.*}.254"
  done
}

# site_lan GATEWAY INTERFACE: the host behind it, with an address in each of its LANs. The host's eth0 is a bridge, so that
# two gateways can stand in one LAN; the first one is its way out.
site_lan() {
  local gateway=$1 host=${HOST[$1]}
  wire "$host" "to-$gateway" "$gateway" "$2"
  if ! ip -n "$LAB-$host" link show eth0 >/dev/null 2>&1; then
    on "$host" sysctl -qw net.ipv4.conf.all.accept_redirects=0 net.ipv4.conf.default.accept_redirects=0
    on "$host" ip link add eth0 up type bridge forward_delay 0 mcast_snooping 0
    address "$host" eth0 "${LAN4[$gateway]}.2/24" ${MORE_LAN4[$gateway]:+"${MORE_LAN4[$gateway]}.2/24"}
    on "$host" ip route add default via "$(lan_address "$gateway")"
  fi
  on "$host" ip link set "to-$gateway" master eth0
}

# internet_port PLACE ENDS: what the internet router has on its wire there: the default gateway of these outside addresses.
internet_port() {
  local place=$1 end mtu=${WAN_MTU[${1:0:1}]:-}
  [ -z "$mtu" ] || ip -n "$LAB-net" link set "to-$place" mtu "$mtu"
  [ -z "$mtu" ] || [ "${KIND[$place]:-}" = sekisho ] || ip -n "$LAB-$place" link set wan mtu "$mtu"
  for end in $2; do
    on net ip address replace "${OUTSIDE[$end]%.*}.254/32" dev "to-$place"
    on net ip route replace "${OUTSIDE[$end]}" dev "to-$place"
  done
}

# One-to-one translators before the ends that have a PUBLIC address: whatever is sent to it arrives, either way.
translate() {
  local end
  {
    echo 'table ip translators {'
    echo 'chain arriving {'
    echo 'type filter hook prerouting priority raw'
    for end in "${!PUBLIC[@]}"; do echo "ip daddr ${PUBLIC[$end]} ip daddr set ${OUTSIDE[$end]}"; done
    echo '}'
    echo 'chain leaving {'
    echo 'type filter hook postrouting priority raw'
    for end in "${!PUBLIC[@]}"; do echo "ip saddr ${OUTSIDE[$end]} ip saddr set ${PUBLIC[$end]}"; done
    echo '}'
    echo '}'
  } | on net nft -f -
}

# firewall GATEWAY: a stateful one before it. Only what it sends first is answered.
firewall() {
  local outside
  outside=$(for end in $(ends_of "$1"); do echo "${OUTSIDE[$end]}"; done | sort -u | paste -sd,)
  on net nft -f - <<END
table ip firewall {
chain forward {
type filter hook forward priority 0
ip daddr { $outside } ct state != { established, related } counter drop
}
}
END
}

# cut TUNNEL..., mend TUNNEL...: nothing of it crosses the internet; neither end is told.
cut() {
  local number end
  for number in "$@"; do
    {
      echo "table ip cut-$number {"
      echo 'chain forward {'
      echo 'type filter hook prerouting priority -400'
      for end in "${!FAR[@]}"; do
        [ "${end:1}" = "$number" ] || continue
        echo "ip saddr { ${OUTSIDE[$end]}, $(seen "$end") } ip daddr { ${OUTSIDE[${FAR[$end]}]}, $(seen "${FAR[$end]}") } drop"
      done | sed -E 's/\{ ([0-9.]+), \1 \}/\1/g'
      echo '}'
      echo '}'
    } | on net nft -f -
  done
}
mend() { for each in "$@"; do on net nft delete table ip "cut-$each"; done; }

# A gateway that is Sekisho -------------------------------------------------------------------------------------------

# field_config GATEWAY [FILTER...]: its sekisho.json. Tunnel N is `tunnelN` on vtiN, for any packet. Its route is its own /30,
# so that this has a guard, too: what is for the inside of a tunnel that is down, as BGP has it, does not follow the default
# route. The customer's end begins, the cloud's end waits. jq filters change it.
field_config() {
  local gateway=$1 end far filter=. each
  shift
  for each in "$@"; do filter+=" | $each"; done
  for end in $(ends_of "$gateway"); do
    far=${FAR[$end]}
    (umask 077 && printf '%s\n' "${SHARED_KEY[${end:1}]}" >"$LAB_DIR/$gateway/psk${end:1}")
    jq -n --arg number "${end:1}" --arg outside "${OUTSIDE[$end]}" --arg inside "${INSIDE[$end]}/30" \
      --arg inside_prefix "$(prefix30 "${INSIDE[$end]}")" \
      --arg peer "$(seen "$far")" --arg peer_id "${OUTSIDE[$far]}" --arg version "$IKE_VERSION" --arg ike "$IKE" \
      --arg esp "$ESP" --arg start "$([ "$gateway" = b ] && echo start || echo respond)" --argjson mtu "$VTI_MTU" \
      --argjson ike_lifetime "$IKE_LIFETIME" --argjson esp_lifetime "$ESP_LIFETIME" --argjson bytes "$ESP_BYTES" \
      --argjson dpd "$DPD" '{ key: "tunnel\($number)", value: {
        interface: { name: "vti\($number)", addresses: [$inside], mtu: $mtu },
        local: { address: $outside }, remote: { address: $peer, id: $peer_id },
        psk_file: "psk\($number)", profile: "legacy", start: $start,
        ike: { version: $version, proposals: [$ike], lifetime: $ike_lifetime, dpd_interval: $dpd, retry_interval: 1,
          retransmission: { first_ms: 400, factor: 1.4, tries: 4 } },
        esp: { proposals: [$esp], lifetime: $esp_lifetime, lifetime_bytes: $bytes },
        selectors: { local: ["0.0.0.0/0"], remote: ["0.0.0.0/0"] }, routes: [$inside_prefix]
      } }'
  done | jq -s --arg lan "$(lan_address "$gateway")" --arg more "${MORE_LAN4[$gateway]:+${MORE_LAN4[$gateway]}.1}" --argjson mtu "${WAN_MTU[$gateway]:-1500}" \
    --arg outside "$(for end in $(ends_of "$gateway"); do echo "${OUTSIDE[$end]}/24"; done | sort -u)" '{
      ports: {
        wan: { device: "net_af_packet0,iface=wan-wire", addresses: ($outside | split("\n")), mtu: $mtu },
        lan: { device: "net_af_packet1,iface=lan-wire",
          addresses: ([$lan, $more] | map(select(. != "") + "/24")) }
      },
      routes: [ { prefix: "0.0.0.0/0", via: ($outside | sub("[0-9]+/.*"; "254"; "m")) } ],
      tunnels: from_entries
    } | '"$filter" >"$LAB_DIR/$gateway/sekisho.json" || fail "the configuration of $gateway: $filter"
}

# gateway_start GATEWAY [FILTER...], gateway_apply GATEWAY [FILTER...]
gateway_start() {
  field_config "$@"
  dataplane_start "$1"
  control_start "$1"
  await 20 "Sekisho's ports at $1" ports_present "$1"
}
gateway_apply() {
  field_config "$@"
  sekisho "$1" config apply "$LAB_DIR/$1/sekisho.json" >"$LAB_DIR/$1/apply.out" || fail "config apply: $(cat "$LAB_DIR/$1/apply.out")"
}

# state GATEWAY TUNNEL: up, connecting or down. For a router: whether its strongSwan has a child SA.
state() {
  if [ "${KIND[$1]}" = sekisho ]; then
    sekisho "$1" show tunnel "tunnel$2" --json | jq -r 'if type == "array" then .[0] else . end | .state'
  elif swanctl "$1$2" --list-sas | grep -q 'INSTALLED'; then echo up
  else echo down
  fi
}
state_is() {
  case $3 in
    'not up') [ "$(state "$1" "$2")" != up ] ;;
    *) [ "$(state "$1" "$2")" = "$3" ] ;;
  esac
}
# await_state GATEWAY TUNNEL STATE: one of them, or `not up`.
await_state() { await "${4:-20}" "tunnel $2 at $1 to be $3" state_is "$1" "$2" "$3"; }

# through GATEWAY ADDRESS: the interface by which the data plane sends there, or `drop`, `punt`, ...: what it does instead.
through() { sekisho "$1" show route "$2" --json | jq -r '.[0] | .interface // .action'; }
through_is() { [ "$(through "$1" "$2")" = "$3" ]; }

# A gateway that is a router with strongSwan ----------------------------------------------------------------------------

# router_start GATEWAY: its strongSwans, which wait, and their TUNs as vtiN, of 1400 octets as strongSwan has them. (What strongSwan needs to see in its namespace is
# an interface of the TUN's name; its own routes come after the main table, and nothing is ever sent by them.) The interface
# is up while there is a child SA, as a router's is: strongSwan tells of it by its updown script.
router_start() {
  local gateway=$1 end
  for end in $(ends_of "$gateway"); do
    router_end_start "$end"
    on "$end" ip link set ipsec0 netns "$LAB-$gateway" name "vti${end:1}"
    on "$end" ip link add ipsec0 type bridge
    on "$end" ip link set ipsec0 up
    ip -n "$LAB-$gateway" address add "${INSIDE[$end]}/30" dev "vti${end:1}"
    start "$gateway" "$LAB_DIR/$end/follow.log" bash -c 'tail -n +1 -F "$1" | while read -r verb; do
      case $verb in up-client) ip link set "$2" up ;; down-client) ip link set "$2" down ;; esac
    done' follow "$LAB_DIR/$end/updown.log" "vti${end:1}"
  done
}

# An end that has no answer for four seconds gives up, as Sekisho does here.
ROUTER_CHARON='routing_table_prio = 40000
  retransmit_timeout = 0.5
  retransmit_tries = 3'

router_end_start() {
  local end=$1 far=${FAR[$1]} WAN LAN4 LAN6 OTHER
  printf '#!/bin/sh\necho "$PLUTO_VERB" >>/lab/%s/updown.log\n' "$end" >"$LAB_DIR/$end/updown"
  chmod +x "$LAB_DIR/$end/updown"
  : >"$LAB_DIR/$end/updown.log"
  local -A WAN=([$end]=${OUTSIDE[$end]} [$far]=$(seen "$far")) OTHER=([$end]=$far)
  local -A LAN4=([$end]=0.0.0 [$far]=0.0.0) LAN6=([$end]=:: [$far]=::)
  strongswan_start "$end" release=trixie raw_esp=yes charon="$ROUTER_CHARON" ike="$IKE" esp="$ESP" \
    psk="${SHARED_KEY[${end:1}]}" id="${OUTSIDE[$end]}" peer_id="${OUTSIDE[$far]}" \
    local_ts=0.0.0.0/0 remote_ts=0.0.0.0/0 \
    connection="version = ${IKE_VERSION#v}
    rekey_time = ${IKE_LIFETIME}s
    keyingtries = 0
    dpd_delay = ${DPD}s" \
    child="life_time = ${ESP_LIFETIME}s
        life_bytes = $ESP_BYTES
        updown = /lab/$end/updown
        dpd_action = $([ "${end:0:1}" = b ] && echo restart || echo clear)"
  await 5 "the TUN of $end" ip -n "$LAB-$end" link show ipsec0
}

# begin END: the customer's gateway begins; where it is Sekisho it has done so by itself.
begin() {
  [ "${KIND[${1:0:1}]}" != router ] || swanctl "$1" --initiate --child c --timeout 15 >"$LAB_DIR/$1/initiate.out" ||
    fail "$1 could not begin: $(tail -n 3 "$LAB_DIR/$1/initiate.out")"
  await_state "${1:0:1}" "${1:1}" up
  await_state "${FAR[$1]:0:1}" "${1:1}" up
}
# FRR -------------------------------------------------------------------------------------------------------------------

# routing GATEWAY DAEMON LINE...: the configuration that this daemon starts with.
routing() {
  local gateway=$1 daemon=$2
  shift 2
  [ -n "${FRR_LOADED[$gateway]}" ] || frr_prepare "$gateway" 8.4
  FRR_LOADED[$gateway]+="$daemon "
  printf '%s\n' "hostname $gateway" "$@" >"$LAB_DIR/$gateway-frr/$daemon.conf"
}
# routing_start GATEWAY: zebra, and the daemons that have a configuration; those that do not run yet.
routing_start() {
  local gateway=$1 daemon
  for daemon in zebra ${FRR_LOADED[$gateway]}; do
    [ -n "${FRR_PID[$gateway $daemon]:-}" ] || frr_start "$gateway" "$daemon" $([ $daemon != zebra ] || echo -s 212992)
  done
}

# guard GATEWAY PREFIX...: what is for these networks is dropped where no better route is. In the kernel, for no daemon is
# as fast as the kernel is at taking the routes of an interface that went down. (The highest octet of the metric is, to
# zebra, the administrative distance; with 255 it takes the route for no way.)
guard() {
  local gateway=$1 prefix
  shift
  for prefix in "$@"; do on "$gateway" ip route add blackhole "$prefix" metric $((255 << 24 | 8192)); done
}

# bgp_start GATEWAY [TUNNEL]: announces its LAN over every tunnel, and prefers what it learns over that one (1).
bgp_start() {
  local gateway=$1 preferred=${2:-1} end peer other=a
  [ "$gateway" = b ] || other=b
  routing "$gateway" bgpd "$(
    echo "route-map second permit 10"
    echo "set local-preference 50"
    echo "router bgp ${ASN[$gateway]}"
    echo "bgp router-id ${LAN4[$gateway]}.1"
    echo "no bgp ebgp-requires-policy"
    echo "timers bgp $BGP_TIMERS"
    for end in $(ends_of "$gateway"); do
      peer=$(speaker "${FAR[$end]}")
      echo "neighbor $peer remote-as ${ASN[$other]}"
      echo "neighbor $peer timers connect 1"
      # FRR 8.4 takes the next hop for one on the wire after two connections at once, even with ebgp-multihop.
      [ -z "${SPEAKER[$end]:-}" ] || printf "neighbor $peer %s\n" "update-source ${SPEAKER[$end]}" 'ebgp-multihop 2' \
        disable-connected-check
    done
    echo "address-family ipv4 unicast"
    echo "network ${LAN4[$gateway]}.0/24"
    for end in $(ends_of "$gateway"); do
      [ "${end:1}" = "$preferred" ] || echo "neighbor $(speaker "${FAR[$end]}") route-map second in"
    done
    echo exit-address-family
  )"
  routing_start "$gateway"
}
BGP_TIMERS='1 3'

# paths GATEWAY TUNNEL...: the BGP table that it has where these tunnels have a session, the best one first, as bgp_table
# prints it.
paths() {
  local gateway=$1 best='>' number other=a
  [ "$gateway" = b ] || other=b
  shift
  {
    echo "> ${LAN4[$gateway]}.0/24 0.0.0.0 "
    for number in "$@"; do
      echo "$best ${LAN4[$other]}.0/24 $(speaker "$other$number") ${ASN[$other]}"
      best=' '
    done
  } | sort -k 1.2
}

# bgp_table GATEWAY: a line for each path: prefix, next hop, AS path, and > before the best one.
bgp_table() {
  vtysh "$1" 'show bgp ipv4 unicast json' | jq -r '.routes | to_entries[] | .key as $prefix | .value[] |
    "\(if .bestpath then ">" else " " end) \($prefix) \(.nexthops[0].ip) \(.path)"' | sort -k 1.2
}
bgp_table_is() {
  bgp_table "$1" >"$LAB_DIR/bgp.last"
  [ "$(cat "$LAB_DIR/bgp.last")" = "$2" ]
}
# expect_bgp GATEWAY TABLE: within the time that sessions and updates take.
expect_bgp() {
  await 20 "the BGP table of $1 to be as follows; $LAB_DIR/bgp.last has what it was:
$2" bgp_table_is "$1" "$2"
  say "ok: the BGP table of $1:"
  say "$2"
}
bgp_state() { vtysh "$1" 'show bgp ipv4 unicast summary json' | jq -r --arg peer "$2" '.peers[$peer].state'; }
bgp_state_is() { [ "$(bgp_state "$1" "$2")" = "$3" ]; }

# Proofs ----------------------------------------------------------------------------------------------------------------

# pings FROM ADDRESS [ARGUMENTS...]: ten echoes get there and back. The answers come by two gateways, so their TTL is 62.
pings() {
  local from=$1 to=$2 answer
  shift 2
  answer=$(on "$from" ping -n -c 10 -i 0.02 -W 2 -p "$MARKER_HEX" "$@" "$to") || fail "ping from $from to $to $*: $answer"
  equal "ping from $from to $to $*: answers, their TTLs" "10 ${TTL:-62}" \
    "$(grep -c ttl= <<<"$answer") $(sed -nE 's/.* ttl=([0-9]+) .*/\1/p' <<<"$answer" | sort -u | xargs)"
}
# no_pings FROM ADDRESS: five echoes, no answer.
no_pings() {
  equal "ping from $1 to $2: answers" 0 "$(on "$1" ping -n -c 5 -i 0.05 -W 1 -p "$MARKER_HEX" "$2" | grep -c ttl= || :)"
}

# esp_crossed FROM TO: how many packets of ESP have gone from one tunnel's end to the other, so far.
esp_crossed() { capture_count internet "$ESP_FILTER" and src "$(seen "$1")" and dst "$(seen "$2")"; }

# A flow of echoes, 50 a second, over what happens meanwhile. flow_end awaits answers to what was sent last, and says how
# many had none and how long was the longest time between two answers.
flow_start() {
  rm -f "$LAB_DIR/flow"
  start "$1" "$LAB_DIR/flow" ping -D -n -i 0.02 -p "$MARKER_HEX" "$2"
  FLOW_PID=$STARTED FLOW_INTERVAL=20
  await_line 10 "$LAB_DIR/flow" ttl=
}
flow_answers() { grep -c ttl= "$LAB_DIR/flow"; }
# flow_runs: an answer to an echo that is sent from now on.
flow_runs() {
  local before
  before=$(flow_answers)
  await 20 'answers again' eval "[ \$(flow_answers) -gt $((before + 10)) ]"
}
flow_end() {
  flow_runs
  stop "$FLOW_PID" INT
  read -r FLOW_LOST FLOW_GAP FLOW_ANSWERS < <(awk -F'[][ =]+' '/ttl=/ {
      for (i = 1; i < NF; ++i) if ($i == "icmp_seq") sequence = $(i + 1)
      if (!answers++) first = sequence
      else if ($2 - time > gap) gap = $2 - time
      if (sequence > last) last = sequence
      time = $2
    } END { printf "%d %d %d\n", last - first + 1 - answers, gap * 1000, answers }' "$LAB_DIR/flow")
  say "measured: $1: $FLOW_LOST of $((FLOW_ANSWERS + FLOW_LOST)) packets lost, longest gap $FLOW_GAP ms"
}

# field_sealed KIND: all that has crossed the internet is IKE and ESP, as such (bare) or in UDP (encapsulated).
field_sealed() {
  capture_stop internet
  capture_stop server
  at_least 'plaintext markers at the server, so that the search is known to find' 20 "$(capture_markers server)"
  expect_silent internet
  case $1 in
    bare)
      at_least 'packets of ESP (protocol 50) on the internet' 50 "$(capture_count internet esp)"
      equal 'ESP in UDP there' 0 "$(capture_count internet "$ESP_FILTER" and udp)" ;;
    encapsulated)
      at_least 'packets of ESP in UDP on the internet' 50 "$(capture_count internet "$ESP_FILTER" and udp)"
      equal 'ESP outside of UDP there' 0 "$(capture_count internet esp)" ;;
  esac
}

# The lab's run -----------------------------------------------------------------------------------------------------------

# field_run [cloud|customer...]: calls `field`, once for each end that Sekisho shall stand at, both unless they are given.
# `field` finds SEKISHO_END and PEER_END set. With LAB_KEEP=yes the last one stays up.
field_run() {
  local end
  [ $# -gt 0 ] || set -- cloud customer
  for end in "$@"; do
    case $end in
      cloud) SEKISHO_END=a PEER_END=b ;;
      customer) SEKISHO_END=b PEER_END=a ;;
      *) echo "the ends are cloud and customer, not '$end'" >&2; exit 2 ;;
    esac
    [ "$end" = "$1" ] || { places_down; rm -rf "$LAB_DIR"; }
    KIND=([$SEKISHO_END]=sekisho [$PEER_END]=router)
    step "Sekisho at the $end's end"
    field
  done
  [ "${LAB_KEEP:-}" != yes ] || field_keep
}

field_keep() {
  local gateway
  trap - EXIT INT TERM HUP
  cat <<END_OF_TEXT

The lab is running. Some ways in:
  ip netns exec $LAB-left ping ${LAN4[b]}.2    from the cloud's server to the customer's pc
  ip netns exec $LAB-net tcpdump -ni any      the internet's view
END_OF_TEXT
  for gateway in $(gateways); do
    echo "  ip netns exec $LAB-$gateway bash               a ${KIND[$gateway]}: ip route, tcpdump -ni vti1"
    [ "${KIND[$gateway]}" != sekisho ] || echo "  $SEKISHO --socket $LAB_DIR/$gateway/control.sock show tunnel"
    [ -z "${FRR_LOADED[$gateway]}" ] || echo "  ip netns exec $LAB-$gateway" $(frr_root "$gateway") /usr/bin/vtysh \
      --vty_socket "/lab/$gateway-frr" --config_dir "/lab/$gateway-frr"
  done
  echo 'script/lab --down ends it.'
}
