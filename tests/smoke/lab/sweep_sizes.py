"""Packets of many sizes, one after the other: does each arrive, or is its sender told?

sweep_sizes.py serve ADDRESS PORT                         acknowledges what comes by UDP and TCP
sweep_sizes.py sweep ADDRESS PORT LINK MTU MSS [WHOLE]    sends to it

LINK is the MTU of the sender's own link; MTU and MSS are what the path is to have. WHOLE is the largest packet that arrives
although nobody may fragment it: MTU, but for a path on which somebody does all the same.

A size is that of the IP packet, or of the TCP stream's piece. UDP goes out twice: as one packet that nobody may
fragment, and as what the sender's host may (and, over IPv4, routers too). After each the sweep waits until it is
acknowledged or an ICMP error has come; what brings neither within two seconds is lost. Prints a line for each kind, and
ends with 1 where anything was lost, arrived that is larger than the MTU in one piece, or was answered with another MTU.
"""
import errno
import os
import select
import socket
import struct
import sys
import threading
import zlib

PATIENCE = 2.0
LEAST, MOST = 64, 9000

IP_MTU_DISCOVER, IPV6_MTU_DISCOVER = 10, 23
PMTUDISC_DONT, PMTUDISC_WANT, PMTUDISC_PROBE = 0, 1, 3
IP_RECVERR, IPV6_RECVERR = 11, 25
ORIGINS_OF_ICMP = (2, 3)  # SO_EE_ORIGIN_ICMP, SO_EE_ORIGIN_ICMP6


