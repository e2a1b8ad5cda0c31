# The internet between the gateways, as a scenario wants it: direct, or with an address translator before one of them.
# It also counts what crosses, by kind.

# How the other side sees a gateway that is behind a translator.
declare -A PUBLIC=([a]=203.0.113.1 [b]=203.0.113.2)

# seen SIDE NETWORK: the address that the other side sends to.
seen() {
  case $1$2 in
    anat-sekisho | bnat-strongswan) echo "${PUBLIC[$1]}" ;;
    *) echo "${WAN[$1]}" ;;
  esac
}

# translate SIDE: the chains of a one-to-one translator before that side: both ends can begin, ESP as such does not pass.
translate() {
  cat <<END
chain arriving {
type filter hook prerouting priority raw
iifname "to-${OTHER[$1]}" ip daddr ${PUBLIC[$1]} ip daddr set ${WAN[$1]}
}
chain leaving {
type filter hook postrouting priority raw
oifname "to-${OTHER[$1]}" ip saddr ${WAN[$1]} ip saddr set ${PUBLIC[$1]}
}
chain closed {
type filter hook forward priority 10
ip protocol esp drop
}
END
}

# network KIND: from now on; all counts start at 0. (IKE on port 4500 begins with four zero octets; a NAT keepalive has
# one octet; "unreachable" is a kernel whose ESP socket is full.)
network() {
  {
    echo flush ruleset
    echo table ip between {
    echo counter bare {}
    echo counter encapsulated {}
    echo counter other {}
    case $1 in
      nat-sekisho) translate a ;;
      nat-strongswan) translate b ;;
    esac
    cat <<END
chain count {
type filter hook forward priority 0
ip protocol esp counter name bare accept
udp dport 500 accept
udp sport 500 accept
ip protocol udp udp length 9 accept
ip protocol udp @th,64,32 0 accept
udp dport 4500 counter name encapsulated accept
udp sport 4500 counter name encapsulated accept
icmp type destination-unreachable accept
counter name other
}
}
END
  } | on net nft -f -
}

# crossed KIND: how many packets of it since the last `network`: bare (ESP as such), encapsulated or other.
crossed() { on net nft -j list counter ip between "$1" | jq '.nftables[] | .counter // empty | .packets'; }

# expect_sealed_only NETWORK PEER: ESP went the way that this network asks for, and nothing went in clear.
expect_sealed_only() {
  local esp encapsulated
  esp=$(crossed bare) encapsulated=$(crossed encapsulated)
  if [ "$1" = direct ] && [ "$2" = 6.0.1 ]; then
    at_least 'ESP packets' 1 "$esp"
    equal 'ESP packets in UDP' 0 "$encapsulated"
  else
    at_least 'ESP packets in UDP' 1 "$encapsulated"
    equal 'ESP packets outside of UDP' 0 "$esp"
  fi
  equal 'packets that are neither ESP nor IKE' 0 "$(crossed other)"
}

SLOW_PID=
# slow_ike MILLISECONDS: every IKE message takes so long from now on, until ike_at_once.
slow_ike() {
  on net nft -f - <<END
table ip slow {
chain hold {
type filter hook forward priority -10
udp dport 500 drop
udp dport 4500 @th,64,32 0 drop
}
}
END
  : >"$LAB_DIR/slow"
  start net "$LAB_DIR/slow" "$PYTHON" "$INTEROP/delay_ike.py" "$1" to-a to-b
  SLOW_PID=$STARTED
  await_line 5 "$LAB_DIR/slow" ready
}
ike_at_once() {
  [ -n "$SLOW_PID" ] || return 0
  on net nft delete table ip slow
  stop "$SLOW_PID"
  SLOW_PID=
}

# cut, mend: nothing crosses in between.
cut() {
  on net nft -f - <<END
table ip severed {
chain everything {
type filter hook forward priority -20
drop
}
}
END
}
mend() { on net nft delete table ip severed; }

# path_mtu OCTETS: what fits between the gateways.
path_mtu() {
  ip -n "$LAB-net" link set to-a mtu "$1"
  ip -n "$LAB-net" link set to-b mtu "$1"
  ip -n "$LAB-b" link set wan mtu "$1"
}

# peer_at ADDRESS: strongSwan's gateway has this one from now on, and no other one there.
peer_at() {
  local old
  old=$(ip -n "$LAB-b" -json address show dev wan | jq -r '.[0].addr_info[] | select(.family == "inet").local')
  [ "$old" != "$1" ] || return 0
  address b wan "$1/24"
  on b ip address delete "$old/24" dev wan
}

FLOOD_PID=
# flood PCAP: requests that begin negotiations with Sekisho, like the first one there, in the peer's name.
flood() {
  start net "$LAB_DIR/flood" "$PYTHON" "$SMOKE/lab/half_open.py" "$1" "${WAN[b]}" "${WAN[a]}" 1000000 1000
  FLOOD_PID=$STARTED
}
flood_end() {
  [ -n "$FLOOD_PID" ] || return 0
  stop "$FLOOD_PID"
  FLOOD_PID=
}

# As it was before a scenario.
network_again() {
  ike_at_once
  flood_end
  path_mtu 1500
  peer_at "${WAN[b]}"
}
