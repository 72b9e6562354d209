"""CPU time and memory of a process and all its children, read from Linux's /proc."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def cpu_s(pid: int) -> float:
    """Seconds on a CPU so far, user and system, over the process tree. In ns steps: `schedstat`, not the ticks of `stat`."""
    return sum(_number(task / "schedstat", 0) for process in tree(pid) for task in _tasks(process)) / 1e9


def rss_mb(pid: int) -> float:
    """Resident memory of the process tree in MB; pages that processes share count once for each."""
    return sum(_number(Path(f"/proc/{process}/statm"), 1) for process in tree(pid)) * _PAGE_BYTES / 1e6


def tree(pid: int) -> Iterator[int]:
    """A process and all its descendants."""
    waiting = [pid]
    while waiting:
        process = waiting.pop()
        yield process
        for task in _tasks(process):
            waiting += [int(child) for child in _text(task / "children").split()]


def _tasks(pid: int) -> list[Path]:
    try:
        return list(Path(f"/proc/{pid}/task").iterdir())
    except OSError:
        return []


def _number(path: Path, field: int) -> int:
    fields = _text(path).split()
    return int(fields[field]) if len(fields) > field else 0


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
