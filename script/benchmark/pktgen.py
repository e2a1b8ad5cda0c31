"""Pktgen-DPDK as the generator beside a device under test: what it is to send, how it is started, what it reports."""
import dataclasses
import json
import os
import pathlib
import shutil
import subprocess

from benchmark import scenario

LUA = scenario.FOLDER / "lua"
# Port 0 is on the device's LAN side, port 1 on its WAN side.
SIDES = ("lan", "wan")
DEVICE_MAC = {"lan": "02:00:00:00:00:01", "wan": "02:00:00:00:00:02"}
OWN_MAC = {"lan": "02:00:00:00:01:00", "wan": "02:00:00:00:02:00"}
# The hosts of tunnel 0 (pktgen-scenarios/README.md).
HOSTS = {4: ("10.64.0.1/32", "10.128.0.1"), 6: ("fd00:1::1/128", "fd00:2::1")}
DISCARD = 9  # RFC 863
FIRST_SOURCE_PORT = 49152
# Pktgen makes every IPv6 frame at least so long, without FCS.
LEAST_IPV6_FRAME = 74
# Without its option for jumbo frames Pktgen cuts whatever is longer, without FCS.
LONGEST_FRAME = 1514


class PktgenError(Exception):
    """Pktgen, or the device beside it, failed; the text says how."""


class MissingError(Exception):
    """There is no Pktgen on this machine; the text says what to do."""


@dataclasses.dataclass(frozen=True)
class Work:
    """What one start of Pktgen measures: a cell, or for a scenario with both directions two, at once."""
    cells: tuple
    scenario: scenario.Scenario  # with no more than that

    def __str__(self):
        return str(self.cells[0]).replace("out,", "both ways,", 1) if len(self.cells) > 1 else str(self.cells[0])


def work_of(loaded):
    """The scenario's cells, one Work for each combination of all but the direction."""
    grouped = {}
    for cell in loaded.cells():
        grouped.setdefault((cell.suite, cell.size, cell.tunnels, cell.routes, cell.workers), []).append(cell)
    for (suite, size, tunnels, routes, workers), cells in grouped.items():
        one = loaded.narrowed(suites=suite and [suite], sizes=[size], tunnels=[tunnels], routes=[routes],
                              workers=[workers])
        one.fields["replay_window"] = 0  # packets are replayed in a loop
        yield Work(tuple(cells), one)


def find():
    """The program; PKTGEN names another than the path's."""
    program = shutil.which(os.environ.get("PKTGEN", "pktgen"))
    if program is None:
        raise MissingError(
            "Pktgen-DPDK is not here: there is no 'pktgen' on the path, and PKTGEN names none. No Debian package has it.\n"
            "Install a release from 24.10 on, with Lua (https://github.com/pktgen/Pktgen-DPDK), or\n"
            "measure without a generator: script/bench takes the same scenarios.")
    return program


def profile_of(cell):
    """The file in lua/traffic/ that makes the cell's packets: one flow of one size Pktgen makes itself, all else is recorded
    by the data plane beforehand, with the very packets that the built-in runner sends."""
    one_flow = cell.direction != "in" and cell.tunnels == 1 and cell.routes == 1
    makes_size = cell.size != "imix" and (cell.family == 4 or cell.size >= LEAST_IPV6_FRAME)
    return "single" if one_flow and makes_size else "pcap"


def stream_of(cell):
    """As lua/generator.lua takes it. The addresses of a sealed stream are those in its file."""
    side = "wan" if cell.direction == "in" else "lan"
    port = SIDES.index(side)
    source, destination = HOSTS[cell.family]
    return {"send": str(port), "receive": str(1 - port), "profile": profile_of(cell),
            "family": f"ipv{cell.family}", "destination_mac": DEVICE_MAC[side], "source_mac": OWN_MAC[side],
            "destination": destination, "source": source, "destination_port": DISCARD,
            "source_port": FIRST_SOURCE_PORT, "size": cell.size if cell.size != "imix" else 64}


