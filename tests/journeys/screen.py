"""A terminal with a program in it: keys go in, the screen is looked at until it shows what is waited for. Codex also tells its terminal
whether it works or is done, which no screen shows."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable

import pexpect
import pyte
from machine import Machine
from patience import PATIENCE_S

_GLANCE_S = 0.05
# How long a program may take to heed a signal: far more than any needs on a machine that is busy elsewhere.
_HEED_S = 60.0
_COLUMNS, _ROWS = 110, 40
# What a terminal answers to the questions that a program asks it.
_REPLIES = {b"\x1b[6n": b"\x1b[1;1R", b"\x1b[c": b"\x1b[?62;c"}
# What Codex tells its terminal when a turn begins, and when it takes what is typed for another one.
_STATE = re.compile(rb"\x1b\]7501;state=(\w+)")
_WORKS, _RESTS = b"working", (b"done", b"idle", b"clear")


class Screen:
    """A program on a terminal of 110 by 40."""

    def __init__(self, machine: Machine, command: list[str], **env: str) -> None:
        self._child = pexpect.spawn(
            command[0], command[1:], env={**machine.env, **env}, cwd=str(machine.work), dimensions=(_ROWS, _COLUMNS), encoding=None
        )
        self._screen = pyte.HistoryScreen(_COLUMNS, _ROWS, history=1000)
        self._stream = pyte.ByteStream(self._screen)
        self._said = b""
        self.pid = self._child.pid

    @property
    def text(self) -> str:
        """What the screen shows."""
        return "\n".join(line.rstrip() for line in self._screen.display)

    def type(self, keys: str) -> None:
        """Press keys."""
        self._child.send(keys.encode())

    def wait_for(self, text: str) -> None:
        """Look until the screen shows this text."""
        self.wait_until(lambda: text in self.text, f"`{text}` on the screen")

    def wait_until(self, holds: Callable[[], bool], what: str) -> None:
        """Look until something holds; fail with the screen if it never does."""
        end = time.monotonic() + PATIENCE_S
        while not holds():
            assert time.monotonic() < end, f"waited in vain for {what}; the screen:\n{self.text}"
            assert self._glance(), f"the program ended while {what} was waited for; the screen:\n{self.text}"

    def say(self, words: str) -> None:
        """Say something to Codex that is not on the screen yet, and look until it works on it."""
        turns = self._states().count(_WORKS)
        self.type(words)
        self.wait_for(words)
        self.type("\r")
        self.wait_until(lambda: self._states().count(_WORKS) > turns, "the beginning of a turn")

    def wait_for_rest(self) -> None:
        """Look until Codex's turn is over: what is typed before that belongs to it."""
        self.wait_until(lambda: self._states()[-1] in _RESTS, "the end of the turn")

    def wait_for_end(self) -> int:
        """Look until the program ends; its exit code."""
        end = time.monotonic() + PATIENCE_S
        while self._glance():
            assert time.monotonic() < end, f"the program does not end; the screen:\n{self.text}"
        if self._child.isalive():
            self._child.wait()
        return self._child.exitstatus if self._child.exitstatus is not None else 128 + (self._child.signalstatus or 0)

    def wait_until_quiet(self, holds: Callable[[], bool], what: str) -> None:
        """The same for what comes after the program's end."""
        end = time.monotonic() + PATIENCE_S
        while not holds():
            assert time.monotonic() < end, f"waited in vain for {what}"
            time.sleep(_GLANCE_S)

    def signal(self, number: int) -> None:
        """Send the program a signal."""
        os.kill(self.pid, number)

    def close(self) -> None:
        """End whatever is left as a closed window does, and by force what does not heed that."""
        for ending in (signal.SIGHUP, signal.SIGKILL):
            if self._child.isalive():
                self.signal(ending)
                self._wait_for_death()
        self._child.close(force=True)

    def _wait_for_death(self) -> None:
        """Wait for the program as long as anybody would, and read on: one that writes to a full terminal cannot end."""
        end = time.monotonic() + _HEED_S
        while self._child.isalive() and time.monotonic() < end:
            if not self._glance():
                time.sleep(_GLANCE_S)

    def _states(self) -> list[bytes]:
        """What Codex has told of itself, oldest first."""
        return _STATE.findall(self._said)

    def _glance(self) -> bool:
        """Take in what was written meanwhile; False once the program is gone."""
        try:
            data = self._child.read_nonblocking(65_536, _GLANCE_S)
        except pexpect.TIMEOUT:
            return True
        except pexpect.EOF:
            return False
        self._stream.feed(data)
        self._said += data
        for question, reply in _REPLIES.items():
            if question in data:
                self._child.send(reply)
        return True
