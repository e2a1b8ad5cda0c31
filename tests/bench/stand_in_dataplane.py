#!/usr/bin/env python3
"""Answers `--bench FILE` as sekisho-dataplane does: with figures made up from the cell, in an order of its own; with a file
of packets; or, given devices, by waiting until it is ended.

STAND_IN says what else happens: `fail` (halfway), `note` (instead of the figures of IMIX, and beside those of 64 bytes),
`stranger` (a cell that was not asked for), `slow` (each packet takes 1,000 cycles more), `lossy` (nine of ten packets are
lost), `idle` (nothing changes meanwhile), `null` (the cryptography was not measured), `garbage` (no JSON), `ordinary` (no
hugepages for IPv6), `late` (IPv6 fails, the others do not).
"""
import itertools
import json
import os
import pathlib
import signal
import sys

MACHINE = {"cpu": "Stand-In 9000", "processors": 2, "tsc_mhz": 2600, "memory": "hugepages", "dpdk": "DPDK 22.11.11",
           "ipsec_mb": "1.3.0", "backend": "ipsec-mb", "sekisho": "0.1.0", "runs": 9, "passes": 40, "packets": 256}


def answer(line):
    print(json.dumps(line), flush=True)


def forward(behaviour):
    if behaviour == "fail":
        sys.exit("SKO-BEN-007: a packet came out wrong")
    answer({"machine": MACHINE})
    signal.sigwait({signal.SIGTERM})


def main():
    behaviour = os.environ.get("STAND_IN", "")
    path = pathlib.Path(sys.argv[sys.argv.index("--bench") + 1])
    if "--write-pcap" in sys.argv:
        pathlib.Path(sys.argv[sys.argv.index("--write-pcap") + 1]).write_text("packets")
        return
    assert "--json-lines" in sys.argv
    if "--port" in sys.argv:
        forward(behaviour)
        return
    fields = json.loads(path.read_text())
    ipv6 = fields.get("family") == 6
    if behaviour == "garbage":
        print("5\nnonsense", flush=True)
    if behaviour == "late" and ipv6:
        sys.exit("SKO-BEN-007: a packet came out wrong")
    machine = MACHINE
    if behaviour == "ordinary" and ipv6:
        print("[warning] SKO-DPL-011: running without hugepages", file=sys.stderr)
        machine = MACHINE | {"memory": "ordinary pages"}
    directions = ["in", "out"] if fields["direction"] == "both" else [fields["direction"]]
    axes = [fields["sizes"], directions, fields.get("suites", [None]), fields.get("tunnels", [1]),
            fields.get("routes", [1]), fields.get("workers", [1])]
    answer({"machine": machine})
    for index, (size, direction, suite, tunnels, routes, workers) in enumerate(itertools.product(*axes)):
        answer({"progress": f"cell {index}"})
        if behaviour == "fail" and index == 1:
            sys.exit("SKO-BEN-007: a packet came out wrong")
        line = {"scenario": "scenario", "direction": direction, "suite": suite, "size": size, "tunnels": tunnels,
                "routes": routes, "workers": workers, "order": fields.get("order", "turn"),
                "family": fields.get("family", 4), "during": fields.get("during", "nothing")}
        if behaviour == "stranger":
            line["size"] = 65
        if behaviour == "note" and size == "imix":
            answer(line | {"note": "not measured: the port is gone"})
            continue
        if behaviour == "note" and size == 64:
            line["note"] = "another shares the processor"
        crypto = 50 if suite else 0
        net = crypto + 25 + (1000 if behaviour == "slow" else 0)
        if line["during"] != "nothing":
            line["changes"] = 0 if behaviour == "idle" else 1234
        answer(line | {"mpps": 21.5, "gbps": 8.6, "cycles_per_packet": net + 10, "cycles_min": net + 9,
                       "cycles_max": net + 12, "crypto_cycles": None if behaviour == "null" else crypto,
                       "io_cycles": 10, "overhead_cycles": None if behaviour == "null" else net - crypto,
                       "loss": 0.9 if behaviour == "lossy" else 0, "stages": {"ip-input": 5, "esp_seal": 60}})


main()
