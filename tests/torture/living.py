"""A gateway as a process of its own, and what lives in it: open files, threads, tasks, connections, exchanges."""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import msgspec

_HERE = Path(__file__).parent
_READY_S = 240.0
_SETTLE_S = 240.0
"""Far more than anything takes on the slowest machine: only what hangs, or stays behind, meets it."""
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class Gauge(msgspec.Struct, frozen=True):
    """What lives in the process. running: exchanges under way, as `/health` tells. The rest is counted inside, after a collection.
    threads: without the helpers that asyncio keeps for work beside the loop, one more whenever two such works happen to meet."""

    files: int
    threads: int
    running: int
    tasks: int
    clients: int
    answers: int
    providers: int
    replies: int
    exchanges: int
    translations: int
    runtimes: int


class Living:
    """A running gateway. `host` and `port` are where it listens."""

    def __init__(self, process: subprocess.Popen[bytes], address: str, line: socket.socket, log: Path) -> None:
        parts = urlsplit(address)
        assert parts.hostname is not None and parts.port is not None
        self.address, self.host, self.port, self.log = address, parts.hostname, parts.port, log
        self.process = process
        line.settimeout(_READY_S)
        self._line = line
        self._words = line.makefile("rb")

    @property
    def lives(self) -> bool:
        """Whether the process runs."""
        return self.process.poll() is None

    @property
    def rss_mb(self) -> float:
        """Resident memory in MB."""
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * _PAGE_BYTES / 1e6

    @property
    def files(self) -> int:
        """Open file descriptors."""
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    @property
    def threads(self) -> int:
        """Threads of the process."""
        return len(list(Path(f"/proc/{self.process.pid}/task").iterdir()))

    @property
    def running(self) -> int:
        """Exchanges under way."""
        with urlopen(f"{self.address}/health", timeout=_READY_S) as answer:
            return json.load(answer)["running"]

    def await_journal(self) -> None:
        """Wait until the journal has kept something: it opens its database with the first of it."""
        end = time.monotonic() + _SETTLE_S
        while time.monotonic() < end:
            with urlopen(f"{self.address}/metrics", timeout=_READY_S) as answer:
                written = re.search(rb'^dragoman_journal_records_total{outcome="written"} (.+)$', answer.read(), re.M)
            if written is not None and float(written[1]) > 0:
                return
            time.sleep(0.05)

    def census(self) -> dict[str, int]:
        """What the probe counts inside."""
        self._line.sendall(b"?")
        return json.loads(self._words.readline())

    def gauge(self) -> Gauge:
        """Everything at once. The question for `running` has left by the time the rest is counted, as far as that can be seen."""
        running = self.running
        counts = self.census()
        counts.pop("blocks")
        return Gauge(files=self.files, threads=self.threads - counts.pop("helpers"), running=running, **counts)

    def at_rest(self) -> Gauge:
        """The gauge once it stays the same and nobody is connected."""
        looks = [self.gauge()]
        end = time.monotonic() + _SETTLE_S
        while (len(looks) < 3 or len(set(looks[-3:])) > 1 or looks[-1].clients or looks[-1].providers) and time.monotonic() < end:
            time.sleep(0.01)
            looks.append(self.gauge())
        return looks[-1]

    def settled(self, before: Gauge, *, any_threads: bool = False) -> Gauge:
        """The gauge, once it is what it was `before`; else what it still is after a while. any_threads: those that have been started
        for look-ups of names stay, and do not count: they are told as they were."""
        end = time.monotonic() + _SETTLE_S
        while (now := self._gauge(before if any_threads else None)) != before and time.monotonic() < end:
            time.sleep(0.02)
        return now

    def _gauge(self, threads_of: Gauge | None) -> Gauge:
        now = self.gauge()
        return now if threads_of is None else msgspec.structs.replace(now, threads=threads_of.threads)


@contextlib.contextmanager
def living(folder: Path, config: dict[str, Any], *, host: str = "127.0.0.1", files: int | None = None, **env: str) -> Generator[Living]:
    """`python -m dragoman serve` with this config, in a home of its own. Ends with the block; its log stays in `folder`.
    `files`: how many it may open."""
    file = folder / "dragoman.yaml"
    # Nobody is asked for models: every connection is counted.
    providers = {name: {"list": False, **provider} for name, provider in config.get("providers", {}).items()}
    file.write_text(json.dumps({**config, "providers": providers} if providers else config))
    log = folder / "gateway.log"
    told, tells = os.pipe()
    ours, theirs = socket.socketpair()
    command = [sys.executable, "-m", "dragoman", "serve", "--config", str(file), "--host", host, "--port", "0"]
    command += ["--leash", "--announce-fd", str(tells)]
    if files is not None:
        command = ["/bin/sh", "-c", f'ulimit -Sn {files}; exec "$@"', "sh", *command]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(folder),
                "PYTHONPATH": os.pathsep.join([str(_HERE / "probe"), os.environ.get("PYTHONPATH", "")]),
                "TORTURE_PROBE_FD": str(theirs.fileno()),
                **env,
            },
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=(tells, theirs.fileno()),
            start_new_session=True,
        )
    os.close(tells)
    theirs.close()
    try:
        ready, _, _ = select.select([told], [], [], _READY_S)
        address = os.read(told, 1024).decode().strip() if ready else ""
        assert address, f"the gateway did not start:\n{log.read_text()}"
        yield Living(process, address, ours, log)
    finally:
        os.close(told)
        ours.close()
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(_READY_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
