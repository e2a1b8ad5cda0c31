#!/usr/bin/env python3
"""script/bench against a stand-in of the data plane: what it makes of the figures, and what it does when there are none."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT / "script"))
from benchmark import budget, plot, report, scenario

ISSUE_KEYS = ["scenario", "direction", "suite", "size", "tunnels", "routes", "workers", "mpps", "gbps", "cycles_per_packet",
              "cycles_min", "cycles_max", "crypto_cycles", "io_cycles", "overhead_cycles"]
GOOD = {"title": "t", "direction": "out", "suites": ["aes128gcm16"], "sizes": [64], "key": "0" * 64,
        "ports": {"lan": {"device": "memory"}, "wan": {"device": "memory"}}}


def bench(*arguments, behaviour=""):
    command = [ROOT / "script/bench", "--no-huge", "--dataplane", HERE / "stand_in_dataplane.py", *arguments]
    return subprocess.run(command, timeout=60, capture_output=True, text=True, check=False,
                          env=os.environ | {"STAND_IN": behaviour})


def result(**fields):
    cell = scenario.Cell("s", "plain", 4, None, 64, 1, fields.get("routes", 1), 1, "turn", "nothing")
    values = {field: getattr(cell, field) for field in scenario.CELL_FIELDS}
    return values | {"cell": cell, "cycles_per_packet": 40.0, "io_cycles": 10.0, "crypto_cycles": 0.0,
                     "overhead_cycles": 30.0, "loss": 0.0} | fields


class Command(unittest.TestCase):
    def test_measures_the_budget_by_default(self):
        run = bench()
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn("budgets hold", run.stdout)
        self.assertEqual(run.stdout.count("  holds"), 30)
        self.assertIn("Stand-In 9000, 2 processors, TSC 2600 MHz, hugepages; DPDK 22.11.11", run.stdout)

    def test_writes_exactly_the_keys(self):
        with tempfile.TemporaryDirectory() as directory:
            file = pathlib.Path(directory, "figures.json")
            run = bench("--json", file, "budget-gcm", "budget-plain-ipv6")
            self.assertEqual(run.returncode, 0, run.stderr)
            figures = json.loads(file.read_text())
        self.assertEqual(len(figures), 8)
        for each in figures:
            self.assertEqual(list(each), ISSUE_KEYS)
        self.assertEqual([each["direction"] for each in figures], ["out"] * 3 + ["in"] * 3 + ["plain"] * 2)
        self.assertEqual({each["scenario"] for each in figures}, {"budget-gcm", "budget-plain-ipv6"})

    def test_names_a_budget_that_is_missed(self):
        run = bench("budget-gcm", behaviour="slow")
        self.assertEqual(run.returncode, 1)
        self.assertEqual(run.stdout.count("MISSED: 1075.0"), 6)
        self.assertIn("0 of 6 budgets hold", run.stdout)

    def test_narrows(self):
        run = bench("esp-*", "--size", "64,imix", "--suite", "aes128-sha1", "--direction", "in", "--stages")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn("in, aes128-sha1, 64 bytes: eth_input 5, esp_seal 60", run.stdout)
        self.assertEqual(run.stdout.count("in, aes128-sha1"), 4)
        self.assertEqual(bench("esp-out", "--size", "65").returncode, 2)

    def test_says_what_was_not_measured(self):
        run = bench("budget-gcm", behaviour="note")
        self.assertEqual(run.stdout.count("  not measured: the port is gone"), 2)
        self.assertEqual(run.stdout.count("  holds; another shares the processor"), 2)
        self.assertIn("4 of 4 budgets hold", run.stdout)
        self.assertEqual(run.returncode, 2)

    def test_fails_clearly(self):
        self.assertIn("no scenario is called 'esp'", bench("esp").stderr)
        run = bench("budget-gcm", behaviour="fail")
        self.assertEqual(run.returncode, 2)
        self.assertIn("budget-gcm: 1 of 6 cells, exit code 1\nSKO-BEN-007: a packet came out wrong", run.stderr)
        run = bench("budget-gcm", behaviour="stranger")
        self.assertEqual(run.returncode, 2)
        self.assertIn("belongs to no cell", run.stderr)


class Scenarios(unittest.TestCase):
    def test_refuses_what_it_does_not_know(self):
        scenario.check("good", GOOD)
        for change in ({"size": [64]}, {"direction": "up"}, {"suites": []}, {"suites": ["des"]}, {"sizes": ["mix"]},
                       {"sizes": [20]}, {"tunnels": [0]}, {"tunnels": 5}, {"key": "abc"}, {"direction": "plain"},
                       {"ports": {"lan": {"device": "memory"}}}, {"pass": [{"size": 64}]},
                       {"pass": [{"ratio": 2}]}, {"pass": [{"cycles": 2, "speed": 3}]}):
            with self.assertRaises(scenario.ScenarioError, msg=str(change)):
                scenario.check("bad", GOOD | change)

    def test_spans_the_product(self):
        cells = scenario.Scenario("s", GOOD | {"direction": "both", "sizes": [64, "imix"], "tunnels": [1, 10]}).cells()
        self.assertEqual(len(set(cells)), 8)

    def test_narrows(self):
        both = scenario.Scenario("s", GOOD | {"direction": "both", "sizes": [64, "imix"]})
        self.assertEqual(len(both.narrowed(direction=["in"], sizes=["imix"], tunnels=None).cells()), 1)
        self.assertIsNone(both.narrowed(sizes=[128]))
        self.assertIsNone(both.narrowed(direction=["plain"]))


class Budgets(unittest.TestCase):
    def test_judges_each_criterion(self):
        far = result(routes=100, cycles_per_packet=70.0)
        for entry, value, holds in (({"cycles": 30}, 30, True), ({"cycles": 29}, 30, False),
                                    ({"overhead_cycles": 29}, 30, False), ({"loss": 0}, 0, True)):
            verdict = budget.judge(result(), entry, [])
            self.assertEqual((verdict.value, verdict.holds), (value, holds), entry)
        entry = {"ratio_to": {"routes": 1}, "ratio": 1.9}
        self.assertEqual(budget.judge(far, entry, [far, result()]).value, 2)
        self.assertFalse(budget.judge(far, entry, [far, result()]).holds)
        self.assertIsNone(budget.judge(far, entry, [far]))


class Output(unittest.TestCase):
    def test_replaces_the_table_in_the_document(self):
        machine = {"cpu": "c", "processors": 1, "tsc_mhz": 1, "memory": "m", "dpdk": "d", "ipsec_mb": "i",
                   "sekisho": "s", "backend": "b"}
        one = result(mpps=1.0, gbps=1.0, cycles_min=1.0, cycles_max=2.0)
        with tempfile.TemporaryDirectory() as directory:
            document = pathlib.Path(directory, "document.md")
            with mock.patch.object(report, "DOCUMENT", document):
                document.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
                report.write_document(machine, [(one, [])])
                first = document.read_text()
                report.write_document(machine, [(one, [])])
                self.assertEqual(document.read_text(), first)
                document.write_text("no markers")
                with self.assertRaises(ValueError):
                    report.write_document(machine, [(one, [])])
        self.assertTrue(first.startswith("before\n") and first.endswith(f"{report.END}\nafter\n"))
        self.assertNotIn("old", first)
        self.assertIn("| plain, IPv4, 64 bytes | 1.00 | 1.0 | 40 (1-2) | 10 | 30 |", first)

    def test_chooses_what_a_plot_shows(self):
        results = [result(routes=count, cycles_per_packet=10.0 + count) for count in (1, 2, 3)]
        lines = plot.lines_over(results, "routes", {"size": 64})
        self.assertEqual(lines, {"IPv4 plain, 64 bytes": [(1, 1.0, 0.0), (2, 2.0, 0.0), (3, 3.0, 0.0)]})


unittest.main()
