"""Runs several commands side by side, a bounded number at a time, each with a log and a limit of its own, and stops them tidily."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections import deque
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Protocol

import msgspec

from dragoman.cli.trial.state import Entry, State

_TICK_S = 0.1
_GRACE_S = 8.0
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_CANNOT_START = 127


class Job(msgspec.Struct, frozen=True):
    """One command. given: a file for its standard input, None: nothing."""

    entry: Entry
    command: list[str]
    env: Mapping[str, str]
    place: Path
    log: Path
    given: Path | None = None


class Watcher(Protocol):
    """Is told what happens. Every call returns soon."""

    def started(self, entry: Entry) -> None:
        """Its command runs."""
        ...

    def ended(self, entry: Entry) -> None:
        """Its command ended, was stopped or ran out of time; its state says which."""
        ...

    def tick(self) -> None:
        """A tenth of a second went by."""
        ...


class _Running(msgspec.Struct):
    job: Job
    process: subprocess.Popen[bytes]
    began: float
    stopped_at: float | None = None
    state: State = "ended"


class Crew:
    """Each command has a process group of its own: Ctrl-C reaches us alone, and we stop the whole group, tools and all."""

    def __init__(self, jobs: Sequence[Job], *, at_most: int, limit_s: float | None, watcher: Watcher) -> None:
        self._waiting = deque(jobs)
        self._running: list[_Running] = []
        self._at_most = at_most
        self._limit_s = limit_s
        self._watcher = watcher
        self._signals: list[int] = []

    def run(self) -> int | None:
        """Run them all to their end. Returns the signal that stopped us, or None. A second signal kills at once."""
        with self._listening():
            try:
                while self._running or (self._waiting and not self._signals):
                    self._step()
                    time.sleep(_TICK_S)
                    self._watcher.tick()
            finally:
                for running in self._running:
                    _send(running.process, signal.SIGKILL)
        return self._signals[0] if self._signals else None

    def _step(self) -> None:
        for running in list(self._running):
            self._look(running)
        while self._waiting and len(self._running) < self._at_most and not self._signals:
            self._start(self._waiting.popleft())

    def _look(self, running: _Running) -> None:
        code = running.process.poll()
        if code is not None:
            self._settle(running, code)
        elif running.stopped_at is None:
            self._stop_if_due(running)
        elif time.monotonic() - running.stopped_at > _GRACE_S or len(self._signals) > 1:
            _send(running.process, signal.SIGKILL)

    def _stop_if_due(self, running: _Running) -> None:
        is_late = self._limit_s is not None and time.monotonic() - running.began > self._limit_s
        if self._signals or is_late:
            running.state = "stopped" if self._signals else "timeout"
            running.stopped_at = time.monotonic()
            _send(running.process, signal.SIGINT)

    def _start(self, job: Job) -> None:
        job.entry.state, job.entry.began_at = "running", time.time()
        try:
            with job.log.open("ab") as log, contextlib.ExitStack() as stack:
                given = stack.enter_context(job.given.open("rb")) if job.given else subprocess.DEVNULL
                process = subprocess.Popen(
                    job.command,
                    env=dict(job.env),
                    cwd=job.place,
                    stdin=given,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
        except OSError as error:
            job.log.write_text(f"could not be started: {error.strerror or error}\n")
            job.entry.state, job.entry.code = "ended", _CANNOT_START
            self._watcher.ended(job.entry)
            return
        self._running.append(_Running(job, process, time.monotonic()))
        self._watcher.started(job.entry)

    def _settle(self, running: _Running, code: int) -> None:
        self._running.remove(running)
        # What the command left running in its group would go on changing the worktree.
        _send(running.process, signal.SIGKILL)
        entry = running.job.entry
        entry.state, entry.code = running.state, code if code >= 0 else 128 - code
        entry.took_s = time.monotonic() - running.began
        self._watcher.ended(entry)

    @contextlib.contextmanager
    def _listening(self) -> Generator[None]:
        def note(number: int, frame: FrameType | None) -> None:
            self._signals.append(number)

        before = {number: signal.signal(number, note) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _send(process: subprocess.Popen[bytes], number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
