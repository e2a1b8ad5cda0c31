"""Sends mutated IKE packets, made from captured ones, at the real daemon; run it in the `net` namespace.

mutate_ike.py PCAP CORPUS VICTIM CONTROL_PID COUNT SEED

Every IKE packet of PCAP, of either side and on either port, is raw material, and every file of the directory CORPUS.
Each packet sent is one of them with a few mutations: bits and octets changed, lengths stretched, a piece cut out,
doubled or exchanged with another packet's, header fields set to telling values. Half of them claim to come from the address of the peer, the others from anywhere.
The sender waits while too many are on their way, for whoever reads them may have to wait for a processor, and goes on until
COUNT datagrams have reached the daemon: what a busy machine loses on the way does not count.
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
ROUND = 64
MOST_UNDER_WAY = 128  # and a round more; the ring of a port has room for 512, and not for these alone
PATIENCE = 0.2  # seconds without an arrival, after which what has not arrived is lost
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

    def dropped(self):
        """Datagrams that there was no room for."""
        with open(self.table) as table:
            next(table)
            lines = [line.split() for line in table]
        return sum(int(fields[-1]) for fields in lines if int(fields[1].split(":")[1], 16) in (500, 4500))


class Delivery:
    """How many have been sent, have arrived at the daemon, and are lost."""

    def __init__(self, sockets):
        self.sockets = sockets
        self.before = sockets.received()
        self.sent = self.arrived = self.lost = 0
        self.arrived_at_loss = None

    def look(self):
        """Whether more have arrived."""
        before, self.arrived = self.arrived, self.sockets.received() - self.before
        self.lost = max(0, min(self.lost, self.sent - self.arrived))  # some were just late
        return self.arrived > before

    def await_room(self):
        moved = time.monotonic()
        while True:
            now = time.monotonic()
            if self.look():
                moved = now
            if self.sent - self.arrived - self.lost <= MOST_UNDER_WAY:
                return
            assert now < moved + 20, "the daemon reads no more"
            # Once: if the next round brings none either, all of them are waiting somewhere.
            if now > moved + PATIENCE and self.arrived != self.arrived_at_loss:
                self.lost, self.arrived_at_loss = self.sent - self.arrived, self.arrived
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
    delivery = Delivery(sockets)
    while delivery.arrived < count:
        assert delivery.sent < 2 * count, "half of the packets never arrive"
        for _ in range(ROUND):
            raw.sendto(mutated_datagram(messages, templates, rng), (victim, 0))
        delivery.sent += ROUND
        delivery.await_room()
    print("sent", delivery.sent, "delivered", delivery.arrived, "dropped by the daemon's sockets", sockets.dropped())


main()
