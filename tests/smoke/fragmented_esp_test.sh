# A peer that fragments what it has sealed: strongSwan whose route has a smaller MTU than its tunnel, so that its kernel
# fragments the ESP packets, plain and in UDP. The port is AF_XDP's: for AF_PACKET the kernel would put fragments together.
source "$(dirname "$0")/lab.sh"
lab_up sekisho strongswan
on b ip route change default via "${ROUTER[b]}" mtu 576
DATAPLANE_ARGUMENTS=--af-xdp
FRAGMENT='(ip[6:2] & 0x3fff != 0)'

# carries RELEASE RAW WHAT
carries() {
  local round=$3
  step "$round"
  strongswan_start b release="$1" raw_esp="$2"
  capture_start "$round" net to-b
  expect 'tunnel up' sekisho a tunnel up tokyo --timeout 20
  for family in 4 6; do ping_sizes right "$family" 600 601 1279 1280 1399 1400; done
  capture_stop "$round"
  at_least 'fragments from strongSwan' 90 "$(capture_count "$round" src host "${WAN[b]}" and "$FRAGMENT")"
  equal 'fragments from Sekisho' 0 "$(capture_count "$round" src host "${WAN[a]}" and "$FRAGMENT")"
  for reason in esp-fragment fragment-malformed fragment-timeout fragment-limit malformed-ip; do
    equal "drops for $reason" 0 "$(drops a "$reason")"
  done
  sekisho a tunnel down tokyo
  await_tunnel a down
  strongswan_stop b
}
sekisho_start a '.ports.wan.device = "net_af_xdp0,iface=wan-wire,force_copy=1"' '.tokyo.start = "respond"' \
  '.tokyo.interface.mtu = "auto"'
carries bookworm no in-UDP
carries trixie yes plain

step 'fragments that nobody completes'
before=$(drops a fragment-timeout)
on net "$PYTHON" "$SMOKE/lab/inject_fragments.py" to-a "$(sekisho a show port wan --json | jq -r '.[0].mac')" \
  "${WAN[b]}" "${WAN[a]}" 100
await 15 'them to be given up' eval "[ \$(drops a fragment-timeout) -gt $before ]"
at_least 'of one source, more than it may have at a time' 60 "$(drops a fragment-limit)"
