# An AWS virtual private gateway and a VyOS instance behind elastic IPs: IKEv2, NAT traversal, two tunnels, BGP over
# both. Tunnel 2 is down at first, which is a normal state; then tunnel 1 dies silently and BGP goes over to tunnel 2.
# The identities are the private addresses. (Here peers are probed every second instead of every 15, and BGP holds 3
# seconds instead of 30.)
#
#    server 10.0.0.2 -- 10.0.0.1 a 203.0.113.1 === 198.51.100.10 = NAT = 172.100.0.200 b 172.100.1.1 -- pc 172.100.1.2
#                       AS 10124   203.0.113.2 === 198.51.100.11 = NAT = 172.100.0.201   AS 65000
source "$(dirname "$0")/field.sh"
tunnel a1 b1
tunnel a2 b2
LAN4=([a]=10.0.0 [b]=172.100.1) ASN=([a]=10124 [b]=65000) CLOUD=aws
OUTSIDE=([a1]=203.0.113.1 [a2]=203.0.113.2 [b1]=172.100.0.200 [b2]=172.100.0.201)
PUBLIC=([b1]=198.51.100.10 [b2]=198.51.100.11)
INSIDE=([a1]=169.254.249.1 [b1]=169.254.249.2 [a2]=169.254.249.5 [b2]=169.254.249.6)
SHARED_KEY=([1]=5cdb29fd-f4a1-4e3c-9d45-0b1a4c1d2f6e [2]=0fd0c1f2-93b7-4a7c-8a16-2f8f5ad0b1c7)
IKE=aes128-sha1-modp1024 ESP=aes128-sha1-modp1024 VTI_MTU=1400 DPD=1
ROUTER_FRR=10.3

field() {
  local here=${HOST[$SEKISHO_END]} there=${LAN4[$PEER_END]}.2
  # Sekisho has both tunnels on one outside address, as VyOS has.
  [ "$SEKISHO_END" = a ] || OUTSIDE[b2]=${OUTSIDE[b1]} PUBLIC[b2]=${PUBLIC[b1]}
  field_up
  router_start "$PEER_END"
  cut 1 2
  bgp_start a
  bgp_start b
  gateway_start "$SEKISHO_END" '.frr = {}' "$(guards "${LAN4[$PEER_END]%.*}.0.0/16")"

  step 'before a tunnel is up nothing leaves'
  nothing_leaves "$SEKISHO_END" "$there"

  step 'tunnel 1 comes up, through the translator; tunnel 2 is down'
  mend 1
  begin b1
  equal 'tunnel 2' 'not up' "$(state_is "$SEKISHO_END" 2 'not up' && echo 'not up')"
  await_zebra "$SEKISHO_END"
  expect_bgp a "$(paths a 1)"
  expect_bgp b "$(paths b 1)"
  expect_sessions "$SEKISHO_END" 1
  await 5 "$there through the VTI of tunnel 1" through_is "$SEKISHO_END" "$there" vti1
  sekisho "$SEKISHO_END" show tunnel
  pings left 172.100.1.2
  pings right 10.0.0.2

  step 'tunnel 2 comes up beside it'
  mend 2
  begin b2
  expect_bgp a "$(paths a 1 2)"
  expect_bgp b "$(paths b 1 2)"
  expect_sessions "$SEKISHO_END" 1 2

  step 'tunnel 1 dies silently: tunnel 2 takes over'
  flow_start "$here" "$there"
  cut 1
  await 20 "$there through the VTI of tunnel 2" through_is "$SEKISHO_END" "$there" vti2
  flow_end 'tunnel 1 died, over to tunnel 2'
  await_state "$SEKISHO_END" 1 'not up'
  expect_bgp a "$(paths a 2)"
  expect_bgp b "$(paths b 2)"
  expect_sessions "$SEKISHO_END" 2
  pings left 172.100.1.2

  step 'tunnel 1 comes back, and the traffic goes back to it'
  flow_start "$here" "$there"
  mend 1
  await_state "$SEKISHO_END" 1 up 30
  expect_bgp a "$(paths a 1 2)"
  expect_bgp b "$(paths b 1 2)"
  expect_sessions "$SEKISHO_END" 1 2
  await 5 "$there through the VTI of tunnel 1" through_is "$SEKISHO_END" "$there" vti1
  flow_end 'back to tunnel 1'

  step 'both tunnels die under traffic: the propagated route is gone, and nothing leaves'
  flow_start "$here" "$there"
  cut 1 2
  nothing_leaves "$SEKISHO_END" "$there"
  expect_bgp "$SEKISHO_END" "$(paths "$SEKISHO_END")"
  expect_sessions "$SEKISHO_END"
  flow_stop
  field_sealed encapsulated
}
field_run "$@"
