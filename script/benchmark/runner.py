"""Runs `sekisho-dataplane --bench` for scenarios and collects what it measures."""
import json
import pathlib
import subprocess
import tempfile

from benchmark.scenario import CELL_FIELDS


class RunError(Exception):
    """The data plane could not measure; the text says which scenario, and what the data plane said."""


def result_of(line, cells):
    """The figures of a finished cell, with its fields as the scenario has them, and the cell itself as `cell`."""
    for cell in cells:
        if all(getattr(cell, field) == line.get(field, getattr(cell, field)) for field in CELL_FIELDS):
            fields = {field: getattr(cell, field) for field in CELL_FIELDS}
            return line | fields | {"scenario": cell.scenario, "cell": cell}
    raise RunError(f"a result that belongs to no cell of the scenario: {line}")


def run(dataplane, scenario, options, on_progress):
    """Measures the scenario's cells. Returns the machine's description and a list of results in the cells' order; one that
    could not be measured has a `note` in place of figures, and others may have one besides. on_progress(done, text) is
    told of each line of progress and each finished cell.
    """
    cells = scenario.cells()
    results, machine = [], {}
    with tempfile.TemporaryDirectory(prefix="sekisho-bench-") as directory:
        file = pathlib.Path(directory, scenario.name, "scenario.json")
        file.parent.mkdir()
        file.write_text(scenario.text())
        stderr = pathlib.Path(directory, "stderr")
        with open(stderr, "w", encoding="utf-8") as sink:
            process = subprocess.Popen([dataplane, "--bench", file, "--json-lines", *options], stdout=subprocess.PIPE,
                                       stderr=sink, text=True)
            try:
                for line in process.stdout:
                    read = json.loads(line)
                    if "machine" in read:
                        machine = read["machine"]
                    elif "progress" in read:
                        on_progress(len(results), read["progress"])
                    else:
                        results.append(result_of(read, cells))
                        on_progress(len(results), "")
                status = process.wait()
            finally:
                process.kill()
                process.wait()
        if status != 0 or len(results) != len(cells):
            raise RunError(f"{scenario.name}: {len(results)} of {len(cells)} cells, exit code {status}\n"
                           + stderr.read_text(encoding="utf-8", errors="replace").strip())
    return machine, sorted(results, key=lambda result: cells.index(result["cell"]))
