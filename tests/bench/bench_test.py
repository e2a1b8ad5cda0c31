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
from benchmark import budget, fib, ike, plot, report, scenario, zserv

ISSUE_KEYS = ["scenario", "direction", "suite", "size", "tunnels", "routes", "workers", "mpps", "gbps", "cycles_per_packet",
              "cycles_min", "cycles_max", "crypto_cycles", "io_cycles", "overhead_cycles"]
GOOD = {"title": "t", "direction": "out", "suites": ["aes128gcm16"], "sizes": [64], "key": "0" * 64,
        "ports": {"lan": {"device": "memory"}, "wan": {"device": "memory"}}}


def bench(*arguments, behaviour=""):
    command = [ROOT / "script/bench", "--no-huge", "--dataplane", HERE / "stand_in_dataplane.py", *arguments]
    return subprocess.run(command, timeout=60, capture_output=True, text=True, check=False,
                          env=os.environ | {"STAND_IN": behaviour})


def result(**fields):
    cell = scenario.Cell("s", "plain", 4, None, 64, 1, fields.get("routes", 1), 1, 1, "turn", "nothing")
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
        self.assertIn("0 of 6 budgets hold\n", run.stdout)

    def test_holds_no_budget_where_packets_are_lost(self):
        run = bench("budget-gcm", "rekey", behaviour="lossy")
        self.assertEqual(run.returncode, 1)
        self.assertIn("0 of 14 budgets hold\n", run.stdout)
        self.assertEqual(run.stdout.count("loss 9.0e-01"), 14)

    def test_does_not_judge_what_was_not_measured(self):
        for arguments, behaviour, said in (
                (["budget-cbc", "--size", "64"], "null", "not judged: it was not measured"),
                (["budget-plain-ipv4", "--routes", "1000000"], "", "not judged: routes 1 was not measured"),
                (["rekey"], "idle", "not judged: no rekey happened meanwhile; rekey: 0 times")):
            run = bench(*arguments, behaviour=behaviour)
            self.assertEqual(run.returncode, 2, run.stderr)
            self.assertIn(said, run.stdout)
            self.assertRegex(run.stdout, r"0 of (\d+) budgets hold, \1 not judged")
        self.assertEqual(bench("budget-gcm", behaviour="null").returncode, 0)

    def test_shows_how_often_something_changed(self):
        self.assertEqual(bench("rekey", "commit").stdout.count(" 1,234 times"), 12)

    def test_says_where_hugepages_were_missing(self):
        run = bench("budget-plain-*", behaviour="ordinary")
        self.assertIn(", hugepages and ordinary pages; DPDK", run.stdout)
        self.assertEqual(run.stdout.count("holds; ordinary pages"), 2)
        self.assertIn("budget-plain-ipv6: [warning] SKO-DPL-011", run.stderr)

    def test_keeps_what_was_measured_before_a_failure(self):
        with tempfile.TemporaryDirectory() as directory:
            file = pathlib.Path(directory, "figures.json")
            run = bench("--json", file, "budget-plain-*", behaviour="late")
            self.assertEqual(len(json.loads(file.read_text())), 2)
        self.assertEqual(run.returncode, 2)
        self.assertIn("plain, IPv4, 64 bytes", run.stdout)
        self.assertIn("budget-plain-ipv6: 0 of 2 cells, exit code 1\nSKO-BEN-007", run.stderr)

    def test_refuses_arguments_before_it_measures(self):
        for arguments, said in ((["--json", "/nodir/x"], "cannot be written"), (["--plot", "x.foo"], "neither .svg nor"),
                                (["--docs"], "the whole budget"), (["--docs", "--size", "64"], "the whole budget")):
            run = bench(*arguments)
            self.assertEqual((run.returncode, run.stdout), (2, ""))
            self.assertIn(said, run.stderr)

    def test_narrows(self):
        run = bench("esp-*", "--size", "64,imix", "--suite", "aes128-sha1", "--direction", "in", "--stages")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn("in, aes128-sha1, 64 bytes: ip-input 5, esp_seal 60", run.stdout)
        self.assertEqual(run.stdout.count("in, aes128-sha1"), 4)
        self.assertEqual(bench("esp-out", "--size", "65").returncode, 2)

    def test_says_what_was_not_measured(self):
        run = bench("budget-gcm", behaviour="note")
        self.assertEqual(run.stdout.count("  not measured: the port is gone"), 2)
        self.assertEqual(run.stdout.count("  holds; another shares the processor"), 2)
        self.assertIn("4 of 6 budgets hold, 2 not judged", run.stdout)
        self.assertEqual(run.returncode, 2)

    def test_fails_clearly(self):
        self.assertIn("no scenario is called 'esp'", bench("esp").stderr)
        run = bench("budget-gcm", behaviour="fail")
        self.assertEqual(run.returncode, 2)
        self.assertIn("budget-gcm: 1 of 6 cells, exit code 1\nSKO-BEN-007: a packet came out wrong", run.stderr)
        run = bench("budget-gcm", behaviour="garbage")
        self.assertEqual(run.returncode, 2)
        self.assertIn("budget-gcm: 0 of 6 cells, the data plane printed something else than JSON objects: 5", run.stderr)
        run = bench("budget-gcm", behaviour="stranger")
        self.assertEqual(run.returncode, 2)
        self.assertIn("belongs to no cell", run.stderr)


