"""Starts IKE negotiations that nobody goes on with; run it in the `net` namespace.

half_open.py PCAP PEER RESPONDER COUNT [RATE]

The first IKE_SA_INIT request to RESPONDER in PCAP is sent again COUNT times in the name of PEER, with another initiator SPI
and from another port (1024 and up) each time, RATE of them a second.
"""
import os
import socket
import struct
import sys
import time

from scapy.layers.inet import IP, UDP
from scapy.utils import rdpcap

IKE_SA_INIT = 34


def first_request(capture, responder):
    for frame in rdpcap(capture):
        if UDP not in frame or frame[IP].dst != responder:
            continue
        message = bytes(frame[UDP].payload)
        if message[8:16] == bytes(8) and message[18:19] == bytes([IKE_SA_INIT]):
            return message
    sys.exit("no IKE_SA_INIT request in the capture")


def datagram(source, port, destination, message):
    udp = struct.pack("!HHHH", port, 500, 8 + len(message), 0) + message
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, socket.IPPROTO_UDP, 0,
                         socket.inet_aton(source), socket.inet_aton(destination))
    return header + udp


def main():
    capture, peer, responder, count = sys.argv[1:5]
    rate = float(sys.argv[5]) if len(sys.argv) > 5 else 1000
    message = first_request(capture, responder)
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    start = time.monotonic()
    for sent in range(int(count)):
        port = 1024 + sent % (65536 - 1024)
        raw.sendto(datagram(peer, port, responder, os.urandom(8) + message[8:]), (responder, 0))
        time.sleep(max(0, start + sent / rate - time.monotonic()))


if __name__ == "__main__":
    main()
