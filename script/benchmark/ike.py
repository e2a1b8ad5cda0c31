"""script/bench ike: what handshakes cost a responder, and what an IKE SA weighs; docs/performance.md says how."""
import argparse
import collections
import json
import re
import statistics
import subprocess

from benchmark.options import built, commit, output_file

TARGET_PERCENT = 60
TARGET_BYTES = 16384

# The public-key work of a responder: how often it does each of these. Of two signatures to verify one is the peer's,
# the other the authority's in its certificate.
PRIMITIVES = {
    "x25519, PSK": {"x25519 key pair": 1, "x25519": 1},
    "ecp256, ECDSA P-256": {"ecp256 key pair": 1, "ecp256": 1, "ECDSA signature": 1, "ECDSA verification": 2},
}


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def from_speed(text):
    """Microseconds by primitive, from what `openssl speed -mr` prints: +F4 is ECDSA, +F5 a key exchange."""
    ecdsa = re.search(r"^\+F4:\d+:256:([0-9.]+):([0-9.]+)", text, re.MULTILINE)
    exchange = {int(bits): float(rate) for bits, rate in re.findall(r"^\+F5:\d+:(\d+):([0-9.]+)", text, re.MULTILINE)}
    rates = {"x25519": exchange[253], "ecp256": exchange[256],
             "ECDSA signature": float(ecdsa[1]), "ECDSA verification": float(ecdsa[2])}
    return {name: 1e6 / rate for name, rate in rates.items()}


def primitives(key_generation):
    costs = from_speed(run("openssl", "speed", "-seconds", "1", "-mr", "ecdhx25519", "ecdhp256", "ecdsap256"))
    for exchange, cost in json.loads(run(key_generation)).items():
        costs[f"{exchange} key pair"] = cost
    return costs


def measure_rates(rounds, handshakes):
    """By suite what each round found: both sides of a ratio come from the same few seconds of a machine."""
    bench, key_generation = built("tests/bench/ike_bench"), built("tests/bench/key_generation")
    found = collections.defaultdict(list)
    for _ in range(rounds):
        costs = primitives(key_generation)
        for row in json.loads(run(bench, "rate", str(handshakes))):
            counts = PRIMITIVES[row["suite"]]
            limit = sum(count * costs[name] for name, count in counts.items())
            found[row["suite"]].append({"handshake_us": row["handshake_us"], "primitives_us": limit,
                                        "percent": 100 * limit / row["handshake_us"],
                                        **{name: costs[name] for name in counts}})
    return found


def summary(suite, rounds):
    medians = {name: statistics.median(each[name] for each in rounds) for name in rounds[0]}
    return {"suite": suite,
            "handshakes_per_second": 1e6 / medians["handshake_us"],
            "possible_per_second": 1e6 / medians["primitives_us"],
            "percent_of_possible": medians["percent"],
            "handshake_us": medians["handshake_us"],
            "primitives_us": {name: medians[name] for name in PRIMITIVES[suite]},
            "rounds": rounds}


def table(figures):
    lines = ["as responder, one core      handshakes/s  us each  primitives allow  of that"]
    for row in figures["rates"]:
        lines.append(f"{row['suite']:27} {row['handshakes_per_second']:12,.0f}  {row['handshake_us']:7.1f}"
                     f"  {row['possible_per_second']:14,.0f}/s  {row['percent_of_possible']:5.0f} %")
    lines.append("")
    for row in figures["rates"]:
        parts = (f"{PRIMITIVES[row['suite']][name]} x {name} {cost:.1f} us" for name, cost in row["primitives_us"].items())
        lines.append(f"{row['suite']}: {', '.join(parts)}")
    lines += ["", "memory of an IKE SA         half open     with one child"]
    for row in figures["memory"]:
        lines.append(f"{row['suite']:27} {row['half_open_bytes']:8,} B  {row['established_bytes']:15,} B")
    return "\n".join(lines)


def holds(figures):
    return (all(row["percent_of_possible"] >= TARGET_PERCENT for row in figures["rates"])
            and all(row["established_bytes"] <= TARGET_BYTES for row in figures["memory"]))


def main(arguments):
    parser = argparse.ArgumentParser(prog="script/bench ike", description=__doc__)
    parser.add_argument("--json", type=output_file, metavar="FILE", help="write the figures for a program to read")
    parser.add_argument("--quick", action="store_true", help="one round of few handshakes, and few SAs")
    options = parser.parse_args(arguments)
    rounds, handshakes, sas = (1, 200, 500) if options.quick else (7, 1000, 5000)
    rates = [summary(suite, found) for suite, found in measure_rates(rounds, handshakes).items()]
    memory = json.loads(run(built("tests/bench/ike_bench"), "memory", str(sas)))
    figures = {"commit": commit(), "openssl": run("openssl", "version").strip(), "rates": rates, "memory": memory}
    print(table(figures))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")
    return 0 if holds(figures) else 1
