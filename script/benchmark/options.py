"""What script/bench and script/pktgen have in common: choosing cells, and building what is measured."""
import argparse
import contextlib
import os
import pathlib
import subprocess
import sys

from benchmark import scenario

ROOT = pathlib.Path(__file__).resolve().parents[2]


def numbers(text):
    return [int(part) for part in text.split(",")]


def sizes(text):
    return [part if part == "imix" else int(part) for part in text.split(",")]


def names(text):
    return text.split(",")


def output_file(text):
    """A path that can be written, which is said before anything is measured for it."""
    path = pathlib.Path(text)
    if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
        raise argparse.ArgumentTypeError(f"'{text}' cannot be written")
    return path


def picture_file(text):
    path = output_file(text)
    if path.suffix not in (".svg", ".png"):
        raise argparse.ArgumentTypeError(f"'{text}' ends in neither .svg nor .png")
    return path


def filters():
    """The axes that add_filters has options for."""
    return ("direction", *scenario.AXES)


def add_filters(parser):
    only = parser.add_argument_group("only some cells, each a list with commas")
    only.add_argument("--size", type=sizes, dest="sizes", metavar="64,imix")
    only.add_argument("--suite", type=names, dest="suites", metavar="NAME")
    only.add_argument("--direction", type=names, metavar="out,in")
    only.add_argument("--tunnels", type=numbers, metavar="N")
    only.add_argument("--routes", type=numbers, metavar="N")
    only.add_argument("--workers", type=numbers, metavar="N")


def narrowed_by(options, **more):
    """The scenarios that the options name, narrowed to the cells that they and `more` leave."""
    axes = {axis: getattr(options, axis) for axis in filters()}
    chosen = []
    for name in scenario.select(options.scenarios):
        narrowed = scenario.load(name).narrowed(**axes)
        if narrowed := narrowed and narrowed.narrowed(**more):
            chosen.append(narrowed)
    if not chosen:
        raise scenario.ScenarioError("the options leave nothing to measure")
    return chosen


def built(program):
    """Builds the tree, which costs nothing where it is built already; returns the program's path."""
    subprocess.run([ROOT / "script/bootstrap", "build"], check=True, stdout=sys.stderr)
    subprocess.run([ROOT / "script/build"], check=True, stdout=sys.stderr)
    return ROOT / os.environ.get("BUILD", "build") / program


def commit():
    """The tree's commit, or nothing where there is no repository or no git."""
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        return subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"], check=True, capture_output=True,
                              text=True).stdout.strip()
    return ""
