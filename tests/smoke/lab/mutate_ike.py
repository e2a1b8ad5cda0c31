"""Sends mutated IKE packets, made from captured ones, at the real daemon; run it in the `net` namespace.

mutate_ike.py PCAP CORPUS VICTIM CONTROL_PID COUNT SEED

Every IKE packet of PCAP, of either side and on either port, is raw material, and every file of the directory CORPUS.
Each packet sent is one of them with a few mutations: bits and octets changed, lengths stretched, a piece cut out,
doubled or exchanged with another packet's, header fields set to telling values. Half of them claim to come from the address of the peer, the others from anywhere.
The sender waits whenever the daemon's socket has a backlog, and goes on until COUNT datagrams have reached the daemon:
what a busy machine loses on the way does not count.
"""
import pathlib
import random
import socket
import struct
import sys
import time

from scapy.layers.inet import IP, UDP
from scapy.utils import rdpcap

NON_ESP_MARKER = bytes(4)  # RFC 3948 section 2.2
FLIP, SET, CUT, DOUBLE, SPLICE, LENGTH, HEADER, STRETCH = range(8)


def ike_packets(capture):
    """The IKE messages in the capture, without the marker of port 4500."""
    messages = []
    for frame in rdpcap(capture):
        if UDP not in frame:
            continue
        octets = bytes(frame[UDP].payload)
        if 500 in (frame[UDP].sport, frame[UDP].dport):
            messages.append(octets)
        elif octets[:4] == NON_ESP_MARKER and len(octets) > 32:
            messages.append(octets[4:])
    return messages


def mutated(message, messages, rng):
    octets = bytearray(message)
    for _ in range(rng.choice((1, 1, 2, 3, 8))):
        if not octets:
            break
        kind = rng.randrange(8)
        at = rng.randrange(len(octets))
        if kind == FLIP:
            octets[at] ^= 1 << rng.randrange(8)
        elif kind == SET:
            octets[at] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
        elif kind == CUT:
            del octets[at:at + rng.randrange(1, 64)]
        elif kind == DOUBLE:
            octets[at:at] = octets[at:at + rng.randrange(1, 64)]
        elif kind == SPLICE:
            other = rng.choice(messages)
            start = rng.randrange(len(other))
            octets[at:at + 32] = other[start:start + rng.randrange(1, 200)]
        elif kind == LENGTH and at + 2 <= len(octets):
            octets[at:at + 2] = struct.pack("!H", rng.choice((0, 1, 3, 4, 5, 0xFFFF, rng.randrange(2048))))
        elif kind == HEADER and len(octets) >= 28:
            field, values = rng.choice(((16, range(256)), (17, (0x10, 0x20, 0x21, 0x30)), (18, range(34, 44)),
                                        (19, (0x08, 0x20, 0x28, 0x00)), (23, range(4))))
            octets[field] = rng.choice(values)
        elif kind == STRETCH:
            octets += rng.randbytes(rng.randrange(1, 1200))
    octets = octets[:1400]
    if len(octets) >= 28 and rng.random() < 0.8:
        octets[24:28] = struct.pack("!I", len(octets))  # most shall get past the length check
    return bytes(octets)


def datagram(source, source_port, victim, port, payload):
    return bytes(IP(src=source, dst=victim, ttl=64) / UDP(sport=source_port, dport=port) / payload)


class Sockets:
    """The UDP sockets of the daemon's network namespace."""

    def __init__(self, pid):
        self.table = f"/proc/{pid}/net/udp"
        self.statistics = f"/proc/{pid}/net/snmp"

    def received(self):
        """Datagrams taken from a socket since the namespace began."""
        with open(self.statistics) as table:
            names, values = (line.split() for line in table if line.startswith("Udp:"))
        return int(values[names.index("InDatagrams")])

    def backlog(self):
        """What waits, in octets, and how many datagrams there was no room for."""
        waiting = dropped = 0
        with open(self.table) as table:
            next(table)
            for line in table:
                fields = line.split()
                if int(fields[1].split(":")[1], 16) in (500, 4500):
                    waiting += int(fields[4].split(":")[1], 16)
                    dropped += int(fields[-1])
        return waiting, dropped

    def await_room(self):
        deadline = time.monotonic() + 20
        while self.backlog()[0] > 16384:
            assert time.monotonic() < deadline, "the daemon reads no more"
            time.sleep(0.001)


def mutated_datagram(messages, templates, rng):
    message = mutated(rng.choice(messages), messages, rng)
    port = rng.choice((500, 4500))
    payload = message if port == 500 else NON_ESP_MARKER + message
    packet = bytearray(templates[port]) + payload
    if rng.random() < 0.5:
        packet[12:16] = bytes((10, 9, 3, rng.randrange(1, 255)))
        packet[20:22] = struct.pack("!H", rng.randrange(1024, 65536))
    packet[24:26] = struct.pack("!H", 8 + len(payload))
    packet[26:28] = bytes(2)  # no UDP checksum
    return bytes(packet)  # the kernel fills in length and IP checksum


def main():
    capture, corpus, victim, pid, count, seed = sys.argv[1:]
    count = int(count)
    rng = random.Random(int(seed))
    messages = ike_packets(capture)
    assert len(messages) >= 8, "too little raw material"
    messages += [path.read_bytes() for path in sorted(pathlib.Path(corpus).iterdir())]
    templates = {port: datagram("10.9.2.2", port, victim, port, b"") for port in (500, 4500)}
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    sockets = Sockets(int(pid))
    sent, wanted = 0, sockets.received() + count
    while sockets.received() < wanted:
        assert sent < 2 * count, "half of the packets never arrive"
        for _ in range(64):
            raw.sendto(mutated_datagram(messages, templates, rng), (victim, 0))
        sent += 64
        sockets.await_room()
    print("sent", sent, "delivered", count, "dropped by the daemon's sockets", sockets.backlog()[1])


main()
