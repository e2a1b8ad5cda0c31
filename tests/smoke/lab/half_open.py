"""Starts an IKE negotiation that nobody goes on with; run it in the `net` namespace.

half_open.py PCAP INTERFACE RESPONDER

The first IKE_SA_INIT request to RESPONDER in PCAP is sent again with another initiator SPI and from another port.
"""
import sys

from scapy.layers.inet import IP, UDP
from scapy.packet import Raw
from scapy.sendrecv import sendp
from scapy.utils import rdpcap

IKE_SA_INIT = 34


def main():
    capture, interface, responder = sys.argv[1:]
    for frame in rdpcap(capture):
        message = bytes(frame[UDP].payload) if UDP in frame else b""
        if frame[IP].dst == responder and message[8:16] == bytes(8) and message[18] == IKE_SA_INIT:
            break
    else:
        sys.exit("no IKE_SA_INIT request in the capture")
    ip = frame[IP]
    del ip.chksum
    ip[UDP].sport = 555
    ip[UDP].chksum = 0
    ip[UDP].remove_payload()
    ip[UDP].add_payload(Raw(b"HalfOpen" + message[8:]))
    sendp(frame, iface=interface, verbose=False)


if __name__ == "__main__":
    main()