class Scenarios(unittest.TestCase):
    def test_refuses_what_it_does_not_know(self):
        scenario.check("good", GOOD)
        for change in ({"size": [64]}, {"direction": "up"}, {"suites": []}, {"suites": ["des"]}, {"sizes": ["mix"]},
                       {"sizes": [20]}, {"tunnels": [0]}, {"tunnels": 5}, {"key": "abc"}, {"direction": "plain"},
                       {"ports": {"lan": {"device": "memory"}}}, {"pass": [{"size": 64}]},
                       {"pass": [{"ratio": 2}]}, {"pass": [{"cycles": 2, "speed": 3}]}, {"title": 5}, {"ports": None},
                       {"ports": {"lan": "memory", "wan": "memory"}}, {"pass": 5}, {"pass": [5]},
                       {"pass": [{"cycles": "x"}]}, {"pass": [{"cycles": 2, "size": 65}]},
                       {"pass": [{"ratio": 2, "ratio_to": {"foo": 1}}]}, {"pass": [{"ratio": 2, "ratio_to": 1}]},
                       {"pass": [{"ratio": 2, "ratio_to": {"size": 65}}]}, {"sizes": [60]}, {"sizes": [1801]},
                       {"sizes": [True]}, {"sizes": 64}, {"sizes": [64, 64]}, {"tunnels": [16385]}, {"workers": [17]},
                       {"routes": [1000001]}, {"key": 5}, {"suites": [5]}, {"replay_window": 100}):
            with self.assertRaises(scenario.ScenarioError, msg=str(change)):
                scenario.check("bad", GOOD | change)

        with self.assertRaises(scenario.ScenarioError):
            scenario.check("bad", [])

    def test_knows_what_is_there(self):
        for name in scenario.names():
            scenario.load(name)
        # The data plane itself runs these.
        for file in HERE.glob("*.json"):
            scenario.check(file.name, json.loads(file.read_text()))

    def test_reads_no_file_with_a_field_twice(self):
        with tempfile.TemporaryDirectory() as directory, mock.patch.object(scenario, "FOLDER", pathlib.Path(directory)):
            file = pathlib.Path(directory, "s/scenario.json")
            file.parent.mkdir()
            file.write_text(json.dumps(GOOD))
            scenario.load("s")
            file.write_text(json.dumps(GOOD)[:-1] + ', "title": "u"}')
            with self.assertRaisesRegex(scenario.ScenarioError, "twice"):
                scenario.load("s")

    def test_tells_devices_from_memory(self):
        self.assertTrue(scenario.Scenario("s", GOOD).in_memory())
        devices = {"lan": {"device": "net_null0"}, "wan": {"device": "net_null1"}}
        self.assertFalse(scenario.Scenario("s", GOOD | {"ports": devices}).in_memory())

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
        for entry, reason, holds in (({"cycles": 30}, "30.0", True), ({"cycles": 29}, "30.0", False),
                                     ({"overhead_cycles": 29}, "30.0", False), ({"loss": 0}, "0.0e+00", True)):
            verdict = budget.judge(result(), entry, [])
            self.assertEqual((verdict.reason, verdict.holds), (reason, holds), entry)
        entry = {"ratio_to": {"routes": 1}, "ratio": 1.9}
        self.assertEqual(budget.judge(far, entry, [far, result()]).reason, "2.00 x")
        self.assertFalse(budget.judge(far, entry, [far, result()]).holds)
        self.assertFalse(budget.judge(far, entry | {"ratio": 2}, [far, result(loss=0.1)]).holds)
        self.assertIsNone(budget.judge(far, entry, [far]).holds)

    def test_judges_no_figure_that_is_null(self):
        entries = ({"cycles": 30}, {"overhead_cycles": 30}, {"loss": 0}, {"ratio": 2, "ratio_to": {"size": 64}})
        for field, holds in (("cycles_per_packet", [None, True, True, None]), ("io_cycles", [None, True, True, None]),
                             ("overhead_cycles", [True, None, True, True]), ("loss", [None] * 4)):
            one = result(**{field: None})
            self.assertEqual([budget.judge(one, entry, [one]).holds for entry in entries], holds, field)


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


