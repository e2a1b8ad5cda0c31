# The laboratory of the smoke tests and the demo: source this file, say `lab_up`, and there is
#
#    left host --- a: gateway --- net: internet router --- b: gateway --- right host
#    10.1.0.2      10.1.0.1                                10.2.0.1      10.2.0.2
#    fd00:1::2     fd00:1::1                               fd00:2::1     fd00:2::2
#                       10.9.1.1 -- 10.9.1.254 10.9.2.254 -- 10.9.2.2
#
# or, between the gateways, with IPv6: 2001:db8:1::1 -- ::fe and 2001:db8:2::fe -- ::2 (`outer_ipv6` before `lab_up`),
# in five network namespaces of this run's own. Each gateway is Sekisho or strongSwan, as the test says. Whatever was
# started is ended, and whatever was made is removed, when the shell ends: also after a failure or Ctrl-C.
#
# lab/net.sh        namespaces and wires          lab/traffic.sh   ping, TCP, and what they lost
# lab/sekisho.sh    Sekisho as a gateway          lab/capture.sh   what is on the wire
# lab/strongswan.sh strongSwan as a gateway       lab/wait.sh      waiting for events; assertions
# lab/pki.sh        certificates for both              lab/frr.sh       FRR, beside a gateway or alone
# lab/driver.sh     a data plane without a control
set -euo pipefail

SMOKE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
TOP=$(cd "$SMOKE/../.." && pwd)
BUILD=${BUILD:-$TOP/build}
PYTHON=/usr/bin/python3  # Debian's, which has scapy; another may come first in PATH

LAB=${LAB:-sekisho-$$}               # the prefix of every namespace
LAB_DIR=${LAB_DIR:-/tmp/$LAB}        # sockets, configurations, logs, captures

# What each side's gateway is called and where it stands. [a] and [b] mirror each other.
declare -A HOST=([a]=left [b]=right)
declare -A LAN4=([a]=10.1.0 [b]=10.2.0) LAN6=([a]=fd00:1: [b]=fd00:2:)
declare -A WAN=([a]=10.9.1.1 [b]=10.9.2.2) ROUTER=([a]=10.9.1.254 [b]=10.9.2.254)
declare -A OTHER=([a]=b [b]=a)
OUTER=4 WAN_LENGTH=24  # the family between the gateways, and the length of its networks

for part in wait net pki strongswan sekisho driver frr traffic capture; do
  source "$SMOKE/lab/$part.sh"
done
