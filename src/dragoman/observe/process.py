"""What a process costs its machine, under the names that all Prometheus clients use.

https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics
"""

from __future__ import annotations

import contextlib
import os
import resource
import time
from collections.abc import Iterator
from pathlib import Path

from dragoman.observe.exposition import Family, Sample


def families(began_at: float, folder: Path = Path("/proc/self")) -> Iterator[Family]:
    """CPU, memory, open files. began_at: Unix seconds. Where the system has no such folder, what it does not tell is left out."""
    yield _gauge("process_start_time_seconds", "Unix seconds at which the process began.", began_at)
    text = "Seconds of CPU that the process has used."
    yield Family("process_cpu_seconds_total", "counter", text, [Sample((), round(time.process_time(), 6))])
    with contextlib.suppress(OSError, ValueError, IndexError):
        virtual, resident = (folder / "statm").read_text().split()[:2]
        page = os.sysconf("SC_PAGE_SIZE")
        yield _gauge("process_virtual_memory_bytes", "Bytes of address space.", int(virtual) * page)
        yield _gauge("process_resident_memory_bytes", "Bytes of memory in use.", int(resident) * page)
    with contextlib.suppress(OSError):
        yield _gauge("process_open_fds", "Open files and sockets.", sum(1 for _ in (folder / "fd").iterdir()))
    yield _gauge("process_max_fds", "Files and sockets that may be open.", resource.getrlimit(resource.RLIMIT_NOFILE)[0])


def _gauge(name: str, text: str, value: float) -> Family:
    return Family(name, "gauge", text, [Sample((), value)])
