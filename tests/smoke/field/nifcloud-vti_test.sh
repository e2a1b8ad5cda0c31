# A NIFCLOUD VPN gateway with an IPsec VTI, and a customer with two LANs that no one prefix covers: both are reached
# through the one tunnel, by static routes. IKEv1, ESP as such, an inner MTU of 1436.
#
#    server 10.0.0.2 -- 10.0.0.1 a 203.0.113.1 === 198.51.100.10 b 192.168.0.1 -- pc 192.168.0.2
#                                169.254.0.1  VTI  169.254.0.2     172.16.0.1         172.16.0.2
source "$(dirname "$0")/field.sh"
tunnel a1 b1
LAN4=([a]=10.0.0 [b]=192.168.0) MORE_LAN4=([b]=172.16.0)
OUTSIDE=([a1]=203.0.113.1 [b1]=198.51.100.10) INSIDE=([a1]=169.254.0.1 [b1]=169.254.0.2)
SHARED_KEY=([1]=nifcloud-shared-key)
IKE_VERSION=v1 IKE=aes128-sha1-modp1024 ESP=aes128-sha1-modp1024

declare -A PREFIXES=([a]='10.0.0.0/24' [b]='192.168.0.0/24 172.16.0.0/24')

field() {
  local prefix far=${PREFIXES[$PEER_END]}
  field_up
  step 'the routes: those of Sekisho are its configuration, those of the router FRR has'
  router_start "$PEER_END"
  routing "$PEER_END" staticd "$(printf "ip route %s ${INSIDE[${SEKISHO_END}1]}\n" ${PREFIXES[$SEKISHO_END]})"
  routing_start "$PEER_END"
  gateway_start "$SEKISHO_END" ".tunnels.tunnel1.routes += $(jq -cn '$ARGS.positional' --args $far)" \
    '.tunnels.tunnel1.start = "respond"'

  step 'before the tunnel is up nothing leaves'
  for prefix in $far; do nothing_leaves "$SEKISHO_END" "${prefix%.*}.2"; done

  step "the customer's gateway begins"
  [ "$SEKISHO_END" = a ] || sekisho b tunnel up tunnel1 --timeout 20
  begin b1
  sekisho "$SEKISHO_END" show child-sa
  for prefix in $far; do await 5 "$prefix through the VTI" through_is "$SEKISHO_END" "${prefix%.*}.2" vti1; done

  step 'both LANs, from either side, up to the MTU'
  pings left 192.168.0.2
  pings left 172.16.0.2
  pings right 10.0.0.2 -I 192.168.0.2
  pings right 10.0.0.2 -I 172.16.0.2
  pings "${HOST[$SEKISHO_END]}" "${LAN4[$PEER_END]}.2" -M do -s $((VTI_MTU - 28))

  step 'the tunnel goes down and comes back, under traffic'
  flow_start "${HOST[$SEKISHO_END]}" "${LAN4[$PEER_END]}.2"
  sekisho "$SEKISHO_END" tunnel down tunnel1 >/dev/null
  await_state "$SEKISHO_END" 1 down
  for prefix in $far; do nothing_leaves "$SEKISHO_END" "${prefix%.*}.2"; done
  sekisho "$SEKISHO_END" tunnel up tunnel1 --timeout 20
  flow_end 'down and up by the operator'
  pings left 172.16.0.2
  field_sealed bare
}
field_run "$@"
