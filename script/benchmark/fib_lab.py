"""A gateway with zebra beside it and one neighbour, for `script/bench fib`: two network namespaces of this run's own.

    gateway: Sekisho (lan, 10.1.0.1), zebra === host (eth0, 10.1.0.2 to 10.1.0.5: the gateways of all routes)

Whether a route is followed is seen by packets: the host sends them to an address in it, and gets them back, since every
gateway is the host itself.
"""
import contextlib
import ctypes
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time

from benchmark.options import ROOT
from benchmark.runner import RunError

GATEWAYS = [f"10.1.0.{last}" for last in range(2, 6)]
OWN_MAC, HOST_MAC = "02:00:00:00:01:01", "02:00:00:00:01:02"
FRR = ROOT / ".lab/peer/frr-8.4"
FRR_ID = 998  # of FRR's user in the directory that it runs in
CLONE_NEWNET = 0x40000000
PATIENCE = 400  # seconds


def run(*command):
    subprocess.run(command, check=True, capture_output=True, text=True)


@contextlib.contextmanager
def inside(namespace):
    """This thread, for as long as the context lasts."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open("/proc/self/ns/net", encoding="ascii") as here, open(f"/run/netns/{namespace}", encoding="ascii") as there:
        for where in (there, here):
            if libc.setns(where.fileno(), CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns")
            if where is there:
                try:
                    yield
                except BaseException:
                    libc.setns(here.fileno(), CLONE_NEWNET)
                    raise


def await_until(what, condition, interval=0.02):
    end = time.monotonic() + PATIENCE
    while not (found := condition()):
        if time.monotonic() > end:
            raise RunError(f"waited {PATIENCE} s for {what}")
        time.sleep(interval)
    return found


def memory(process):
    """Resident, and the most that it ever was, in bytes."""
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
    return tuple(int(re.search(rf"^{field}:\s+(\d+) kB", status, re.MULTILINE)[1]) * 1024 for field in ("VmRSS", "VmHWM"))


class Lab:
    def __init__(self, control, dataplane, memory_mb):
        self.programs = {"control": control, "dataplane": dataplane}
        self.memory_mb = memory_mb
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="sekisho-bench-"))
        self.gateway, self.host = f"{self.directory.name}-gw", f"{self.directory.name}-host"
        self.frr = self.directory / "frr"
        self.processes = {}

    def __enter__(self):
        try:
            self.set_up()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for name in list(self.processes):
            self.kill(name)
        for namespace in (self.gateway, self.host):
            subprocess.run(["ip", "netns", "delete", namespace], check=False, capture_output=True)
        shutil.rmtree(self.directory, ignore_errors=True)

    def set_up(self):
        for namespace in (self.gateway, self.host):
            run("ip", "netns", "add", namespace)
            run("ip", "-n", namespace, "link", "set", "lo", "up")
            run("ip", "netns", "exec", namespace, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1",
                "net.ipv6.conf.default.disable_ipv6=1")
        run("ip", "-n", self.host, "link", "add", "eth0", "address", HOST_MAC, "type", "veth",
            "peer", "name", "lan-wire", "address", OWN_MAC, "netns", self.gateway)
        for address in GATEWAYS:
            run("ip", "-n", self.host, "address", "add", f"{address}/24", "dev", "eth0")
        for namespace, interface in ((self.host, "eth0"), (self.gateway, "lan-wire")):
            run("ip", "netns", "exec", namespace, "ethtool", "-K", interface, "tx", "off")
            run("ip", "-n", namespace, "link", "set", interface, "up")
        # The kernel gets a copy of what the data plane gets from such a port, and must not answer.
        run("ip", "netns", "exec", self.gateway, "nft", "table netdev deaf { chain lan { type filter hook ingress "
            "device lan-wire priority 0; policy drop; }; }")
        self.frr.mkdir()
        self.directory.chmod(0o711)
        os.chown(self.frr, FRR_ID, FRR_ID)
        self.start_dataplane()

    def start(self, name, *command):
        with open(self.directory / f"{name}.log", "ab") as log:
            self.processes[name] = subprocess.Popen(["ip", "netns", "exec", self.gateway, *command], stdin=subprocess.DEVNULL,
                                                    stdout=log, stderr=log, start_new_session=True)

    def kill(self, name):
        process = self.processes.pop(name)
        process.send_signal(signal.SIGKILL)
        process.wait()

    def start_dataplane(self):
        """Control comes up once, for the interface `lan` and its address; both stay when it goes."""
        self.start("dataplane", self.programs["dataplane"], "--socket", self.directory / "dataplane.sock", "--no-huge",
                   "--memory", str(self.memory_mb))
        self.start_control(frr=False)
        await_until("the port", lambda: self.rpc("status") and self.rpc("show", what="port")[0]["link"] == "up")
        for address in GATEWAYS:
            run("ip", "-n", self.gateway, "neigh", "replace", address, "lladdr", HOST_MAC, "dev", "lan", "nud", "permanent")
        self.kill("control")

    def start_control(self, frr=True):
        config = {"ports": {"lan": {"device": "net_af_packet0,iface=lan-wire", "addresses": ["10.1.0.1/24"]}}, "tunnels": {}}
        if frr:
            config["frr"] = {}
        file = self.directory / "sekisho.json"
        file.write_text(json.dumps(config), encoding="ascii")
        self.start("control", self.programs["control"], "--config", file, "--dataplane", self.directory / "dataplane.sock",
                   "--socket", self.directory / "control.sock", "--frr", self.frr)

    def start_zebra(self):
        (FRR / "etc/passwd").write_text(f"root:x:0:0::/root:/bin/sh\nfrr:x:{FRR_ID}:{FRR_ID}::/:/bin/false\n", encoding="ascii")
        (FRR / "etc/group").write_text(f"root:x:0:\nfrr:x:{FRR_ID}:\nfrrvty:x:997:frr\n", encoding="ascii")
        (FRR / "var/tmp/frr").mkdir(parents=True, exist_ok=True)
        (self.frr / "zebra.conf").touch()
        self.start("zebra", ROOT / "tests/smoke/lab/in_root", FRR, self.directory, "/usr/lib/frr/zebra", "--vty_socket",
                   "/lab/frr", "-z", "/lab/frr/zserv.api", "-i", "/lab/frr/zebra.pid", "-f", "/lab/frr/zebra.conf", "-P", "0",
                   "-s", "212992", "--log", "file:/lab/frr/zebra.log")
        await_until("zebra", (self.frr / "zebra.vty").exists)

    def zserv(self):
        return str(self.frr / "zserv.api")

    def link(self):
        """The index of the interface `lan`."""
        shown = subprocess.run(["ip", "-n", self.gateway, "-json", "link", "show", "lan"], check=True, capture_output=True, text=True)
        return json.loads(shown.stdout)[0]["ifindex"]

    def rpc(self, method, **params):
        """The answer of control; None while there is none."""
        request = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}) + "\n"
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.connect(str(self.directory / "control.sock"))
                connection.sendall(request.encode())
                with connection.makefile() as lines:
                    return json.loads(lines.readline())["result"]
        except (OSError, ValueError, KeyError):
            return None

    def log(self):
        return "\n".join(f"{file.name}: {line}" for file in sorted(self.directory.glob("*.log"))
                         for line in file.read_text(errors="replace").splitlines()[-5:])


class Probe:
    """Whether packets to an address come back."""

    def __init__(self, lab, address):
        with inside(lab.host):
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
            self.socket.bind(("eth0", 0x0800))
        self.socket.settimeout(0.002)
        self.address = socket.inet_aton(address)
        self.frame = self.make_frame()

    def make_frame(self):
        header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28, 0, 0, 64, 17, 0, socket.inet_aton(GATEWAYS[0]), self.address)
        total = sum(struct.unpack("!10H", header))
        total = (total & 0xFFFF) + (total >> 16)
        header = header[:10] + struct.pack("!H", ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF) + header[12:]
        mac = bytes.fromhex((OWN_MAC + HOST_MAC).replace(":", ""))
        return mac + b"\x08\x00" + header + struct.pack("!HHHH", 9, 9, 8, 0) + bytes(18)

    def comes_back(self):
        """Sends one; true where one has come back by now."""
        self.socket.send(self.frame)
        with contextlib.suppress(TimeoutError):
            while True:
                frame, origin = self.socket.recvfrom(2048)
                if origin[2] != socket.PACKET_OUTGOING and frame[30:34] == self.address:
                    return True
        return False

    def close(self):
        self.socket.close()