def lua_text(value):
    """A Lua expression for numbers, texts, truth values, lists and dictionaries of them."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        # Lua reads JSON's escapes as far as they stand for ASCII.
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {lua_text(item)}" for name, item in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return "{ " + ", ".join(map(lua_text, value)) + " }"
    return repr(value)


def run_text(work, search, loss_limits, latency, report):
    """The file that lua/rfc2544.lua reads: see there."""
    run = {"report": str(report), "streams": [stream_of(cell) for cell in work.cells],
           "loss_limits": sorted(loss_limits, reverse=True), "search": search}
    # A sealed probe is none to Pktgen, and it makes probes of IPv4 only.
    if latency and work.cells[0].direction == "plain" and work.cells[0].family == 4:
        run["latency"] = latency | {"samples": str(report) + ".latency"}
    return f"return {lua_text(run)}\n"


def is_virtual(device):
    return device.startswith("net_")


def device_arguments(devices):
    """The data plane's arguments for the devices, by side."""
    ports = [argument for side, device in devices.items() for argument in ("--port", f"{side}={device}")]
    allowed = [argument for device in devices.values() if not is_virtual(device) for argument in ("-a", device)]
    return ports + (["--", *allowed] if allowed else [])


def eal_devices(devices):
    """EAL's arguments for the generator's devices, and the order in which DPDK will number them: PCI devices by address,
    virtual ones as they are given."""
    virtual = [is_virtual(device) for device in devices.values()]
    if any(virtual) != all(virtual):
        raise PktgenError("one of the generator's devices is a PCI address and the other is not")
    option = "--vdev" if all(virtual) else "-a"
    arguments = [argument for device in devices.values() for argument in (option, device)]
    if all(virtual):
        return ["--no-pci", *arguments], list(devices)
    return arguments, sorted(devices, key=devices.get)


def command(program, work, devices, processors, pcaps, huge):
    """processors: of Pktgen's own thread and of the two ports. pcaps: {port: file}."""
    arguments, numbered = eal_devices(devices)
    if numbered != list(SIDES):
        raise PktgenError("DPDK numbers PCI devices by address: the LAN side's has to be the lower one")
    line = [program, "--lcores", ",".join(f"{lcore}@{cpu}" for lcore, cpu in enumerate(processors)), "-m", "512",
            *(["--in-memory"] if huge else ["--no-huge", "--no-shconf"]), "--file-prefix", "sekisho-pktgen", *arguments,
            "--", "-m", "1.0", "-m", "2.1", "-P"]
    if any(cell.size != "imix" and cell.size > LONGEST_FRAME for cell in work.cells):
        line.append("-j")
    for port, file in pcaps.items():
        line += ["-s", f"{port}:{file}"]
    return [*line, "-f", str(LUA / "rfc2544.lua")]


def follow(process, path):
    """Yields the lines of JSON that the process writes into the file, until it ends."""
    ended = False
    with open(path, encoding="utf-8") as file:
        while True:
            line = file.readline()
            if line.endswith("\n"):
                yield json.loads(line)
                continue
            if ended:
                return
            file.seek(file.tell() - len(line))
            try:
                process.wait(timeout=0.2)
                ended = True
            except subprocess.TimeoutExpired:
                pass


def run(program_line, run_file, report, log):
    """Runs Pktgen and yields its report's lines; a line of the kind `error` becomes a PktgenError."""
    report.touch()
    environment = os.environ | {"SEKISHO_PKTGEN_LUA": str(LUA), "SEKISHO_PKTGEN_RUN": str(run_file)}
    # It does not start without a terminal to read commands from; none will come.
    terminal, its_end = os.openpty()
    with open(log, "w", encoding="utf-8") as sink:
        process = subprocess.Popen(program_line, stdin=its_end, stdout=sink, stderr=subprocess.STDOUT, env=environment)
    os.close(its_end)
    complete = False
    try:
        for line in follow(process, report):
            if line["kind"] == "error":
                raise PktgenError(line["text"])
            complete = complete or line["kind"] == "end"
            yield line
    finally:
        process.kill()
        process.wait()
        os.close(terminal)
    if not complete:
        tail = "\n".join(pathlib.Path(log).read_text(errors="replace").splitlines()[-20:])
        raise PktgenError(f"Pktgen ended before its script did (exit code {process.returncode}):\n{tail}")
