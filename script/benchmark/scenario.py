"""Scenario files: what pktgen-scenarios/NAME/scenario.json may say, and the cells that it spans.

The same file drives `sekisho-dataplane --bench` and Pktgen, so a field that only one of them knew would be ignored by the
other: unknown fields are refused here as they are there. pktgen-scenarios/README.md describes each field.
"""
import dataclasses
import fnmatch
import itertools
import json
import pathlib
import re

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "pktgen-scenarios"

# All that follows is as the data plane has it, which refuses the same: its suites, its limits.
SUITES = ("aes128gcm16", "aes256gcm16", "chacha20poly1305", "aes128-sha1", "aes128-sha256", "aes128-sha384",
          "aes128-sha512", "aes256-sha1", "aes256-sha256", "aes256-sha384", "aes256-sha512")
FRAME = (64, 1800)
MOST_PATHS = 16
MOST = {"tunnels": 16384, "routes": 1_000_000, "workers": 16}
WIDEST_WINDOW, WINDOW_STEP = 4096, 64
MEMORY = "memory"
IMIX = ((64, 7), (570, 4), (1418, 1))
# A field that spans cells, and the name of its value in a cell.
AXES = {"suites": "suite", "sizes": "size", "tunnels": "tunnels", "routes": "routes", "workers": "workers"}
DEFAULTS = {"title": "", "family": 4, "suites": [None], "tunnels": [1], "routes": [1], "workers": [1], "paths": 1, "order": "turn",
            "during": "nothing", "replay_window": 256, "pass": [],
            "ports": {"lan": {"device": MEMORY}, "wan": {"device": MEMORY}}}
REQUIRED = ("direction", "sizes")
CHOICES = {"direction": ("plain", "out", "in", "both"), "family": (4, 6), "order": ("turn", "random"),
           "during": ("nothing", "rekey", "commit")}
CELL_FIELDS = ("direction", "family", "suite", "size", "tunnels", "routes", "workers", "paths", "order", "during")
CRITERIA = ("cycles", "overhead_cycles", "loss", "ratio")


class ScenarioError(Exception):
    """A scenario file that cannot be used; the text names the file and says why."""


@dataclasses.dataclass(frozen=True)
class Cell:
    """One measurement: a value for each axis. `suite` is None for plain forwarding."""
    scenario: str
    direction: str
    family: int
    suite: str | None
    size: int | str
    tunnels: int
    routes: int
    workers: int
    paths: int
    order: str
    during: str

    def fits(self, entry):
        """Whether every field of the cell that `entry`, of a scenario's `pass`, names is equal to the cell's."""
        return all(getattr(self, field) == entry[field] for field in CELL_FIELDS if field in entry)

    def __str__(self):
        parts = [self.direction, self.suite or f"IPv{self.family}",
                 "IMIX" if self.size == "imix" else f"{self.size} bytes"]
        for count, noun in ((self.tunnels, "tunnels"), (self.routes, "routes"), (self.workers, "workers"),
                            (self.paths, "paths")):
            if count != 1:
                parts.append(f"{count:,} {noun}")
        if self.during != "nothing":
            parts.append(self.during)
        return ", ".join(parts)


@dataclasses.dataclass
class Scenario:
    name: str
    fields: dict  # as in the file

    def __getitem__(self, field):
        return self.fields.get(field, DEFAULTS.get(field))

    def in_memory(self):
        return all(port["device"] == MEMORY for port in self["ports"].values())

    def directions(self):
        return ["out", "in"] if self["direction"] == "both" else [self["direction"]]

    def cells(self):
        """Every cell, in the order in which they are measured."""
        return [Cell(self.name, direction, self["family"], suite, size, tunnels, routes, workers, self["paths"], self["order"],
                     self["during"])
                for workers, suite, direction, tunnels, routes, size in itertools.product(
                    self["workers"], self["suites"], self.directions(), self["tunnels"], self["routes"],
                    self["sizes"])]

    def narrowed(self, **values):
        """The same scenario with fewer cells: each axis of `values` keeps only the values listed, None keeps all. A
        direction may be chosen of a scenario that has both. None is returned where nothing is left."""
        fields = dict(self.fields)
        for axis, kept in values.items():
            if kept is None:
                continue
            if axis == "direction":
                left = [value for value in self.directions() if value in kept]
                if len(left) < len(self.directions()):
                    fields["direction"] = left[0] if left else None
            else:
                left = [value for value in self[axis] if value in kept]
                fields[axis] = left
            if not left:
                return None
        return Scenario(self.name, fields)

    def text(self):
        return json.dumps(self.fields, indent=2) + "\n"


def is_number(value, least, most):
    # True is an int to Python.
    return type(value) is int and least <= value <= most


