# Ports are DPDK devices of any kind, and the tunnel does not notice: AF_XDP, and memif from gateway to gateway.
source "$(dirname "$0")/lab.sh"
lab_up sekisho sekisho

# carries WHAT
carries() {
  await_tunnel a up 20
  await_tunnel b up
  step "$1"
  sekisho a show port
  for family in 4 6; do
    ping_sizes left "$family" 64 1400
    tcp_both_ways "$family" 10
  done
  sekisho_stop a
  sekisho_stop b
}
xdp='.ports.wan.device = "net_af_xdp0,iface=wan-wire,force_copy=1"'
export DATAPLANE_ARGUMENTS=--af-xdp
sekisho_start b "$xdp" '.tokyo.start = "respond"'
sekisho_start a "$xdp"
carries 'AF_XDP on the internet side'

DATAPLANE_ARGUMENTS=
near='.routes = [] | .tunnels.tokyo.local.address = "10.9.1.1" | .tunnels.tokyo.remote.address = "10.9.1.2"'
far='.routes = [] | .tunnels.tokyo.local.address = "10.9.1.2" | .tunnels.tokyo.remote.address = "10.9.1.1"
  | .ports.wan.addresses = ["10.9.1.2/24"]'
memif=".ports.wan.device = \"net_memif0,socket-abstract=no,socket=$LAB_DIR/memif,role="
sekisho_launch a "$near | $memif""server\""
sekisho_start b "$far | $memif""client\"" '.tokyo.start = "respond"'
carries 'memif between the gateways'
