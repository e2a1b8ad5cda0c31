"""A BGP neighbour with a large table (RFC 4271), and what is to become of it.

bgp_speaker.py listen ADDRESS AS COUNT
    Waits for one neighbour on ADDRESS. A line on stdin, `announce` or `withdraw`, sends all of the prefixes, or takes
    them back; `announced` or `withdrawn` on stdout says that the neighbour's TCP has taken the last of it.
bgp_speaker.py samples COUNT SEED NUMBER
    So many addresses within the prefixes, chosen at random, one in a line.
bgp_speaker.py share COUNT
    How many of the prefixes are in 20.0.0.0/7 and how many in 22.0.0.0/7.
bgp_speaker.py compare COUNT
    Reads what `sekisho show route --json` says, and prints how many of the prefixes are there by BGP, how many of them
    lead into the wrong one of the tunnels vti1 (for 20.0.0.0/7) and vti2, and how many there are by interface.

The prefixes are IPv4 of 16 to 24 bits, most of them of 24, between 20.0.0.0 and 23.255.255.255, the same ones each time.
"""
import collections
import ipaddress
import json
import random
import selectors
import socket
import struct
import sys

OPEN, UPDATE, NOTIFICATION, KEEPALIVE = 1, 2, 3, 4
HOLD_TIME = 90
LENGTHS = {24: 620, 23: 110, 22: 130, 21: 60, 20: 50, 19: 20, 18: 7, 16: 3}
MAX_MESSAGE = 4096


def prefixes(count):
    drawn, chance = {}, random.Random(1)
    while len(drawn) < count:
        length = chance.choices(list(LENGTHS), list(LENGTHS.values()))[0]
        address = (20 << 24 | chance.getrandbits(26)) & (0xFFFFFFFF << (32 - length))
        drawn[address, length] = None
    return list(drawn)


def message(kind, body=b""):
    return b"\xff" * 16 + struct.pack("!HB", 19 + len(body), kind) + body


def open_message(own_as, router_id):
    # Capabilities (RFC 5492): four-octet AS numbers (RFC 6793).
    capability = struct.pack("!BBI", 65, 4, own_as)
    parameter = struct.pack("!BB", 2, len(capability)) + capability
    return message(OPEN, struct.pack("!BHH4sB", 4, own_as, HOLD_TIME, socket.inet_aton(router_id), len(parameter)) + parameter)


def encoded(address, length):
    return bytes([length]) + struct.pack("!I", address)[: (length + 7) // 8]


def packed(all_prefixes, room):
    """The prefixes as BGP writes them, as many together as there is room for."""
    part = b""
    for each in all_prefixes:
        more = encoded(*each)
        if len(part) + len(more) > room:
            yield part
            part = b""
        part += more
    yield part


def announcements(all_prefixes, own_as, next_hop):
    attributes = (b"\x40\x01\x01\x00"  # ORIGIN: IGP
                  + b"\x40\x02\x06\x02\x01" + struct.pack("!I", own_as)  # AS_PATH
                  + b"\x40\x03\x04" + socket.inet_aton(next_hop))
    head = struct.pack("!HH", 0, len(attributes)) + attributes
    for part in packed(all_prefixes, MAX_MESSAGE - 19 - len(head)):
        yield message(UPDATE, head + part)


def withdrawals(all_prefixes):
    for part in packed(all_prefixes, MAX_MESSAGE - 19 - 4):
        yield message(UPDATE, struct.pack("!H", len(part)) + part + b"\0\0")


def read_messages(received):
    """Takes whole messages off the front; yields (kind, body)."""
    while len(received) >= 19:
        length, kind = struct.unpack_from("!HB", received, 16)
        if len(received) < length:
            return
        yield kind, bytes(received[19:length])
        del received[:length]


def say(word):
    print(word, flush=True)


def listen(address, own_as, count):
    listener = socket.create_server((address, 179))
    say("listening")
    neighbour, _ = listener.accept()
    neighbour.sendall(open_message(own_as, address))
    received, chosen = bytearray(), prefixes(count)
    orders = {"announce": (lambda: announcements(chosen, own_as, address), "announced"),
              "withdraw": (lambda: withdrawals(chosen), "withdrawn")}
    watched = selectors.DefaultSelector()
    watched.register(neighbour, selectors.EVENT_READ)
    watched.register(sys.stdin, selectors.EVENT_READ)
    while True:
        for key, _ in watched.select(HOLD_TIME / 3):
            if key.fileobj is sys.stdin:
                line = sys.stdin.readline()
                if not line:
                    return
                make, done = orders[line.strip()]
                for each in make():
                    neighbour.sendall(each)
                say(done)
                continue
            more = neighbour.recv(65536)
            if not more:
                sys.exit("the neighbour has closed the session")
            received += more
            for kind, body in read_messages(received):
                if kind == NOTIFICATION:
                    sys.exit(f"the neighbour says: {body.hex()}")
                if kind == OPEN:
                    say("open")
        neighbour.sendall(message(KEEPALIVE))


def samples(count, seed, number):
    chance = random.Random(seed)
    for address, length in chance.sample(prefixes(count), number):
        say(str(ipaddress.IPv4Address(address | chance.randrange(1 << (32 - length)))))


def interface(address):
    return "vti1" if address >> 25 == 20 >> 1 else "vti2"


def share(count):
    found = collections.Counter(interface(address) for address, _ in prefixes(count))
    say(f"{found['vti1']} {found['vti2']}")


def compare(count):
    known = {each["prefix"]: each for each in json.load(sys.stdin) if each["origin"] == "bgp"}
    found, wrong = collections.Counter(), 0
    for address, length in prefixes(count):
        route = known.pop(f"{ipaddress.IPv4Address(address)}/{length}", None)
        if route is None:
            continue
        found[route["interface"]] += 1
        wrong += route["interface"].startswith("vti") and route["interface"] != interface(address)
    say(" ".join([str(found.total()), str(wrong), *(f"{name}:{number}" for name, number in sorted(found.items()))]))


if __name__ == "__main__":
    what, *arguments = sys.argv[1:]
    if what == "listen":
        listen(arguments[0], int(arguments[1]), int(arguments[2]))
    else:
        {"samples": samples, "share": share, "compare": compare}[what](*map(int, arguments))