class Handshakes(unittest.TestCase):
    SPEED = "+R5:1:256:0.99\n+F4:3:256:50000.0:20000.0\n+F5:3:256:25000.0:0.00004\n+F5:22:253:40000.0:0.000025\n"

    def test_reads_openssl_speed(self):
        self.assertEqual(ike.from_speed(self.SPEED), {"x25519": 25.0, "ecp256": 40.0, "ECDSA signature": 20.0,
                                                      "ECDSA verification": 50.0})

    def test_sums_up_by_medians_of_rounds(self):
        rounds = [{"handshake_us": us, "primitives_us": 50.0, "percent": 5000 / us, "x25519 key pair": 25.0,
                   "x25519": 25.0} for us in (80.0, 1000.0, 100.0)]
        row = ike.summary("x25519, PSK", rounds)
        self.assertEqual((row["handshakes_per_second"], row["possible_per_second"], row["percent_of_possible"]),
                         (10000.0, 20000.0, 50.0))

    def test_judges_rate_and_memory(self):
        figures = {"rates": [{"percent_of_possible": 60}], "memory": [{"established_bytes": 16384}]}
        self.assertTrue(ike.holds(figures))
        self.assertFalse(ike.holds(figures | {"rates": [{"percent_of_possible": 59.9}]}))
        self.assertFalse(ike.holds(figures | {"memory": [{"established_bytes": 16385}]}))


class Fib(unittest.TestCase):
    def test_speaks_as_a_daemon_of_frr_does(self):
        sent = zserv.route(0x0A4D0100, 24, "10.0.12.2")
        self.assertEqual(sent.hex(), "0030fe06000000000008" "0900000000000000000007" "0102180a4d01"
                         "0001" "000000000200" "0a000c0200000000" "1400000000")

    def test_says_routes_as_zebra_does(self):
        said = zserv.redistributed(0xC0000200, 24, "10.0.12.2", 10)
        self.assertEqual(said.hex(), "0038fe0600000000001e" "0900000000000800000017" "010218c00002"
                         "0001" "000000000204" "0a000c020000000a00000001" "140000000000000000")

    def test_draws_the_same_routes_each_time(self):
        self.assertEqual(zserv.prefixes(1000), zserv.prefixes(1000))
        self.assertEqual(len(set(zserv.prefixes(1000))), 1000)

    def test_no_other_route_leads_to_the_address_of_the_last_in_every_order(self):
        table = fib.Table(2000)
        self.assertEqual(len(set(table.routes)), 2000)
        last = table.routes[-1]
        self.assertEqual(last, max(table.routes))
        self.assertEqual(last[1], min(length for _, length in table.routes))
        self.assertFalse(any(last[0] >> (32 - length) == address >> (32 - length) for address, length in table.routes[:-1]))

    def test_prints_rates_and_bytes_by_route(self):
        row = {"routes": 1000, "change_seconds": 0.25} | {key: 2.0 for _, key in fib.COLUMNS} | {key: 64000 for _, key in fib.MEMORY}
        shown = fib.text([row])
        self.assertEqual(shown.count("2.00 s 500/s"), 4)
        self.assertEqual(shown.count("64 B"), 5)
        self.assertIn("0.25 s", shown)


unittest.main()
