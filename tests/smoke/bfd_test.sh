# Two tunnels between two gateways, each by an outside path of its own, with BGP over both; the first one is preferred.
# Its path dies silently, under pings every 10 ms, and lives again. First the tunnels' own dead peer detection, or BGP's
# hold time, is what notices; then BFD does (RFC 5880, RFC 5882): within a second the other tunnel carries everything.
#
#    left 10.1.0.2 -- 10.1.0.1 a 203.0.113.1 === 198.51.100.10 b 10.2.0.1 -- 10.2.0.2 right
#                       AS 65001 203.0.113.2 === 198.51.100.11   AS 65002
source "$(dirname "$0")/field/field.sh"
tunnel a1 b1
tunnel a2 b2
KIND=([a]=sekisho [b]=sekisho)
LAN4=([a]=10.1.0 [b]=10.2.0) ASN=([a]=65001 [b]=65002)
OUTSIDE=([a1]=203.0.113.1 [a2]=203.0.113.2 [b1]=198.51.100.10 [b2]=198.51.100.11)
INSIDE=([a1]=169.254.1.1 [b1]=169.254.1.2 [a2]=169.254.2.1 [b2]=169.254.2.2)
SHARED_KEY=([1]=over-the-first-path [2]=over-the-second-path)
IKE=aes128gcm16-prfsha256-x25519 ESP=aes128gcm16 DPD=2 BGP_TIMERS='3 9'

# How long a peer that is silent is taken for alive: the interval, and four sends as field_config asks for, 0.4 s after
# the first, 1.4 times as long after each of the others.
DEAD_AFTER_MS=$((DPD * 1000 + 400 + 560 + 784 + 1098))

both_by() {
  await "$1" "the way there by $2" through_is a 10.2.0.2 "$2"
  await "$1" "the way back by $2" through_is b 10.1.0.2 "$2"
}
both_state() { for each in a b; do await_state "$each" 1 "$1" 30; done; }

bfd_sessions() { vtysh "$1" 'show bfd peers json' | jq -r 'map(.status) | sort | join(" ")'; }
# A session begins with a packet a second, until both ends have agreed on more (RFC 5880 section 6.8.3).
bfd_is_fast() {
  vtysh "$1" 'show bfd peers json' | jq -e 'length == 2 and all(.[]; .status == "up" and
    ."remote-receive-interval" == 150 and ."remote-transmit-interval" == 150)'
}
bfd_is() { [ "$(bfd_sessions "$1")" = "$2" ]; }

# fails_over WHAT MOST: there and back again, within so many milliseconds.
fails_over() {
  local what=$1 most=$2
  FLOW_INTERVAL=0.01 flow_start left 10.2.0.2
  cut 1
  both_by 20 vti2
  flow_end "path 1 died, $what"
  expect "no more than $most ms without an answer" test "$FLOW_GAP" -le "$most"
  both_state 'not up'

  FLOW_INTERVAL=0.01 flow_start left 10.2.0.2
  mend 1
  both_state up
  both_by 30 vti1
  flow_end "path 1 lived again, $what"
  equal 'packets lost on the way back' 0 "$FLOW_LOST"
}

field_up
for gateway in a b; do
  gateway_start "$gateway" '.frr = {}' "$(guards "${LAN4[$([ "$gateway" = a ] && echo b || echo a)]}.0/24")"
  routing "$gateway" bfdd bfd 'profile fast' 'detect-multiplier 3' 'transmit-interval 150' 'receive-interval 150'
  bgp_start "$gateway"
done
begin b1
begin b2
for gateway in a b; do expect_bgp "$gateway" "$(paths "$gateway" 1 2)"; done
both_by 10 vti1
pings left 10.2.0.2

step 'without BFD'
fails_over 'without BFD' $((DEAD_AFTER_MS + 1000))

step 'with BFD: three packets, 150 ms apart'
for gateway in a b; do
  for end in $(ends_of "$gateway"); do
    vtysh "$gateway" 'configure terminal' "router bgp ${ASN[$gateway]}" "neighbor ${INSIDE[${FAR[$end]}]} bfd profile fast"
  done
done
for gateway in a b; do await 20 "BFD at $gateway" bfd_is_fast "$gateway"; done
fails_over 'with BFD' 1000
for gateway in a b; do await 20 "BFD at $gateway" bfd_is "$gateway" 'up up'; done

step 'both paths die: nothing leaves'
cut 1 2
for gateway in a b; do
  await 20 "nowhere at $gateway" through_is "$gateway" "${LAN4[$([ "$gateway" = a ] && echo b || echo a)]}.2" drop
done
no_pings left 10.2.0.2
no_pings right 10.1.0.2
field_sealed bare
