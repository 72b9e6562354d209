"""Runs a program in the foreground as if it had been started directly: same terminal, same process group, same signals, same exit code."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping
from types import FrameType

_LEFT_TO_THE_CHILD = (signal.SIGINT, signal.SIGQUIT)
_PASSED_ON = (signal.SIGTERM, signal.SIGHUP)


def run_in_foreground(command: list[str], env: Mapping[str, str]) -> int:
    """Run it to its end and return its exit code (128 + n if signal n ended it).

    Ctrl-C and Ctrl-\\ reach the whole process group, so the child has them from the terminal and we let them pass; SIGTERM and
    SIGHUP are sent to us alone and handed on. When the child stops itself (Ctrl-Z), we stop too, so that the shell notices.
    Raises OSError if it cannot be started.
    """
    child: subprocess.Popen[bytes] | None = None
    early: list[int] = []

    def hand_on(number: int, frame: FrameType | None) -> None:
        if child is None:
            early.append(number)
        else:
            _send(child, number)

    # Before there is a child, or a signal that comes meanwhile would end us alone. A handler, not SIG_IGN: an ignored signal would be
    # ignored by the child too.
    before = {number: signal.signal(number, _let_pass) for number in _LEFT_TO_THE_CHILD}
    before |= {number: signal.signal(number, hand_on) for number in _PASSED_ON}
    try:
        child = subprocess.Popen(command, env=dict(env))
        for number in early:
            _send(child, number)
        return _wait(child)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _let_pass(number: int, frame: FrameType | None) -> None:
    """The child has this signal from the terminal."""


def _wait(child: subprocess.Popen[bytes]) -> int:
    while True:
        _, status = os.waitpid(child.pid, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            code = os.waitstatus_to_exitcode(status)
            child.returncode = code
            return code if code >= 0 else 128 - code
        os.kill(os.getpid(), signal.SIGSTOP)
        _send(child, signal.SIGCONT)


def _send(child: subprocess.Popen[bytes], number: int) -> None:
    """Not by `send_signal`: that looks whether the child has ended, and so takes its end away from the one who waits for it."""
    if child.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child.pid, number)
