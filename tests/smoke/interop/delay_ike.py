"""Makes the internet slow for IKE, so that messages of both ends cross; run it in the `net` namespace.

delay_ike.py MILLISECONDS INTERFACE...

IKE that arrives at one of the interfaces leaves so much later, with its addresses as they are. It must not be forwarded
by the kernel meanwhile. Prints `ready` once it listens.
"""
import heapq
import select
import socket
import sys
import time

ETH_P_IP = 0x0800


def is_ike(packet):
    """An IPv4 packet with UDP on port 500, or on port 4500 behind four zero octets (RFC 3948 section 2.2)."""
    udp = packet[(packet[0] & 15) * 4:]
    if packet[9] != socket.IPPROTO_UDP or len(udp) < 12:
        return False
    ports = {int.from_bytes(udp[0:2], "big"), int.from_bytes(udp[2:4], "big")}
    return 500 in ports or (4500 in ports and udp[8:12] == bytes(4))


def main():
    delay = float(sys.argv[1]) / 1000
    taps = []
    for interface in sys.argv[2:]:
        tap = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_IP))
        tap.bind((interface, ETH_P_IP))
        taps.append(tap)
    out = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    held = []
    print("ready", flush=True)
    while True:
        wait = max(0, held[0][0] - time.monotonic()) if held else None
        for tap in select.select(taps, [], [], wait)[0]:
            packet, (_, _, kind, _, _) = tap.recvfrom(65535)
            if kind == socket.PACKET_HOST and is_ike(packet):
                heapq.heappush(held, (time.monotonic() + delay, len(held), packet))
        while held and held[0][0] <= time.monotonic():
            packet = heapq.heappop(held)[2]
            out.sendto(packet, (socket.inet_ntoa(packet[16:20]), 0))


main()
