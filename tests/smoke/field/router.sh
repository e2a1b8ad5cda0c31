# A gateway that is a router with a strongSwan for each tunnel.

# router_start GATEWAY: its strongSwans, which wait, and their TUNs as vtiN, of 1400 octets as strongSwan has them. The
# interface is up while there is a child SA, as a router's is: strongSwan tells of it by its updown script. (What
# strongSwan needs to see in its namespace is an interface of the TUN's name; its own routes come after the main table,
# and nothing is ever sent by them.)
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
