"""script/bench fib: from zebra's table into the data path's; docs/performance.md says how."""
import argparse
import ipaddress
import json
import subprocess
import sys
import threading
import time

from benchmark import zserv
from benchmark.fib_lab import GATEWAYS, Lab, Probe, await_until, memory
from benchmark.options import ROOT, built, commit, numbers, output_file

ROUTES = [100_000, 1_000_000]
# For packets and tables; a million routes want 1.8 GB of it, with what goes to packets and to IPv6.
MEMORY_MB = 2048

LEGEND = """zebra    alone: from the first route that a daemon (a stand-in for bgpd) tells zebra of until zebra has them all in its
         own table and in the kernel's
dump     a table that is there when control asks for it: from its question until packets follow the last route. In zebra's
         place is a stand-in that says all of it as fast as control reads
live     zebra with Sekisho beside it: until zebra has them all, and until packets follow the last one
one change  a route more, when nothing has changed for a while: from the daemon's word until packets follow it
memory   resident, what each process grew by for a route; zebra's, alone; control's and the data plane's in the dump, and
         control's in the live one, where it has the kernel's table, too, with its peak"""


# Seconds without a change before the single one, for which there is a route of its own, in no other one's range.
QUIET = 15
EXTRA, EXTRA_ADDRESS = (223 << 24, 24), "223.0.0.1"


# Behind all that is drawn.
LAST = (zserv.DRAWN[1], min(zserv.LENGTHS))


class Table:
    """Routes, and an address that the last of them alone leads to. It is the last one in every order: it is told last, and
    of what control knows by then, the data path gets the longest prefixes first, and of one length the lowest."""

    def __init__(self, count):
        self.count = count
        self.routes = [*zserv.prefixes(count - 1), LAST]
        self.probe = str(ipaddress.IPv4Address(LAST[0] + 1))

    def messages(self, make, *arguments):
        return b"".join(make(*route, GATEWAYS[number % len(GATEWAYS)], *arguments) for number, route in enumerate(self.routes))


def until_followed(lab, address):
    probe = Probe(lab, address)
    try:
        await_until("packets to follow the last route", probe.comes_back, interval=0)
        return time.monotonic()
    finally:
        probe.close()


def await_installed(daemon):
    await_until("zebra to install the routes", daemon.done.is_set)
    return daemon.installed_at


def zebra_knows(lab, routes=0):
    status = lab.rpc("status")
    return status and status["zebra"]["state"] == "synchronized" and status["zebra"]["routes"] >= routes


def zebra_alone(lab, table):
    messages = table.messages(zserv.route)
    lab.start_zebra()
    before = memory(lab.processes["zebra"])[0]
    daemon = zserv.Injector(lab.zserv())
    begun = daemon.inject(messages, table.count)
    figures = {"zebra_seconds": await_installed(daemon) - begun,
               "zebra_bytes": memory(lab.processes["zebra"])[0] - before}
    daemon.close()
    return figures


def dump(lab, table):
    """Control, as it is with an empty table, is what the memory is compared with."""
    dataplane_before = memory(lab.processes["dataplane"])[0]
    empty = zserv.StandIn(lab.frr, b"")
    lab.start_control()
    await_until("control to know zebra's word", lambda: zebra_knows(lab))
    control_before = memory(lab.processes["control"])[0]
    lab.kill("control")
    empty.close()

    stand_in = zserv.StandIn(lab.frr, table.messages(zserv.redistributed, lab.link()))
    lab.start_control()
    followed = until_followed(lab, table.probe)
    await_until("control to have all of it", lambda: zebra_knows(lab, table.count))
    figures = {"dump_seconds": followed - stand_in.asked_at,
               "dump_control_bytes": memory(lab.processes["control"])[0] - control_before,
               "dataplane_bytes": memory(lab.processes["dataplane"])[0] - dataplane_before}
    stand_in.close()
    return figures


def live(lab, table):
    messages = table.messages(zserv.route)
    lab.start_zebra()
    lab.start_control()
    await_until("control to know zebra's word", lambda: zebra_knows(lab))
    before = memory(lab.processes["control"])[0]
    daemon = zserv.Injector(lab.zserv())
    begun = time.monotonic()
    threading.Thread(target=daemon.inject, args=(messages, table.count), daemon=True).start()
    followed = until_followed(lab, table.probe)
    installed = await_installed(daemon)
    await_until("control to know all of them", lambda: zebra_knows(lab, table.count), interval=1)
    resident, peak = memory(lab.processes["control"])
    time.sleep(QUIET)
    changed = daemon.inject(zserv.route(*EXTRA, GATEWAYS[0]), table.count + 1)
    change = until_followed(lab, EXTRA_ADDRESS) - changed
    daemon.close()
    return {"live_zebra_seconds": installed - begun, "live_seconds": followed - begun,
            "change_seconds": change, "live_control_bytes": resident - before, "live_control_peak_bytes": peak - before}


def measure(programs, count):
    table = Table(count)
    figures = {"routes": count}
    for part in (zebra_alone, dump, live):
        with Lab(*programs, MEMORY_MB) as lab:
            try:
                figures |= part(lab, table)
            except Exception:
                print(lab.log(), file=sys.stderr)
                raise
    return figures


COLUMNS = [("zebra", "zebra_seconds"), ("dump", "dump_seconds"), ("live: zebra", "live_zebra_seconds"),
           ("live: Sekisho", "live_seconds")]
MEMORY = [("zebra", "zebra_bytes"), ("control", "dump_control_bytes"), ("control, live", "live_control_bytes"),
          ("peak", "live_control_peak_bytes"), ("data plane", "dataplane_bytes")]


def text(rows):
    lines = [f"{'routes':>10}" + "".join(f"{title:>22}" for title, _ in COLUMNS) + f"{'one change':>14}"]
    for row in rows:
        rates = (f"{row[key]:.2f} s {row['routes'] / row[key]:,.0f}/s" for _, key in COLUMNS)
        lines.append(f"{row['routes']:10,}" + "".join(f"{rate:>22}" for rate in rates) + f"{row['change_seconds']:12.2f} s")
    lines += ["", f"{'memory':>10}" + "".join(f"{title:>15}" for title, _ in MEMORY)]
    for row in rows:
        sizes = (f"{row[key] / row['routes']:,.0f} B" for _, key in MEMORY)
        lines.append(f"{row['routes']:10,}" + "".join(f"{size:>15}" for size in sizes))
    return "\n".join(lines + ["", LEGEND])


def main(arguments):
    parser = argparse.ArgumentParser(prog="script/bench fib", description=__doc__)
    parser.add_argument("--json", type=output_file, metavar="FILE", help="write the figures for a program to read")
    parser.add_argument("--routes", type=numbers, default=ROUTES, metavar="N,N", help="these tables; 100,000 and 1,000,000 otherwise")
    options = parser.parse_args(arguments)
    programs = [built("control/main/sekisho-control"), built("dataplane/main/sekisho-dataplane")]
    subprocess.run([ROOT / "script/bootstrap", "test"], check=True, stdout=sys.stderr)
    rows = []
    for count in options.routes:
        print(f"{count:,} routes", file=sys.stderr)
        rows.append(measure(programs, count))
    print(text(rows))
    if options.json:
        options.json.write_text(json.dumps({"commit": commit(), "rows": rows}, indent=2) + "\n", encoding="utf-8")
    return 0
