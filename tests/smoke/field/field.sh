# What the field set-ups share: source this file, fill in the tables below, then `field_up`.
#
#    left: server --- a: the cloud's gateway --- net: the internet --- b: the customer's gateway --- right: pc
#
# Each tunnel has two ends, which are called by gateway and number: tunnel 1 leads from a1 to b1. A gateway is one of
#
#   sekisho   Sekisho, with `frr` where FRR runs beside it in its namespace
#   router    FRR, and a strongSwan for each tunnel in a namespace of its own, with an outside address of its own. All
#             that one strongSwan seals goes through one TUN, which is moved into the router as the tunnel's interface
#
# and either has the tunnels' interfaces vti1, vti2. What crosses the internet is captured from before the gateways start
# until the test ends, and field_sealed looks at all of it.
#
# gateway.sh   Sekisho                            proofs.sh   pings, flows, the capture
# router.sh    the router's strongSwans           routing.sh  FRR
FIELD=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$FIELD/../lab.sh"
for part in gateway router routing proofs; do source "$FIELD/$part.sh"; done

declare -A KIND        # gateway -> sekisho or router
declare -A FAR         # tunnel's end -> the other end
declare -A OUTSIDE     # tunnel's end -> the address of the gateway's outside interface
declare -A PUBLIC      # tunnel's end -> what the internet sees instead, where it is behind a translator
declare -A INSIDE      # tunnel's end -> its address in the tunnel's /30
declare -A SPEAKER     # tunnel's end -> the loopback address that BGP speaks from, where it is not INSIDE
declare -A ASN         # gateway -> its AS number, where it speaks BGP
declare -A TOLD        # gateway -> prefix that a route into its tunnel leads to and that its BGP announces for that
declare -A SHARED_KEY  # number of the tunnel -> pre-shared key
declare -A LAN_OCTET   # gateway -> its last octet in its LAN, unless 1
declare -A MORE_LAN4   # gateway -> a second LAN behind it, as LAN4
declare -A WAN_MTU     # gateway -> MTU of its outside interface, unless 1500

# IKE_VERSION, IKE and ESP as in docs/configuration.md. Lifetimes in seconds and octets; 0: no limit.
IKE_VERSION=v2 IKE= ESP= IKE_LIFETIME=28800 ESP_LIFETIME=3600 ESP_BYTES=0 DPD=10 VTI_MTU=1436
CLOUD=none  # whose gateway it is that the customer speaks BGP with, as docs/configuration.md has it

ends_of() { printf '%s\n' "${!FAR[@]}" | grep "^$1" | sort; }
gateways() { printf '%s\n' "${!KIND[@]}" | sort; }
sekishos() { for each in $(gateways); do [ "${KIND[$each]}" = router ] || echo "$each"; done; }
seen() { echo "${PUBLIC[$1]:-${OUTSIDE[$1]}}"; }
lan_address() { echo "${LAN4[$1]}.${LAN_OCTET[$1]:-1}"; }
speaker() { echo "${SPEAKER[$1]:-${INSIDE[$1]}}"; }

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

# site_lan GATEWAY INTERFACE: the host behind it, with an address in each of its LANs. The host's eth0 is a bridge, so
# that two gateways can stand in one LAN; the first one is its way out.
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

# internet_port PLACE ENDS: what the internet router has on its wire there: the default gateway of these outside
# addresses.
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
      echo 'chain arriving {'
      echo 'type filter hook prerouting priority -400'
      for end in "${!FAR[@]}"; do
        [ "${end:1}" != "$number" ] || echo "ip saddr ${OUTSIDE[$end]} ip daddr $(seen "${FAR[$end]}") drop"
      done
      echo '}'
      echo '}'
    } | on net nft -f -
  done
}
mend() { for each in "$@"; do on net nft delete table ip "cut-$each"; done; }

# field_run [cloud|customer...]: calls `field`, once for each end that Sekisho shall stand at, both unless they are
# given. `field` finds SEKISHO_END and PEER_END set. With LAB_KEEP=yes the last one stays up.
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

# field_keep: leaves the lab to the one who asked for it, with every tunnel up again.
field_keep() {
  local gateway end
  step 'every tunnel up again'
  for end in "${!FAR[@]}"; do mend "${end:1}" 2>/dev/null || :; done
  for gateway in $(sekishos); do
    for end in $(ends_of "$gateway"); do sekisho "$gateway" tunnel up "tunnel${end:1}" --timeout 20; done
  done
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
