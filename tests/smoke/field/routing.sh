# FRR at a gateway of either kind, and what the field set-ups say of BGP.

ROUTER_FRR=8.4  # the release of FRR at a router: 8.4 or 10.3 (which has its static routes from mgmtd, not from staticd)
declare -A FRR_LOADED  # gateway -> the daemons that have a configuration

# routing GATEWAY DAEMON LINE...: the configuration that this daemon starts with.
routing() {
  local gateway=$1 daemon=$2 release=8.4
  shift 2
  [ "${KIND[$gateway]}" = sekisho ] || release=$ROUTER_FRR
  [ -n "${FRR_LOADED[$gateway]}" ] || frr_prepare "$gateway" "$release"
  FRR_LOADED[$gateway]+="$daemon "
  printf '%s\n' "hostname $gateway" "$@" >"$LAB_DIR/$gateway-frr/$daemon.conf"
}

# routing_start GATEWAY: zebra, and the daemons that have a configuration; those that do not run yet.
routing_start() {
  local gateway=$1 daemon
  for daemon in zebra ${FRR_LOADED[$gateway]}; do
    case $daemon in
      zebra) set -- "$gateway" -s 212992 ;;
      bfdd) set -- "$gateway" --bfdctl "/lab/$gateway-frr/bfdd.sock" ;;
      *) set -- "$gateway" ;;
    esac
    [ -n "${FRR_PID[$gateway $daemon]:-}" ] || frr_start "$gateway" "$daemon" "${@:2}"
  done
}

# bgp_start GATEWAY [TUNNEL]: announces its LAN over every tunnel, and TOLD, which it redistributes from the routes into
# its tunnels; prefers what it learns over that one (1).
bgp_start() {
  local gateway=$1 preferred=${2:-1} end peer other=a
  [ "$gateway" = b ] || other=b
  routing "$gateway" bgpd "$(
    echo "route-map second permit 10"
    echo "set local-preference 50"
    [ -z "${TOLD[$gateway]:-}" ] || printf '%s\n' "ip prefix-list told permit ${TOLD[$gateway]}" \
      'route-map told permit 10' 'match ip address prefix-list told'
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
    [ -z "${TOLD[$gateway]:-}" ] ||
      echo "redistribute $([ "${KIND[$gateway]}" = sekisho ] && echo babel || echo static) route-map told"
    for end in $(ends_of "$gateway"); do
      [ "${end:1}" = "$preferred" ] || echo "neighbor $(speaker "${FAR[$end]}") route-map second in"
    done
    echo exit-address-family
  )"
  routing_start "$gateway"
}
BGP_TIMERS='1 3'

# announced GATEWAY TUNNEL...: the prefixes that it announces while these tunnels are up.
announced() { echo "${LAN4[$1]}.0/24" ${2:+${TOLD[$1]:-}}; }

# paths GATEWAY TUNNEL...: the BGP table that it has where these tunnels have a session, the best one first, as
# bgp_table prints it.
paths() {
  local gateway=$1 best='>' number other=a
  [ "$gateway" = b ] || other=b
  shift
  {
    printf '> %s 0.0.0.0 \n' $(announced "$gateway" "$@")
    for number in "$@"; do
      printf "$best %s $(speaker "$other$number") ${ASN[$other]}\n" $(announced "$other" "$@")
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

# expect_sessions GATEWAY TUNNEL...: what this Sekisho shows of BGP: sessions over these tunnels and no others, and what
# either end has said over each; what is from the other end was received best over the first tunnel.
expect_sessions() {
  local gateway=$1 number other=a best=', best'
  [ "$gateway" = b ] || other=b
  shift
  local expected=$(for number in "$@"; do
    echo "$(speaker "$other$number") of AS ${ASN[$other]}"
    printf "$(speaker "$other$number") announces %s ${ASN[$other]}$best\n" $(announced "$other" "$@")
    printf "$(speaker "$other$number") is told %s\n" $(announced "$gateway" "$@")
    best=
  done | sort)
  await 10 "the sessions of $gateway to be as follows; $LAB_DIR/sessions.last has what they were:
$expected" sessions_are "$gateway" "$expected"
  say "ok: the sessions of $gateway:"
  sekisho "$gateway" show bgp summary
  [ -z "$expected" ] || say "$expected"
}
sessions_are() {
  {
    sekisho "$1" show bgp summary --json |
      jq -r '.[] | select(.state == "Established") | "\(.neighbour) of AS \(.remote_as)"'
    sekisho "$1" show bgp received --json |
      jq -r '.[] | "\(.neighbour) announces \(.prefix) \(.as_path)\(if .best then ", best" else "" end)"'
    # What one neighbour has announced the other is told, too; both are of one AS, and do not take it.
    sekisho "$1" show bgp advertised --json | jq -r '.[] | select(.as_path == "") | "\(.neighbour) is told \(.prefix)"'
  } | sort >"$LAB_DIR/sessions.last"
  [ "$(cat "$LAB_DIR/sessions.last")" = "$2" ]
}
