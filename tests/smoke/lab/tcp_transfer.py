"""One TCP connection, random octets both ways at once.

tcp_transfer.py serve|connect ADDRESS PORT MEGABYTES MARKER

Each end sends MEGABYTES (of 2^20) of random octets with MARKER strewn in, and prints how many octets it sent and received and
their SHA-256. Comparing the two ends' lines is the caller's part.
"""
import hashlib
import os
import socket
import sys
import threading

CHUNK = 65536


def say(what, octets, digest):
    # In one piece: the other thread has its line to say too, and print() writes word by word.
    os.write(1, f"{what} {octets} {digest.hexdigest()}\n".encode())


def send(connection, megabytes, marker):
    digest = hashlib.sha256()
    octets = 0
    for _ in range(megabytes * 16):
        chunk = os.urandom(CHUNK - len(marker)) + marker
        digest.update(chunk)
        octets += len(chunk)
        connection.sendall(chunk)
    connection.shutdown(socket.SHUT_WR)
    say("sent", octets, digest)


def receive(connection):
    digest = hashlib.sha256()
    octets = 0
    while chunk := connection.recv(CHUNK):
        digest.update(chunk)
        octets += len(chunk)
    say("received", octets, digest)


def main():
    role, address, port, megabytes, marker = sys.argv[1:]
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as endpoint:
        endpoint.settimeout(60)
        if role == "serve":
            endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            endpoint.bind((address, int(port)))
            endpoint.listen(1)
            print("listening", flush=True)
            connection, _ = endpoint.accept()
        else:
            endpoint.connect((address, int(port)))
            connection = endpoint
        connection.settimeout(60)
        sender = threading.Thread(target=send, args=(connection, int(megabytes), marker.encode()))
        sender.start()
        receive(connection)
        sender.join()


if __name__ == "__main__":
    main()
