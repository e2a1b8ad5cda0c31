"""Results as a table, as JSON, and as the table in docs/performance.md."""
import json
import pathlib

from benchmark import budget

DOCUMENT = pathlib.Path(__file__).resolve().parents[2] / "docs/performance.md"
BEGIN, END = "<!-- script/bench --docs: from here -->", "<!-- script/bench --docs: to here -->"

JSON_KEYS = ("scenario", "direction", "suite", "size", "tunnels", "routes", "workers", "mpps", "gbps", "cycles_per_packet",
             "cycles_min", "cycles_max", "crypto_cycles", "io_cycles", "overhead_cycles")
HEADINGS = ("case", "Mpps", "Gbit/s", "cycles (least-most)", "io", "net", "crypto", "overhead", "ratio", "budget", "")


def ratio(result):
    """Of a packet's cycles, less the port device's, to those of the cryptography alone; None where there is none."""
    if result.get("overhead_cycles") is None:  # part of the cryptography was done elsewhere, or nothing is known of it
        return None
    net, crypto = budget.net_cycles(result), result.get("crypto_cycles")
    return net / crypto if net is not None and crypto else None


def figure(value, places=0):
    return "" if value is None else f"{value:.{places}f}"


def remarks(result, verdicts):
    """What there is to say about a row besides its figures."""
    said = [f"{'not judged' if verdict.holds is None else 'MISSED'}: {verdict.reason}"
            for verdict in verdicts if not verdict.holds]
    said = said or (["holds"] if verdicts else [])
    if result.get("loss"):
        said.append(f"loss {result['loss']:.1e}")
    if result["during"] != "nothing":
        said.append(f"{result['during']}: {result.get('changes') or 0:,} times")
    if result.get("memory") == "ordinary pages":
        said.append("ordinary pages")
    if "note" in result:
        said.append(result["note"])
    return "; ".join(said)


def row(result, verdicts):
    if not budget.measured(result):
        return (str(result["cell"]), *[""] * (len(HEADINGS) - 2), result.get("note", "not measured"))
    encrypted = result["suite"] is not None
    return (str(result["cell"]), figure(result.get("mpps"), 2), figure(result.get("gbps"), 1),
            f"{figure(result['cycles_per_packet'])} ({figure(result.get('cycles_min'))}-{figure(result.get('cycles_max'))})",
            figure(result.get("io_cycles")), figure(budget.net_cycles(result)),
            figure(result.get("crypto_cycles")) if encrypted else "",
            figure(result.get("overhead_cycles")) if encrypted else "", figure(ratio(result), 2),
            ", ".join(verdict.limit for verdict in verdicts), remarks(result, verdicts))


def text_table(judged):
    """judged: a list of (result, verdicts)."""
    rows = [HEADINGS] + [row(*pair) for pair in judged]
    widths = [max(len(line[column]) for line in rows) for column in range(len(HEADINGS))]
    lines = []
    for line in rows:
        cells = [line[0].ljust(widths[0])] + [text.rjust(width) for text, width in zip(line[1:-1], widths[1:-1])]
        lines.append("  ".join(cells + [line[-1]]).rstrip())
    return "\n".join(lines)


def markdown_table(judged):
    lines = ["| " + " | ".join(HEADINGS) + " |", "|---" + "|--:" * (len(HEADINGS) - 2) + "|---|"]
    lines += ["| " + " | ".join(row(*pair)) + " |" for pair in judged]
    return "\n".join(lines)


def machine_text(machine):
    return (f"{machine['cpu']}, {machine['processors']} processors, TSC {machine['tsc_mhz']} MHz, {machine['memory']}; "
            f"DPDK {machine['dpdk'].removeprefix('DPDK ')}, ipsec-mb {machine['ipsec_mb']}, "
            f"Sekisho {' '.join(filter(None, (machine['sekisho'], machine.get('commit'))))} ({machine['backend']})")


def write_json(path, results):
    """A list of objects with exactly the keys that docs/performance.md names, one for each cell that was measured."""
    figures = [{key: result.get(key) for key in JSON_KEYS} for result in results if budget.measured(result)]
    path.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def write_document(machine, judged):
    """Replaces the table between the markers in docs/performance.md."""
    text = DOCUMENT.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{DOCUMENT}: the markers '{BEGIN}' and '{END}' are not there")
    DOCUMENT.write_text(f"{before}{BEGIN}\nMachine: {machine_text(machine)}.\n\n{markdown_table(judged)}\n{END}{after}",
                        encoding="utf-8")
