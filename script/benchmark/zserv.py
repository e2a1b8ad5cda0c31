"""zebra's protocol (ZAPI 6 as FRR 8.4 speaks it), from two sides: a routing daemon, whose routes are in when zebra says so;
and a stand-in for zebra, which has a table to give and no kernel."""
import contextlib
import pathlib
import random
import socket
import struct
import threading
import time

HEADER = struct.Struct("!HBBIH")  # length, marker, version, VRF, command
MARKER, VERSION = 254, 6
ROUTE_ADD, ROUTE_NOTIFY_OWNER, HELLO, REDISTRIBUTE_ROUTE_ADD, ERROR = 8, 10, 18, 30, 118
BGP = 9  # a route type
NEXT_HOP, DISTANCE, METRIC, MTU = 0x01, 0x02, 0x04, 0x10  # what a route message holds
SELECTED = 0x08  # a route flag
WEIGHT = 0x04  # a next hop's flag
IPV4 = 2  # of a next hop: a gateway, whose interface zebra finds
INSTALLED = 2

# How many of a thousand prefixes have which length: about the Internet's table.
LENGTHS = {24: 620, 23: 105, 22: 125, 21: 55, 20: 45, 19: 25, 18: 13, 17: 7, 16: 5}
DRAWN = (16 << 24, 112 << 24)  # from where, and below what


def prefixes(count):
    """Different ones of 16.0.0.0/4 to 96.0.0.0/4, the same ones each time."""
    chance, drawn = random.Random(1), {}
    lengths = list(LENGTHS)
    weights = list(LENGTHS.values())
    while len(drawn) < count:
        for length in chance.choices(lengths, weights, k=count - len(drawn)):
            drawn[chance.randrange(*DRAWN) >> (32 - length) << (32 - length), length] = None
    return list(drawn)


def message(command, body):
    return HEADER.pack(HEADER.size + len(body), MARKER, VERSION, 0, command) + body


def route(address, length, gateway):
    return message(ROUTE_ADD, struct.pack("!BHIIBBB", BGP, 0, 0, NEXT_HOP | DISTANCE | METRIC, 1, socket.AF_INET, length)
                   + address.to_bytes(4, "big")[:(length + 7) // 8]
                   + struct.pack("!HIBB4sI", 1, 0, IPV4, 0, socket.inet_aton(gateway), 0) + struct.pack("!BI", 20, 0))


def redistributed(address, length, gateway, link):
    return message(REDISTRIBUTE_ROUTE_ADD,
                   struct.pack("!BHIIBBB", BGP, 0, SELECTED, NEXT_HOP | DISTANCE | METRIC | MTU, 1, socket.AF_INET, length)
                   + address.to_bytes(4, "big")[:(length + 7) // 8]
                   + struct.pack("!HIBB4sII", 1, 0, IPV4, WEIGHT, socket.inet_aton(gateway), link, 1)
                   + struct.pack("!BII", 20, 0, 0))


class StandIn:
    """In zebra's place: says its release, then to the one client that comes all of the messages, as fast as it reads."""

    def __init__(self, directory, messages):
        self.messages, self.asked_at = messages, None
        self.doors = []
        for name, serve in (("zebra.vty", self.say_release), ("zserv.api", self.say_routes)):
            door = socket.socket(socket.AF_UNIX)
            pathlib.Path(directory, name).unlink(missing_ok=True)
            door.bind(f"{directory}/{name}")
            door.listen()
            self.doors.append(door)
            threading.Thread(target=self.serve, args=(door, serve), daemon=True).start()

    @staticmethod
    def serve(door, serve):
        with contextlib.suppress(OSError):
            while True:
                serve(door.accept()[0])

    @staticmethod
    def say_release(client):
        client.recv(1024)
        client.sendall(b"FRRouting 8.4.4 (stand-in).\0\0\0\0")
        client.close()

    def say_routes(self, client):
        self.asked_at = time.monotonic()
        client.sendall(self.messages + message(ERROR, struct.pack("=I", 2)))
        while client.recv(65536):
            pass

    def close(self):
        for door in self.doors:
            door.shutdown(socket.SHUT_RDWR)
            door.close()


class Injector:
    """A daemon of the protocol BGP. Its routes are there for as long as it is."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.socket.sendall(message(HELLO, struct.pack("!BHIBB", BGP, 0, 0, 1, 0)))
        self.installed, self.installed_at, self.wanted, self.done = 0, None, 0, threading.Event()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        received = b""
        while more := self.receive():
            received += more
            at = 0
            while len(received) - at >= HEADER.size:
                length, _, _, _, command = HEADER.unpack_from(received, at)
                if len(received) - at < length:
                    break
                # The notice is in the host's order.
                if command == ROUTE_NOTIFY_OWNER and received[at + HEADER.size] == INSTALLED:
                    self.installed += 1
                at += length
            received = received[at:]
            if self.wanted and self.installed >= self.wanted:
                self.installed_at = time.monotonic()
                self.wanted = 0
                self.done.set()

    def receive(self):
        with contextlib.suppress(OSError):
            return self.socket.recv(1 << 20)
        return b""

    def inject(self, messages, count):
        """Sends them; returns when that began. `done` is set, with the time in installed_at, when all are installed."""
        self.wanted = count
        begun = time.monotonic()
        self.socket.sendall(messages)
        return begun

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