def check(name, fields):
    """Refuses what no reader of the file would understand."""
    def refuse(why):
        raise ScenarioError(f"{name}/scenario.json: {why}")

    if not isinstance(fields, dict):
        refuse("an object is wanted")
    check_fields(fields, refuse)
    check_lists(fields, refuse)
    plain = fields["direction"] == "plain"
    if plain != ("suites" not in fields) or plain != ("key" not in fields):
        refuse("plain forwarding takes neither 'suites' nor 'key', ESP takes both")
    if not plain and not (isinstance(fields["key"], str) and re.fullmatch("[0-9a-fA-F]{64}", fields["key"])):
        refuse("'key' is not 64 hexadecimal digits")
    if not is_number(fields.get("paths", 1), 1, MOST_PATHS if plain else 1):
        refuse(f"'paths' is no number from 1 to {MOST_PATHS}, or not 1 where direction is not plain")
    window = fields.get("replay_window", 0)
    if not is_number(window, 0, WIDEST_WINDOW) or window % WINDOW_STEP:
        refuse(f"'replay_window' is no multiple of {WINDOW_STEP} from 0 to {WIDEST_WINDOW}")
    check_ports(fields, refuse)
    check_pass(name, fields, refuse)


def check_fields(fields, refuse):
    known = {*REQUIRED, *DEFAULTS, "key"}
    for field in fields:
        if field not in known:
            refuse(f"unknown field '{field}'")
    for field in REQUIRED:
        if field not in fields:
            refuse(f"'{field}' is missing")
    if not isinstance(fields.get("title", ""), str):
        refuse("'title' is no text")
    for field, choices in CHOICES.items():
        if field in fields and fields[field] not in choices:
            refuse(f"'{field}' is {fields[field]!r}, not one of {', '.join(map(str, choices))}")


def check_lists(fields, refuse):
    for axis in AXES:
        values = fields.get(axis, [None])
        if not isinstance(values, list) or not values:
            refuse(f"'{axis}' is no list, or an empty one")
        if any(value in values[:index] for index, value in enumerate(values)):
            refuse(f"'{axis}' holds something twice")
    for suite in fields.get("suites", []):
        if suite not in SUITES:
            refuse(f"unknown suite {suite!r} (known: {', '.join(SUITES)})")
    for size in fields["sizes"]:
        if size != "imix" and not is_number(size, *FRAME):
            refuse(f"size {size!r} is neither a frame of {FRAME[0]} to {FRAME[1]} bytes nor \"imix\"")
    for axis, most in MOST.items():
        if not all(is_number(count, 1, most) for count in fields.get(axis, [1])):
            refuse(f"'{axis}' holds something other than numbers from 1 to {most}")


def check_ports(fields, refuse):
    ports = fields.get("ports", DEFAULTS["ports"])
    if not isinstance(ports, dict) or set(ports) != {"lan", "wan"}:
        refuse("'ports' has other ports than lan and wan, or not both")
    for port in ports.values():
        if not isinstance(port, dict) or set(port) != {"device"} or not isinstance(port["device"], str):
            refuse("a port is an object with the text \"device\"")


def check_pass(name, fields, refuse):
    entries = fields.get("pass", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        refuse("'pass' is no list of objects")
    cells = Scenario(name, fields).cells()
    for entry in entries:
        criteria = [field for field in CRITERIA if field in entry]
        if len(criteria) != 1:
            refuse(f"{entry} in 'pass' does not have exactly one of {', '.join(CRITERIA)}")
        if type(entry[criteria[0]]) not in (int, float):
            refuse(f"{entry} in 'pass': '{criteria[0]}' is no number")
        if ("ratio" in entry) != ("ratio_to" in entry):
            refuse(f"{entry} in 'pass': 'ratio' goes with 'ratio_to'")
        for field in entry:
            if field not in (*CELL_FIELDS, *CRITERIA, "ratio_to"):
                refuse(f"{entry} in 'pass': unknown field '{field}'")
        if not any(cell.fits(entry) for cell in cells):
            refuse(f"{entry} in 'pass' fits no cell")
        base = entry.get("ratio_to", {})
        if not isinstance(base, dict) or set(base) - set(CELL_FIELDS) or not any(cell.fits(base) for cell in cells):
            refuse(f"{entry} in 'pass': 'ratio_to' names no cell")


def without_duplicates(pairs):
    """An object of JSON, for json.loads, which by itself keeps the last of two fields with one name."""
    read = dict(pairs)
    if len(read) < len(pairs):
        raise ValueError("a field stands twice in one object")
    return read


def load(name):
    """Reads and checks pktgen-scenarios/NAME/scenario.json."""
    path = FOLDER / name / "scenario.json"
    try:
        fields = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=without_duplicates)
    except OSError as error:
        raise ScenarioError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise ScenarioError(f"{path}: {error}") from error
    check(name, fields)
    return Scenario(name, fields)


def names():
    return sorted(path.parent.name for path in FOLDER.glob("*/scenario.json"))


def select(patterns):
    """The names that the patterns (`budget-*`) match, in the patterns' order, each once."""
    chosen = {}
    for pattern in patterns:
        matching = fnmatch.filter(names(), pattern)
        if not matching:
            raise ScenarioError(f"no scenario is called '{pattern}'; script/bench --list shows them")
        chosen.update(dict.fromkeys(matching))
    return list(chosen)
