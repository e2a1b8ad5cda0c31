"""Echo requests (RFC 792, RFC 4443) at a steady pace, and how many stay unanswered.

echoes.py [-s OCTETS] [-M do|dont|want] [-W SECONDS] [-p TEXT] ADDRESS COUNT INTERVAL

Prints how many were lost: not answered by SECONDS (2) after the last was sent, or too large to be sent at all.
ping knows no such number: once it has had an answer, it waits for the last ones no longer than two round trips. OCTETS (56)
is what follows the ICMP header, filled with TEXT over and over. What is printed to standard error is for a person.
"""
import argparse
import os
import select
import socket
import struct
import time

ICMP = {socket.AF_INET: (socket.IPPROTO_ICMP, 8, 0), socket.AF_INET6: (socket.IPPROTO_ICMPV6, 128, 129)}
# linux/in.h and linux/in6.h: level, option and values of the path MTU discovery of a socket.
MTU_DISCOVER = {socket.AF_INET: (socket.IPPROTO_IP, 10), socket.AF_INET6: (socket.IPPROTO_IPV6, 23)}
DISCOVERY = {"dont": 0, "want": 1, "do": 2}


def checksum(octets):
    octets += b"\0" * (len(octets) % 2)
    total = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF


class Echoes:
    def __init__(self, options):
        self.address = options.address
        self.family = socket.AF_INET6 if ":" in options.address else socket.AF_INET
        protocol, self.request, self.reply = ICMP[self.family]
        self.identifier = os.getpid() & 0xFFFF
        self.data = (options.p.encode() * (options.s // len(options.p) + 1))[: options.s]
        self.pending = {}  # when each was sent, by its sequence number
        self.unsent = 0
        self.slowest = 0.0
        self.socket = socket.socket(self.family, socket.SOCK_RAW, protocol)
        self.socket.setblocking(False)
        if options.M:
            self.socket.setsockopt(*MTU_DISCOVER[self.family], DISCOVERY[options.M])

    def send(self, sequence):
        header = struct.pack("!BBHHH", self.request, 0, 0, self.identifier, sequence)
        # The kernel fills in that of ICMPv6 (RFC 3542 section 3.1).
        packet = struct.pack("!BBHHH", self.request, 0, checksum(header + self.data), self.identifier, sequence)
        self.pending[sequence] = time.monotonic()
        try:
            self.socket.sendto(packet + self.data, (self.address, 0))
        except OSError:
            self.unsent += 1

    def receive(self):
        try:
            packet, source = self.socket.recvfrom(65535)
        except OSError:  # an ICMP error, reported by way of the socket
            return
        if self.family == socket.AF_INET:
            packet = packet[(packet[0] & 15) * 4 :]
        if source[0] != self.address or len(packet) < 8:
            return
        kind, _, _, identifier, sequence = struct.unpack("!BBHHH", packet[:8])
        if kind != self.reply or identifier != self.identifier or packet[8:] != self.data:
            return
        sent = self.pending.pop(sequence, None)
        if sent is not None:
            self.slowest = max(self.slowest, time.monotonic() - sent)

    def receive_until(self, end):
        """Until then, or until there is nothing to wait for. What has come by then counts, however late it is read."""
        while self.pending:
            left = max(0.0, end - time.monotonic())
            if not select.select([self.socket], [], [], left)[0]:
                return
            self.receive()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("-s", type=int, default=56)
    parser.add_argument("-M", choices=DISCOVERY)
    parser.add_argument("-W", type=float, default=2)
    parser.add_argument("-p", default="\0")
    parser.add_argument("address")
    parser.add_argument("count", type=int)
    parser.add_argument("interval", type=float)
    options = parser.parse_args()
    echoes = Echoes(options)
    begun = time.monotonic()
    for sequence in range(options.count):
        due = begun + sequence * options.interval
        echoes.receive_until(due)
        time.sleep(max(0.0, due - time.monotonic()))
        echoes.send(sequence)
    echoes.receive_until(time.monotonic() + options.W)
    lost = sorted(echoes.pending)
    print(len(lost))
    os.write(2, f"{options.address}: {options.count} echoes, {echoes.unsent} could not be sent, slowest answer "
             f"{echoes.slowest * 1000:.1f} ms, lost: {' '.join(map(str, lost)) or 'none'}\n".encode())


main()
