# What is on the wire. The wire that matters is `net`'s: the internet between the gateways.

declare -A CAPTURE  # name -> process id

# capture_start NAME PLACE INTERFACE [FILTER...]: returns when the capture runs. (tcpdump's buffer gives each packet room for
# the longest one, and 1920 octets let two share a page: 64 MiB are 33,000 packets, a transfer's while tcpdump waits for a
# processor. Its defaults have room for eight.)
capture_start() {
  local name=$1 place=$2 interface=$3
  shift 3
  rm -f "$LAB_DIR/$name.tcpdump"
  start "$place" "$LAB_DIR/$name.tcpdump" \
    tcpdump -Z root -n -i "$interface" -s 1920 --immediate-mode -B 65536 -U -w "$LAB_DIR/$name.pcap" "$@"
  CAPTURE[$name]=$STARTED
  await_line 10 "$LAB_DIR/$name.tcpdump" 'listening on'
}

# capture_stop NAME: all that was there before has been written. (At TERM tcpdump leaves what is still in its buffer, and
# counts it as neither captured nor dropped. While there is something, it has no reason to sleep.)
capture_stop() {
  await 10 "the capture '$1' to have written all" asleep "${CAPTURE[$1]}"
  stop "${CAPTURE[$1]}"
}
asleep() { [ "$(awk '{ print $3 }' "/proc/$1/stat")" = S ]; }

# capture_count NAME FILTER...: packets of the capture that match. Without a capture, or with a filter that does not
# compile, none would, and prove nothing. (What reads one that still runs may fail at its end, within a packet.)
capture_count() {
  local name=$1 errors
  shift
  errors=$(tcpdump -d -r "$LAB_DIR/$name.pcap" "$@" 2>&1 >/dev/null) || fail "packets of $*: $errors"
  tcpdump -n -r "$LAB_DIR/$name.pcap" "$@" 2>/dev/null | wc -l
}

# capture_lost NAME: how many packets the capture has missed, now that it has stopped.
capture_lost() { sed -nE 's/^([0-9]+) packets? dropped by kernel/\1/p' "$LAB_DIR/$1.tcpdump"; }

# IKE has four zero octets where an SPI would be (RFC 3948 section 2.2), a NAT keepalive is one octet. What tcpdump calls
# udp[...] is that of IPv4.
ESP_FILTER='(esp or (udp port 4500 and udp[8:4] != 0 and udp[4:2] > 9)
  or (ip6 and udp port 4500 and ip6[48:4] != 0 and ip6[44:2] > 9))'

# How often the marker of ping and TCP stands in the capture.
capture_markers() { grep -aoc "$MARKER" "$LAB_DIR/$1.pcap" || :; }

# expect_sealed NAME: the capture holds ESP, nothing but ESP, IKE and ARP, and no marker.
expect_sealed() {
  at_least "ESP packets on the internet side" 1 "$(capture_count "$1" "$ESP_FILTER")"
  expect_silent "$1"
}

# An error about a packet of ESP or IKE, which it quotes: a kernel whose ESP socket is full says "protocol unreachable",
# over IPv6 "parameter problem".
ERROR_FILTER='(icmp[icmptype] == icmp-unreach and (icmp[17] == 50 or (icmp[17] == 17 and
  (icmp[28:2] == 500 or icmp[28:2] == 4500 or icmp[30:2] == 500 or icmp[30:2] == 4500)))) or
  (icmp6 and ip6[40] == 4 and ip6[54] == 50)'

# Neighbour discovery, which over IPv6 stands for ARP: from the link, as its hop limit shows (RFC 4861 section 7.1).
DISCOVERY_FILTER='(icmp6 and (ip6[40] == 135 or ip6[40] == 136) and ip6[7] == 255)'

# expect_silent NAME: nothing in clear. There may be no ESP either. (Link-local IPv6 multicast is a port's own.)
expect_silent() {
  local neighbours=arp
  [ "$OUTER" = 4 ] || neighbours+=" or $DISCOVERY_FILTER"
  equal "packets on the internet side that are not ESP, IKE or ARP" 0 \
    "$(capture_count "$1" not \( esp or udp port 500 or udp port 4500 or "$neighbours" or "$ERROR_FILTER" \
      or ip6 dst net ff02::/16 \))"
  equal "plaintext markers on the internet side" 0 "$(capture_markers "$1")"
}
