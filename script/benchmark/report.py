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
    return budget.net_cycles(result) / result["crypto_cycles"] if result["crypto_cycles"] else None


def row(result, verdicts):
    if not budget.measured(result):
        return (str(result["cell"]), *[""] * (len(HEADINGS) - 2), result["note"])
    remarks = [f"MISSED: {verdict.measured}" for verdict in verdicts if not verdict.holds]
    remarks = remarks or (["holds"] if verdicts else [])
    if "note" in result:
        remarks.append(result["note"])
    encrypted = bool(result["crypto_cycles"])
    return (str(result["cell"]), f"{result['mpps']:.2f}", f"{result['gbps']:.1f}",
            f"{result['cycles_per_packet']:.0f} ({result['cycles_min']:.0f}-{result['cycles_max']:.0f})",
            f"{result['io_cycles']:.0f}", f"{budget.net_cycles(result):.0f}",
            f"{result['crypto_cycles']:.0f}" if encrypted else "",
            f"{result['overhead_cycles']:.0f}" if encrypted else "",
            f"{ratio(result):.2f}" if encrypted else "",
            ", ".join(verdict.limit for verdict in verdicts), "; ".join(remarks))


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
            f"Sekisho {machine['sekisho']} ({machine['backend']})")


def write_json(path, results):
    """A list of objects with exactly the keys that docs/performance.md names, one for each cell that was measured."""
    figures = [{key: result[key] for key in JSON_KEYS} for result in results if budget.measured(result)]
    pathlib.Path(path).write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def write_document(machine, judged):
    """Replaces the table between the markers in docs/performance.md."""
    text = DOCUMENT.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{DOCUMENT}: the markers '{BEGIN}' and '{END}' are not there")
    DOCUMENT.write_text(f"{before}{BEGIN}\nMachine: {machine_text(machine)}.\n\n{markdown_table(judged)}\n{END}{after}",
                        encoding="utf-8")
