"""Says "fragmentation needed" or "packet too big" of packets between two gateways, as anybody can who knows their addresses.

inject_icmp.py INTERFACE MAC ROUTER LOCAL PEER MTU PROTOCOL...    esp, udp (ESP in UDP, port 4500) or icmp (an echo reply)
"""
import sys

from scapy.layers.inet import ICMP, IP, UDP
from scapy.layers.inet6 import ICMPv6EchoReply, ICMPv6PacketTooBig, IPv6
from scapy.layers.l2 import Ether
from scapy.packet import Raw
from scapy.sendrecv import sendp

QUOTED = {"esp": Raw(bytes(range(8))), "udp": UDP(sport=4500, dport=4500, len=1400) / Raw(b"\1\2\3\4")}
NUMBERS = {"esp": 50, "udp": 17}


def over_ipv4(router, local, peer, mtu, protocol):
    quoted = QUOTED.get(protocol, ICMP(type="echo-reply"))
    return (IP(src=router, dst=local) / ICMP(type=3, code=4, nexthopmtu=mtu)
            / IP(src=local, dst=peer, flags="DF", len=1420, proto=NUMBERS.get(protocol, 1)) / quoted)


def over_ipv6(router, local, peer, mtu, protocol):
    quoted = QUOTED.get(protocol, ICMPv6EchoReply())
    return (IPv6(src=router, dst=local) / ICMPv6PacketTooBig(mtu=mtu)
            / IPv6(src=local, dst=peer, plen=1380, nh=NUMBERS.get(protocol, 58)) / quoted)


def main():
    interface, mac, router, local, peer, mtu, *protocols = sys.argv[1:]
    packet = over_ipv6 if ":" in local else over_ipv4
    frames = [Ether(dst=mac) / packet(router, local, peer, int(mtu), protocol) for protocol in protocols]
    sendp(frames, iface=interface, verbose=False)


main()
