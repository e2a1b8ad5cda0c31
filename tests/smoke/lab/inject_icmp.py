"""Says "fragmentation needed" of packets between two gateways, as anybody can who knows their addresses.

inject_icmp.py INTERFACE MAC ROUTER LOCAL PEER MTU PROTOCOL...    esp, udp (ESP in UDP, port 4500) or icmp (an echo reply)
"""
import sys

from scapy.layers.inet import ICMP, IP, UDP
from scapy.layers.l2 import Ether
from scapy.packet import Raw
from scapy.sendrecv import sendp

QUOTED = {"esp": Raw(bytes(range(8))), "udp": UDP(sport=4500, dport=4500, len=1400) / Raw(b"\1\2\3\4"), "icmp": ICMP(type="echo-reply")}
NUMBERS = {"esp": 50, "udp": 17, "icmp": 1}


def main():
    interface, mac, router, local, peer, mtu, *protocols = sys.argv[1:]
    frames = [
        Ether(dst=mac)
        / IP(src=router, dst=local)
        / ICMP(type=3, code=4, nexthopmtu=int(mtu))
        / IP(src=local, dst=peer, flags="DF", len=1420, proto=NUMBERS[protocol])
        / QUOTED[protocol]
        for protocol in protocols
    ]
    sendp(frames, iface=interface, verbose=False)


main()
