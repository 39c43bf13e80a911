"""CPU seconds of process trees, which say more than elapsed time on a machine that others use as well."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import psycopg

_TICKS = os.sysconf("SC_CLK_TCK")


class Process(NamedTuple):
    """One line of /proc: CPU seconds of itself and of its children that have ended."""

    parent: int
    seconds: float


def of_tree(root: int) -> float:
    """Return the CPU seconds of a process and of all that it started; 0.0 when it cannot be seen from here."""
    table = dict(_processes())
    members, front = {root}, {root}
    while front:
        front = {pid for pid, process in table.items() if process.parent in front} - members
        members |= front
    return sum(table[pid].seconds for pid in members if pid in table)


def postmaster(url: str) -> int:
    """Return the process id of the database server; 0 when it runs on another machine."""
    with psycopg.connect(url) as connection:
        process = _process(connection.info.backend_pid)
    return process.parent if process else 0


def _processes() -> Iterator[tuple[int, Process]]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and (process := _process(int(entry.name))):
            yield int(entry.name), process


def _process(pid: int) -> Process | None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return Process(int(fields[1]), sum(map(int, fields[11:15])) / _TICKS)
