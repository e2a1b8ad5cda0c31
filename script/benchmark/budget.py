"""Whether what was measured holds what a scenario's `pass` demands."""
import dataclasses

from benchmark.scenario import CELL_FIELDS


@dataclasses.dataclass(frozen=True)
class Verdict:
    limit: str  # the budget as a table shows it
    value: float  # what was measured, in the budget's unit
    measured: str  # the same as a table shows it
    holds: bool


def measured(result):
    """Whether there are figures; if not, there is a `note` that says why."""
    return "cycles_per_packet" in result


def net_cycles(result):
    """Cycles less the port devices' own: what a budget in cycles is about."""
    return result["cycles_per_packet"] - result["io_cycles"]


def reference(result, entry, results):
    """The result that `ratio_to` means: the one that differs from `result` in nothing but the fields it names."""
    wanted = {field: result[field] for field in CELL_FIELDS} | entry["ratio_to"]
    for other in results:
        if measured(other) and all(other[field] == value for field, value in wanted.items()):
            return other
    return None


def judge(result, entry, results):
    """The verdict on one entry of `pass`, or None where a figure for it was not measured."""
    if not measured(result):
        return None
    if "cycles" in entry:
        value, limit = net_cycles(result), entry["cycles"]
        return Verdict(f"{limit:g}", value, f"{value:.1f}", value <= limit)
    if "overhead_cycles" in entry:
        value, limit = result["overhead_cycles"], entry["overhead_cycles"]
        return Verdict(f"overhead {limit:g}", value, f"{value:.1f}", value <= limit)
    if "loss" in entry:
        value, limit = result["loss"], entry["loss"]
        return Verdict(f"loss {limit:g}", value, f"{value:.1e}", value <= limit)
    base = reference(result, entry, results)
    if base is None:
        return None
    value, limit = net_cycles(result) / net_cycles(base), entry["ratio"]
    named = ", ".join(f"{axis} {at}" for axis, at in entry["ratio_to"].items())
    return Verdict(f"{limit:g} x that of {named}", value, f"{value:.2f} x", value <= limit)


def verdicts(scenario, results):
    """For each result of the scenario, in order, the verdicts on it."""
    judged = []
    for result in results:
        entries = (entry for entry in scenario["pass"] if result["cell"].fits(entry))
        found = (judge(result, entry, results) for entry in entries)
        judged.append([verdict for verdict in found if verdict is not None])
    return judged
