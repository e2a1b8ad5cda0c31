"""Hugepages for as long as a measurement runs.

With many tunnels or routes much of what a packet costs with ordinary pages is misses of the TLB. Where too few hugepages
are free and this is root, some are added; they go back when the context ends, whatever ends it.
"""
import contextlib
import pathlib
import sys

RESERVED = pathlib.Path("/proc/sys/vm/nr_hugepages")
MEMINFO = pathlib.Path("/proc/meminfo")


def meminfo(field):
    for line in MEMINFO.read_text().splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return int(value.split()[0])
    return 0


def add(pages):
    """Changes the number of reserved pages by `pages`; returns by how much it has changed."""
    before = int(RESERVED.read_text())
    RESERVED.write_text(str(max(0, before + pages)))
    return int(RESERVED.read_text()) - before


@contextlib.contextmanager
def reserved(megabytes):
    """Sees to it that so much is free in hugepages, if it can; says on stderr if it cannot."""
    page_kb = meminfo("Hugepagesize")
    missing = -(-megabytes * 1024 // page_kb) - meminfo("HugePages_Free") if page_kb else 0
    added = 0
    try:
        if missing > 0:
            with contextlib.suppress(OSError):
                added = add(missing)
            if added < missing:
                print(f"too few hugepages: {missing - added} of {page_kb} kB more are wanted", file=sys.stderr)
        yield
    finally:
        if added > 0:
            add(-added)
