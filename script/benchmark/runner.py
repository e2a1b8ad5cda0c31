"""Runs `sekisho-dataplane --bench` for scenarios and collects what it measures."""
import dataclasses
import json
import pathlib
import subprocess
import tempfile

from benchmark.scenario import CELL_FIELDS


class RunError(Exception):
    """The data plane could not measure; the text says which scenario, and what the data plane said."""


@dataclasses.dataclass
class Run:
    """What came of a scenario, in the order of its cells. A result that could not be measured has a `note` in place of
    figures; others may have one besides."""
    machine: dict = dataclasses.field(default_factory=dict)
    results: list = dataclasses.field(default_factory=list)
    log: str = ""  # what the data plane said on stderr
    failure: str = ""  # why results are missing, if they are


def parsed(line):
    """A line of the data plane's as an object."""
    try:
        read = json.loads(line)
    except ValueError:
        read = None
    if not isinstance(read, dict):
        raise RunError(f"the data plane printed something else than JSON objects: {line.strip()[:200]}")
    return read


def result_of(line, cells):
    """The figures of a finished cell, with its fields as the scenario has them, and the cell itself as `cell`."""
    for cell in cells:
        if all(getattr(cell, field) == line.get(field, getattr(cell, field)) for field in CELL_FIELDS):
            fields = {field: getattr(cell, field) for field in CELL_FIELDS}
            return line | fields | {"scenario": cell.scenario, "cell": cell}
    raise RunError(f"a result that belongs to no cell of the scenario: {line}")


def collect(process, cells, outcome, on_progress):
    """Reads what the process prints until it ends."""
    for line in process.stdout:
        read = parsed(line)
        if "machine" in read:
            outcome.machine = read["machine"]
        elif "progress" in read:
            on_progress(len(outcome.results), read["progress"])
        else:
            outcome.results.append(result_of(read, cells) | {"memory": outcome.machine.get("memory")})
            on_progress(len(outcome.results), "")
    status = process.wait()
    if status != 0 or len(outcome.results) != len(cells):
        raise RunError(f"exit code {status}")


def run(dataplane, scenario, options, on_progress):
    """Measures the scenario's cells. on_progress(done, text) is told of each line of progress and each finished cell."""
    cells, outcome = scenario.cells(), Run()
    with tempfile.TemporaryDirectory(prefix="sekisho-bench-") as directory:
        file = pathlib.Path(directory, scenario.name, "scenario.json")
        file.parent.mkdir()
        file.write_text(scenario.text(), encoding="utf-8")
        stderr = pathlib.Path(directory, "stderr")
        with open(stderr, "w", encoding="utf-8") as sink:
            process = subprocess.Popen([dataplane, "--bench", file, "--json-lines", *options], stdout=subprocess.PIPE,
                                       stderr=sink, text=True)
            try:
                collect(process, cells, outcome, on_progress)
            except RunError as error:
                outcome.failure = f"{scenario.name}: {len(outcome.results)} of {len(cells)} cells, {error}"
            finally:
                process.kill()
                process.wait()
        outcome.log = stderr.read_text(encoding="utf-8", errors="replace").strip()
    outcome.results.sort(key=lambda result: cells.index(result["cell"]))
    return outcome
