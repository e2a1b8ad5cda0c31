"""Many flows of UDP between two hosts, a source port each.

  echo ADDRESS PORT                            answers
  once ADDRESS PORT FIRST_PORT FLOWS OCTETS    a packet of each flow; fails unless all are answered
  each ADDRESS PORT FIRST_PORT FLOWS OCTETS STEP TIMES
                                               so many packets of each flow, by turns; the flows' packets differ in size:
                                               OCTETS, and STEP more for each flow after the first. Fails likewise
  run  ADDRESS PORT FIRST_PORT FLOWS           250 packets a second, one flow after the other, until SIGINT; then as
                                               JSON: sent, lost; from the first lost to the last: ms, sent meanwhile

All that is sent bears the marker of the environment.
"""
import contextlib
import json
import os
import selectors
import signal
import socket
import sys
import time

MARKER = os.environ["MARKER"].encode()
INTERVAL = 0.004
PATIENCE = 2  # seconds that an answer has


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def echo(address, port):
    server = socket.socket(family(address), socket.SOCK_DGRAM)
    server.bind((address, port))
    print("listening", flush=True)
    while True:
        server.sendto(*server.recvfrom(2048))


class Flows:
    def __init__(self, address, port, first, count):
        self.selector = selectors.DefaultSelector()
        self.waiting = {}  # by number: when it was sent
        self.sockets = []
        for source in range(first, first + count):
            each = socket.socket(family(address), socket.SOCK_DGRAM)
            each.setblocking(False)
            if each.family == socket.AF_INET6:
                each.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            each.bind(("", source))
            each.connect((address, port))
            self.selector.register(each, selectors.EVENT_READ)
            self.sockets.append(each)
        self.sent = 0

    def send(self, octets=64):
        flow = self.sent % len(self.sockets)
        self.waiting[self.sent] = time.monotonic()
        with contextlib.suppress(OSError):  # of what an ICMP error has said before
            self.sockets[flow].send((MARKER + b" %d " % self.sent).ljust(octets, b"."))
        self.sent += 1

    def take_answers(self, seconds, all_of_them=False):
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and (self.waiting or not all_of_them):
            for key, _ in self.selector.select(left):
                with contextlib.suppress(OSError):
                    self.waiting.pop(int(key.fileobj.recv(2048).split()[1]), None)


def each(flows, octets, step, times):
    for number in range(times * len(flows.sockets)):
        flows.send(octets + step * (number % len(flows.sockets)))
        flows.take_answers(INTERVAL)
    flows.take_answers(PATIENCE, all_of_them=True)
    return not flows.waiting


def run(flows):
    ended = []
    signal.signal(signal.SIGINT, lambda *_: ended.append(True))
    print("running", flush=True)
    while not ended:
        flows.send()
        flows.take_answers(INTERVAL)
    flows.take_answers(PATIENCE, all_of_them=True)
    lost = sorted(flows.waiting.items())
    ms = round(1000 * (lost[-1][1] - lost[0][1])) if lost else 0
    meanwhile = lost[-1][0] - lost[0][0] + 1 if lost else 0
    print(json.dumps({"sent": flows.sent, "lost": len(lost), "ms": ms, "meanwhile": meanwhile}), flush=True)


def main(command, address, port, *numbers):
    numbers = [int(each) for each in numbers]
    if command == "echo":
        echo(address, int(port))
    flows = Flows(address, int(port), *numbers[:2])
    if command == "once":
        sys.exit(not each(flows, numbers[2], 0, 1))
    if command == "each":
        sys.exit(not each(flows, *numbers[2:]))
    run(flows)


main(*sys.argv[1:])
