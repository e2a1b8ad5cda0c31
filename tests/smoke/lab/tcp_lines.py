"""TCP connections that are held open, a line at a time.

serve ADDRESS PORT...     sends back every line of every connection; says "listening" first
connect ADDRESS PORT      says "connected", or ends with 1 after two seconds; then sends each line of its standard input
                          and says "echo LINE", or "silent" where nothing comes back within three seconds
udp-refused ADDRESS PORT  sends a datagram; ends with 0 where the kernel is told, within two seconds, that nobody is there
"""
import select
import socket
import sys
import threading


def echo(connection):
    with connection:
        while data := connection.recv(4096):
            connection.sendall(data)


def accept(listener):
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=echo, args=[connection], daemon=True).start()


def serve(address, ports):
    listeners = [socket.create_server((address, int(port))) for port in ports]
    print("listening", flush=True)
    threads = [threading.Thread(target=accept, args=[listener]) for listener in listeners]
    for thread in threads:
        thread.start()


def connect(address, port):
    try:
        connection = socket.create_connection((address, int(port)), timeout=2)
    except OSError as error:
        print(error, flush=True)
        sys.exit(1)
    print("connected", flush=True)
    connection.settimeout(3)
    for line in sys.stdin:
        connection.sendall(line.encode())
        try:
            print("echo", connection.recv(4096).decode().strip(), flush=True)
        except OSError:
            print("silent", line.strip(), flush=True)


def udp_refused(address, port):
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    datagrams.connect((address, int(port)))
    datagrams.send(b"anybody?")
    select.select([datagrams], [], [], 2)
    sys.exit(0 if datagrams.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) else 1)


if sys.argv[1] == "serve":
    serve(sys.argv[2], sys.argv[3:])
elif sys.argv[1] == "connect":
    connect(*sys.argv[2:4])
else:
    udp_refused(*sys.argv[2:4])
