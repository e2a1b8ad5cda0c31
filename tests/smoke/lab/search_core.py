"""Searches what a core dump of a process would hold: all its memory but that marked MADV_DONTDUMP.

search_core.py PID [--all] NAME=HEX...   exits with 1 where one of the octet strings is found, after naming its place

--all: the memory so marked too, for what must have been wiped.

Reading the memory of the live process shows more than a core file may (coredump_filter leaves out mappings), never less.
Octet strings named `found-...` must be found: they prove that the search works.
"""
import re
import sys


BLOCK = 1 << 20
OVERLAP = 256  # more than the longest string


def mappings(pid, undumped_too):
    """(start, end, description) of the readable mappings; those marked `dd` (VM_DONTDUMP) only if asked for."""
    mapping = None
    with open(f"/proc/{pid}/smaps") as smaps:
        for line in smaps:
            if head := re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+\s*(.*)", line):
                mapping = int(head.group(1), 16), int(head.group(2), 16), head.group(3) + " " + head.group(4)
            elif line.startswith("VmFlags:"):
                flags = line.split()[1:]
                if "rd" in flags and "io" not in flags and (undumped_too or "dd" not in flags):
                    yield mapping


def search(pid, needles, undumped_too):
    found = {}
    searched = 0
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for start, end, description in mappings(pid, undumped_too):
            try:
                memory.seek(start)
                octets = memory.read(end - start)
            except (OSError, OverflowError, ValueError):  # [vsyscall], [vvar]
                continue
            searched += len(octets)
            for at in range(0, len(octets), BLOCK):
                block = octets[at:at + BLOCK + OVERLAP]
                if not block.strip(b"\0"):
                    continue  # most memory is empty
                for name, needle in needles.items():
                    if (place := block.find(needle)) >= 0:
                        found.setdefault(name, f"{start + at + place:#x} in {description}")
    return found, searched


def main():
    pid = int(sys.argv[1])
    undumped_too = sys.argv[2] == "--all"
    words = sys.argv[3 if undumped_too else 2:]
    needles = {name: bytes.fromhex(value) for name, value in (each.split("=") for each in words)}
    found, searched = search(pid, needles, undumped_too)
    print(f"searched {searched >> 20} MiB of process {pid} for {len(needles)} strings")
    bad = False
    for name in needles:
        if name.startswith("found-") != (name in found):
            bad = True
            print(f"{name}: {found.get(name, 'not found')}")
    sys.exit(bad)


if __name__ == "__main__":
    main()
