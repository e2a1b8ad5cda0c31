"""Many flows of UDP between two hosts, a source port each.

  echo ADDRESS PORT                            answers
  once ADDRESS PORT FIRST_PORT FLOWS OCTETS    a packet of each flow; fails unless all are answered
  run  ADDRESS PORT FIRST_PORT FLOWS           1000 packets a second, one flow after the other, until SIGINT; then as
                                               JSON: sent, lost, flows that lost any, and in how many ms they all were sent

All that is sent bears the marker of the environment.
"""
import json
import os
import selectors
import signal
import socket
import sys
import time

MARKER = os.environ["MARKER"].encode()
INTERVAL = 0.001
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
        self.waiting = {}  # by number: flow, time
        self.sockets = []
        for source in range(first, first + count):
            each = socket.socket(family(address), socket.SOCK_DGRAM)
            each.setblocking(False)
            each.bind(("", source))
            each.connect((address, port))
            self.selector.register(each, selectors.EVENT_READ)
            self.sockets.append(each)
        self.sent = 0

    def send(self, octets=64):
        flow = self.sent % len(self.sockets)
        self.waiting[self.sent] = flow, time.monotonic()
        self.sockets[flow].send((MARKER + b" %d " % self.sent).ljust(octets, b"."))
        self.sent += 1

    def take_answers(self, until):
        while (left := until - time.monotonic()) > 0 and self.waiting:
            for key, _ in self.selector.select(left):
                self.waiting.pop(int(key.fileobj.recv(2048).split()[1]), None)


def once(flows, octets):
    for _ in flows.sockets:
        flows.send(octets)
        flows.take_answers(time.monotonic() + INTERVAL)
    flows.take_answers(time.monotonic() + PATIENCE)
    return not flows.waiting


def run(flows):
    ended = []
    signal.signal(signal.SIGINT, lambda *_: ended.append(True))
    print("running", flush=True)
    while not ended:
        flows.send()
        flows.take_answers(time.monotonic() + INTERVAL)
    flows.take_answers(time.monotonic() + PATIENCE)
    lost = list(flows.waiting.values())
    times = [when for _, when in lost]
    print(json.dumps({"sent": flows.sent, "lost": len(lost), "flows": len({flow for flow, _ in lost}),
                      "ms": round(1000 * (max(times) - min(times))) if lost else 0}), flush=True)


def main(command, address, port, *numbers):
    numbers = [int(each) for each in numbers]
    if command == "echo":
        echo(address, int(port))
    flows = Flows(address, int(port), *numbers[:2])
    if command == "once":
        sys.exit(not once(flows, numbers[2]))
    run(flows)


main(*sys.argv[1:])
