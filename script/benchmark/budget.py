"""Whether what was measured holds what a scenario's `pass` demands."""
import dataclasses

from benchmark.scenario import CELL_FIELDS


@dataclasses.dataclass(frozen=True)
class Verdict:
    limit: str  # the budget as a table shows it
    holds: bool | None  # None: it could not be judged
    reason: str  # what was measured, in the budget's unit; or why it could not be judged


def measured(result):
    """Whether there are figures; if not, there is a `note` that says why."""
    return result.get("cycles_per_packet") is not None


def net_cycles(result):
    """Cycles less the port devices' own: what a budget in cycles is about. None where one of them was not measured."""
    if not measured(result) or result.get("io_cycles") is None:
        return None
    return result["cycles_per_packet"] - result["io_cycles"]


def lossless(result):
    """Cycles of packets that were dropped are not what a packet costs. None where the loss was not measured."""
    return None if result.get("loss") is None else result["loss"] == 0


def reference(result, entry, results):
    """The result that `ratio_to` means: the one that differs from `result` in nothing but the fields it names."""
    wanted = {field: result[field] for field in CELL_FIELDS} | entry["ratio_to"]
    for other in results:
        if all(other[field] == value for field, value in wanted.items()):
            return other
    return None


def judge_figure(limit, value, most, shown, counts=True):
    """shown: how, as a format. counts: whether the value can hold the budget at all, None if that is unknown."""
    if value is None or counts is None:
        return Verdict(limit, None, "it was not measured")
    return Verdict(limit, value <= most and counts, shown.format(value))


def judge(result, entry, results):
    """The verdict on one entry of `pass`."""
    if "cycles" in entry:
        return judge_figure(f"{entry['cycles']:g}", net_cycles(result), entry["cycles"], "{:.1f}", lossless(result))
    if "overhead_cycles" in entry:
        most = entry["overhead_cycles"]
        return judge_figure(f"overhead {most:g}", result.get("overhead_cycles"), most, "{:.1f}", lossless(result))
    if "loss" in entry:
        limit = f"loss {entry['loss']:g}"
        if measured(result) and result["during"] != "nothing" and not result.get("changes"):
            return Verdict(limit, None, f"no {result['during']} happened meanwhile")
        return judge_figure(limit, result.get("loss"), entry["loss"], "{:.1e}")
    named = ", ".join(f"{axis} {at}" for axis, at in entry["ratio_to"].items())
    limit = f"{entry['ratio']:g} x that of {named}"
    base = reference(result, entry, results)
    if base is None or not net_cycles(base):
        return Verdict(limit, None, f"{named} was not measured")
    net = net_cycles(result)
    return judge_figure(limit, None if net is None else net / net_cycles(base), entry["ratio"], "{:.2f} x",
                        lossless(result) and lossless(base))


def verdicts(scenario, results):
    """For each result of the scenario, in order, the verdicts on it."""
    return [[judge(result, entry, results) for entry in scenario["pass"] if result["cell"].fits(entry)]
            for result in results]
