"""Sends first fragments of ESP packets, whose rest never comes.

inject_fragments.py INTERFACE MAC SOURCE DESTINATION COUNT
"""
import sys

from scapy.layers.inet import IP
from scapy.layers.l2 import Ether
from scapy.packet import Raw
from scapy.sendrecv import sendp


def main():
    interface, mac, source, destination, count = sys.argv[1:]
    frames = [
        Ether(dst=mac) / IP(src=source, dst=destination, proto=50, id=number, flags="MF") / Raw(bytes(64))
        for number in range(int(count))
    ]
    sendp(frames, iface=interface, verbose=False)


main()