def family_of(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def sizes(link, mtu):
    """Every size around each limit, of more than a cipher's block on either side, and some of all others."""
    chosen = set(range(LEAST, MOST + 1, 293)) | {LEAST, MOST}
    for limit in (mtu, link, 1280, 576):
        chosen |= set(range(limit - 17, limit + 18))
    # What takes two and three whole packets of the path.
    for packets in (2, 3):
        chosen |= set(range(packets * (mtu - 20) - 4, packets * (mtu - 20) + 24))
    return sorted(size for size in chosen if LEAST <= size <= MOST)


def receive_exactly(connection, count):
    data = b""
    while len(data) < count:
        more = connection.recv(count - len(data))
        if not more:
            raise EOFError
        data += more
    return data


# ---------------------------------------------------------------------------------------------------------- the server


def acknowledge_datagrams(endpoint):
    while True:
        data, sender = endpoint.recvfrom(65535)
        endpoint.sendto(data[:4] + struct.pack("!II", len(data), zlib.crc32(data)), sender)


def acknowledge_stream(connection):
    try:
        while True:
            (length,) = struct.unpack("!I", receive_exactly(connection, 4))
            connection.sendall(struct.pack("!I", zlib.crc32(receive_exactly(connection, length))))
    except EOFError:
        connection.close()


def serve(address, port):
    datagrams = socket.socket(family_of(address), socket.SOCK_DGRAM)
    datagrams.bind((address, port))
    streams = socket.socket(family_of(address), socket.SOCK_STREAM)
    streams.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    streams.bind((address, port))
    streams.listen(4)
    threading.Thread(target=acknowledge_datagrams, args=(datagrams,), daemon=True).start()
    print("listening", flush=True)
    while True:
        threading.Thread(target=acknowledge_stream, args=(streams.accept()[0],), daemon=True).start()


# ----------------------------------------------------------------------------------------------------------- the sweep


class Datagrams:
    """UDP to the server. send() says ("arrived",), ("icmp", mtu), ("local",) or ("lost",)."""

    def __init__(self, address, port, discovery):
        self.family = family_of(address)
        self.endpoint = socket.socket(self.family, socket.SOCK_DGRAM)
        self.header = 28 if self.family == socket.AF_INET else 48
        if self.family == socket.AF_INET:
            self.endpoint.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, discovery)
            self.endpoint.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
        else:
            self.endpoint.setsockopt(socket.IPPROTO_IPV6, IPV6_MTU_DISCOVER, discovery)
            self.endpoint.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVERR, 1)
        self.endpoint.connect((address, port))
        self.number = 0

    def error(self):
        """(origin, MTU) of an error that has come; None: none has."""
        try:
            _, ancillary, _, _ = self.endpoint.recvmsg(0, 512, socket.MSG_ERRQUEUE | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return None
        _, origin, _, _, _, mtu, _ = struct.unpack_from("=IBBBBII", ancillary[0][2])
        return origin, mtu

    def hand_over(self, data):
        """False: it is too large for the sender's own link."""
        while True:
            try:
                self.endpoint.send(data)
                return True
            except OSError as error:
                if error.errno != errno.EMSGSIZE:
                    raise
                # An ICMP error shows twice, in the queue and by what the next call returns; the latter is no news.
                if self.error() is not None:
                    return False

    def send(self, size):
        self.number += 1
        data = struct.pack("!I", self.number) + os.urandom(size - self.header - 4)
        if not self.hand_over(data):
            return ("local",)
        wanted = data[:4] + struct.pack("!II", len(data), zlib.crc32(data))
        events = select.poll()
        events.register(self.endpoint, select.POLLIN | select.POLLERR)
        while events.poll(PATIENCE * 1000):
            error = self.error()
            if error is not None and error[0] in ORIGINS_OF_ICMP:
                return ("icmp", error[1])
            try:
                if self.endpoint.recv(65535, socket.MSG_DONTWAIT) == wanted:
                    return ("arrived",)
            except OSError:
                pass
        return ("lost",)


class Tally:
    def __init__(self, what):
        self.what = what
        self.counts = {"arrived": 0, "icmp": 0, "local": 0, "lost": 0}
        self.mtus = set()
        self.wrong = []

    def note(self, size, outcome, expected):
        self.counts[outcome[0]] += 1
        if outcome[0] == "icmp":
            self.mtus.add(outcome[1])
        if outcome != expected:
            self.wrong.append(f"{size}: {outcome}, expected {expected}")

    def report(self):
        counts = self.counts
        mtus = " (MTU " + ", ".join(str(mtu) for mtu in sorted(self.mtus)) + ")" if self.mtus else ""
        print(
            f"{self.what}: {sum(counts.values())} sent, {counts['arrived']} arrived, {counts['icmp']} answered by ICMP{mtus},"
            f" {counts['local']} refused by the sender's own link, {counts['lost']} lost"
        )
        for wrong in self.wrong[:10]:
            print("  " + wrong)
        return not self.wrong


def sweep_whole(address, port, link, mtu, whole, name):
    """Packets that nobody may fragment."""
    tally = Tally(f"{name} UDP in one piece")
    datagrams = Datagrams(address, port, PMTUDISC_PROBE)
    for size in sizes(link, mtu):
        expected = ("arrived",) if size <= whole else ("icmp", mtu) if size <= link else ("local",)
        tally.note(size, datagrams.send(size), expected)
    return tally.report()


def sweep_fragmentable(address, port, link, mtu, name):
    """Packets that routers may fragment; over IPv6 the sender alone does, once it has been told the MTU."""
    tally = Tally(f"{name} UDP, fragmented as needed")
    ipv4 = family_of(address) == socket.AF_INET
    datagrams = Datagrams(address, port, PMTUDISC_DONT if ipv4 else PMTUDISC_WANT)
    told = False
    for size in sizes(link, mtu):
        outcome = datagrams.send(size)
        if not ipv4 and not told and outcome == ("icmp", mtu):
            told = True
            tally.note(size, outcome, outcome)
            outcome = datagrams.send(size)
        tally.note(size, outcome, ("arrived",))
    return tally.report()


def sweep_stream(address, port, link, mtu, mss, name):
    tally = Tally(f"{name} TCP")
    with socket.create_connection((address, port), timeout=10) as connection:
        connection.settimeout(PATIENCE)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # What is sent from here: the peer's MSS as it came through the tunnel, less timestamps.
        segment = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG) + 12
        for size in sizes(link, mtu):
            data = os.urandom(size)
            try:
                connection.sendall(struct.pack("!I", size) + data)
                answer = receive_exactly(connection, 4)
            except TimeoutError:
                tally.note(size, ("lost",), ("arrived",))
                break
            tally.note(size, ("arrived",) if answer == struct.pack("!I", zlib.crc32(data)) else ("lost",), ("arrived",))
    print(f"{name} TCP segments of {segment} octets")
    if segment != mss:
        tally.wrong.append(f"segments of {segment}, expected {mss}")
    return tally.report()


def sweep(address, port, link, mtu, mss, whole=None):
    name = "IPv4" if family_of(address) == socket.AF_INET else "IPv6"
    whole = mtu if whole is None else whole
    good = sweep_stream(address, port, link, mtu, mss, name)
    good &= sweep_whole(address, port, link, mtu, whole, name)
    good &= sweep_fragmentable(address, port, link, mtu, name)
    return 0 if good else 1


def main():
    role, address, port, *limits = sys.argv[1:]
    if role == "serve":
        serve(address, int(port))
    sys.exit(sweep(address, int(port), *(int(limit) for limit in limits)))


main()
