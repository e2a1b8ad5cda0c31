# A gateway that is Sekisho. Its files are in $LAB_DIR/GATEWAY, as in lab/sekisho.sh.

# field_config GATEWAY [FILTER...]: its sekisho.json. Tunnel N is `tunnelN` on vtiN, for any packet. The customer's end
# begins, the cloud's end waits. With an AS number it says what the BGP session is to be. jq filters change it.
field_config() {
  local gateway=$1 end far filter=. each
  shift
  for each in "$@"; do filter+=" | $each"; done
  for end in $(ends_of "$gateway"); do
    far=${FAR[$end]}
    (umask 077 && printf '%s\n' "${SHARED_KEY[${end:1}]}" >"$LAB_DIR/$gateway/psk${end:1}")
    jq -n --arg number "${end:1}" --arg outside "${OUTSIDE[$end]}" --arg inside "${INSIDE[$end]}/30" \
      --arg peer "$(seen "$far")" --arg peer_id "${OUTSIDE[$far]}" --arg version "$IKE_VERSION" --arg ike "$IKE" \
      --arg esp "$ESP" --arg start "$([ "$gateway" = b ] && echo start || echo respond)" --argjson mtu "$VTI_MTU" \
      --argjson ike_lifetime "$IKE_LIFETIME" --argjson esp_lifetime "$ESP_LIFETIME" --argjson bytes "$ESP_BYTES" \
      --argjson dpd "$DPD" --arg own_as "${ASN[$gateway]:-}" --arg far_as "${ASN[${far:0:1}]:-}" \
      --arg cloud "$([ "$gateway" = b ] && echo "$CLOUD" || echo none)" '{ key: "tunnel\($number)", value: {
        interface: { name: "vti\($number)", addresses: [$inside], mtu: $mtu },
        local: { address: $outside }, remote: { address: $peer, id: $peer_id },
        psk_file: "psk\($number)", profile: "legacy", start: $start,
        ike: { version: $version, proposals: [$ike], lifetime: $ike_lifetime, dpd_interval: $dpd, retry_interval: 1,
          retransmission: { first_ms: 400, factor: 1.4, tries: 4 } },
        esp: { proposals: [$esp], lifetime: $esp_lifetime, lifetime_bytes: $bytes },
        selectors: { local: ["0.0.0.0/0"], remote: ["0.0.0.0/0"] }
      } } | if $own_as == "" then . else
        .value.bgp = { local_as: ($own_as | tonumber), neighbour_as: ($far_as | tonumber), cloud: $cloud } end'
  done | jq -s --arg lan "$(lan_address "$gateway")" --arg more "${MORE_LAN4[$gateway]:+${MORE_LAN4[$gateway]}.1}" \
    --argjson mtu "${WAN_MTU[$gateway]:-1500}" \
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

# guards PREFIX...: the filter that guards these networks, which BGP brings and no configuration names.
guards() { echo ".guards = $(jq -cn '$ARGS.positional' --args "$@")"; }

# gateway_start GATEWAY [FILTER...], gateway_apply GATEWAY [FILTER...]
gateway_start() {
  field_config "$@"
  dataplane_start "$1"
  control_start "$1"
  await 20 "Sekisho's ports at $1" ports_present "$1"
}
gateway_apply() {
  field_config "$@"
  sekisho "$1" config apply "$LAB_DIR/$1/sekisho.json" >"$LAB_DIR/$1/apply.out" ||
    fail "config apply: $(cat "$LAB_DIR/$1/apply.out")"
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

# await_zebra GATEWAY [ROUTES]: it has all that zebra says, and zebra has installed so many routes of its tunnels (0).
await_zebra() { await 10 "zebra of $1, and ${2:-0} routes for it" zebra_is "$1" "synchronized ${2:-0}"; }
zebra_is() { [ "$(sekisho "$1" status --json | jq -r '.zebra | "\(.state) \(.own_installed)"')" = "$2" ]; }

# through GATEWAY ADDRESS: the interface by which the data plane sends there, or what it does instead, such as `drop`.
through() { sekisho "$1" show route "$2" --json | jq -r '.[0] | .interface // .action'; }
through_is() { [ "$(through "$1" "$2")" = "$3" ]; }
