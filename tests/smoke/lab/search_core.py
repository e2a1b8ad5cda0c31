"""Searches what a core dump of a process would hold: all its memory but that marked MADV_DONTDUMP.

search_core.py PID NAME=HEX...   exits with 1 where one of the octet strings is found, after naming its place

Reading the memory of the live process shows more than a core file may (coredump_filter leaves out mappings), never less.
Octet strings named `found-...` must be found: they prove that the search works.
"""
import re
import sys


def dumped_mappings(pid):
    """(start, end, description) of the mappings that have no `dd` flag (VM_DONTDUMP) and are no device's memory."""
    mapping = None
    with open(f"/proc/{pid}/smaps") as smaps:
        for line in smaps:
            if head := re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+\s*(.*)", line):
                mapping = int(head.group(1), 16), int(head.group(2), 16), head.group(3) + " " + head.group(4)
            elif line.startswith("VmFlags:"):
                flags = line.split()[1:]
                if "dd" not in flags and "io" not in flags and "rd" in flags:
                    yield mapping


def search(pid, needles):
    found = {}
    searched = 0
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for start, end, description in dumped_mappings(pid):
            try:
                memory.seek(start)
                octets = memory.read(end - start)
            except (OSError, OverflowError, ValueError):  # [vsyscall], [vvar]
                continue
            searched += len(octets)
            for name, needle in needles.items():
                if (at := octets.find(needle)) >= 0:
                    found.setdefault(name, f"{start + at:#x} in {description}")
    return found, searched


def main():
    pid = int(sys.argv[1])
    needles = {name: bytes.fromhex(value) for name, value in (each.split("=") for each in sys.argv[2:])}
    found, searched = search(pid, needles)
    print(f"searched {searched >> 20} MiB of process {pid} for {len(needles)} strings")
    bad = False
    for name in needles:
        if name.startswith("found-") != (name in found):
            bad = True
            print(f"{name}: {found.get(name, 'not found')}")
    sys.exit(bad)


if __name__ == "__main__":
    main()
