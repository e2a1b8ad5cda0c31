#!/usr/bin/env python3
"""script/pktgen with stand-ins of Pktgen and of the data plane: what it starts, what it makes of the report, how it ends."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT / "script"))
from benchmark import pktgen, scenario

DATAPLANE = HERE.parent / "bench/stand_in_dataplane.py"


def command(*arguments, program=HERE / "stand_in_pktgen", behaviour=""):
    return subprocess.run([ROOT / "script/pktgen", "--no-huge", "--dataplane", DATAPLANE, *arguments], timeout=60,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                          env=os.environ | {"PKTGEN": str(program), "STAND_IN": behaviour})


def works(name, **narrowed):
    return list(pktgen.work_of(scenario.load(name).narrowed(**narrowed)))


class Command(unittest.TestCase):
    def test_says_that_pktgen_is_missing(self):
        run = command("esp-out", program="no-such-pktgen")
        self.assertEqual(run.returncode, 3)
        self.assertIn("Pktgen-DPDK is not here", run.stderr)

    def test_finds_throughput_and_latency(self):
        with tempfile.TemporaryDirectory() as directory:
            file = pathlib.Path(directory, "figures.json")
            run = command("plain-ipv4", "--size", "64,imix", "--routes", "1,10000", "--json", file)
            self.assertEqual(run.returncode, 0, run.stderr)
            figures = json.loads(file.read_text())
        self.assertEqual(len(figures), 4)
        for each in figures:
            rates = [line["rate"] for line in each["results"] if line["kind"] == "throughput"]
            self.assertEqual(len(rates), 2)
            for rate in rates:
                self.assertTrue(4.95e6 <= rate <= 5e6, rate)
            latencies = [line for line in each["results"] if line["kind"] == "latency"]
            self.assertEqual([line["median_ns"] for line in latencies], [12000, 12000])
        self.assertIn("Gbit/s of inner packets", run.stdout)

    def test_measures_sealed_packets_and_both_ways(self):
        run = command("esp-both-ways", "esp-in", "--size", "1420", "--suite", "aes128gcm16")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn("[1/2] esp-both-ways: both ways, aes128gcm16, 1420 bytes", run.stdout)
        # Twice as much, for both directions have the device's whole rate here.
        self.assertRegex(run.stdout, r"loss <= 0: (9\.9|10)")
        self.assertNotIn("latency", run.stdout)

    def test_fails_clearly(self):
        run = command("esp-out", "--size", "64", behaviour="fail")
        self.assertEqual(run.returncode, 2)
        self.assertIn("the device under test does not start:\nSKO-BEN-007", run.stderr)
        run = command("esp-out", "--size", "64", program="/bin/true")
        self.assertEqual(run.returncode, 2)
        self.assertIn("Pktgen ended before its script did (exit code 0)", run.stderr)
        self.assertEqual(command("esp-out", "--dut", "lan=net_memif0").returncode, 2)
        run = command("esp-out", "--size", "64", "--no-dut", "--generator", "lan=net_memif0", "--generator", "wan=net_memif1")
        self.assertEqual(run.returncode, 2)
        self.assertIn("there is nothing to read it from", run.stderr)
        self.assertIn("invalid fractions value: 'abc'", command("esp-out", "--loss", "abc").stderr)


class Plan(unittest.TestCase):
    def test_chooses_the_profile(self):
        def profiles(name, **narrowed):
            return [[stream["profile"] for stream in map(pktgen.stream_of, work.cells)]
                    for work in works(name, **narrowed)]

        self.assertEqual(profiles("esp-out", sizes=[64, "imix"], suites=["aes128gcm16"]), [["single"], ["pcap"]])
        self.assertEqual(profiles("esp-in", sizes=[64, "imix"], suites=["aes128gcm16"]), [["pcap"], ["pcap"]])
        self.assertEqual(profiles("esp-both-ways", sizes=[128]), [["single", "pcap"]])
        self.assertEqual(profiles("plain-ipv6", sizes=[64, 128], routes=[1]), [["pcap"], ["single"]])
        self.assertEqual(profiles("budget-gcm-tunnels", direction=["out"], tunnels=[1000]), [["pcap"]])

    def test_turns_anti_replay_off(self):
        for work in works("esp-in", sizes=[64]):
            self.assertEqual(work.scenario["replay_window"], 0)
            self.assertEqual(len(work.scenario.cells()), 1)

    def test_names_the_devices(self):
        (work,) = works("esp-out", sizes=[1518], suites=["aes128gcm16"])
        line = pktgen.command("pktgen", work, {"lan": "0000:01:00.0", "wan": "0000:01:00.1"}, [1, 2, 3], {"1": "f"}, True)
        text = " ".join(map(str, line))
        self.assertIn("--lcores 0@1,1@2,2@3 ", text)
        self.assertIn("-a 0000:01:00.0 -a 0000:01:00.1 -- -m 1.0 -m 2.1 -P -j -s 1:f -f ", text)
        with self.assertRaises(pktgen.PktgenError):
            pktgen.command("pktgen", work, {"lan": "0000:01:00.1", "wan": "0000:01:00.0"}, [1, 2, 3], {}, True)
        self.assertEqual(pktgen.device_arguments({"lan": "0000:01:00.0", "wan": "net_null0"}),
                         ["--port", "lan=0000:01:00.0", "--port", "wan=net_null0", "--", "-a", "0000:01:00.0"])
        with self.assertRaises(pktgen.PktgenError):
            pktgen.eal_devices({"lan": "0000:01:00.1", "wan": "net_memif0"})


unittest.main()
