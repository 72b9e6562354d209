"""The child in the foreground has its own exit code, its own signals, and ours."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dragoman.cli.codex import foreground
from dragoman.cli.codex.foreground import run_in_foreground

_PARENT = (
    "import os, sys; from dragoman.cli.codex.foreground import run_in_foreground; sys.exit(run_in_foreground(sys.argv[1:], os.environ))"
)


_CHILD = """
import signal, sys
mine = {signal.%s}
signal.pthread_sigmask(signal.SIG_BLOCK, mine)
print("up", flush=True)
signal.sigwait(mine)
sys.exit(%d)
"""


def _waiting_for(name: str, code: int) -> str:
    """A child that says when it is up. Blocked, the signal is not missed just before the wait, as by a handler and a sleep."""
    return _CHILD % (name, code)


@pytest.mark.parametrize(
    ("script", "code"), [("raise SystemExit(0)", 0), ("raise SystemExit(7)", 7), ("import os; os.kill(os.getpid(), 9)", 137)]
)
def test_exit_code_is_the_childs(script: str, code: int) -> None:
    assert run_in_foreground([sys.executable, "-c", script], os.environ) == code


def test_handlers_are_as_before_afterwards() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]

    run_in_foreground([sys.executable, "-c", ""], os.environ)

    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_a_signal_that_comes_while_the_child_starts_is_handed_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def starts(*command: Any, **how: Any) -> subprocess.Popen[bytes]:
        signal.raise_signal(signal.SIGTERM)
        return start(*command, **how)

    start = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", starts)

    assert run_in_foreground([sys.executable, "-c", "import time; time.sleep(20)"], os.environ) == 128 + signal.SIGTERM


def test_interrupt_ends_the_child_and_not_the_parent() -> None:
    """Ctrl-C reaches the whole group; the child decides what it means, and the parent lives to tell its code."""
    child = _waiting_for("SIGINT", 5)
    parent = subprocess.Popen([sys.executable, "-c", _PARENT, sys.executable, "-c", child], stdout=subprocess.PIPE, start_new_session=True)
    assert parent.stdout is not None
    parent.stdout.readline()

    os.killpg(parent.pid, signal.SIGINT)

    assert parent.wait(60) == 5


def test_termination_of_the_parent_is_handed_to_the_child() -> None:
    child = _waiting_for("SIGTERM", 6)
    parent = subprocess.Popen([sys.executable, "-c", _PARENT, sys.executable, "-c", child], stdout=subprocess.PIPE, start_new_session=True)
    assert parent.stdout is not None
    parent.stdout.readline()

    parent.terminate()

    assert parent.wait(60) == 6


@pytest.mark.skipif(sys.platform != "linux", reason="looks in /proc whether the child has ended")
def test_a_child_that_ended_while_it_was_stopped_has_its_exit_code() -> None:
    """Ctrl-Z, then somebody kills it, then `fg`."""
    child = "import os, signal; print(os.getpid(), flush=True); os.kill(os.getpid(), signal.SIGSTOP)"
    parent = subprocess.Popen([sys.executable, "-c", _PARENT, sys.executable, "-c", child], stdout=subprocess.PIPE, start_new_session=True)
    assert parent.stdout is not None
    number = int(parent.stdout.readline())
    _, status = os.waitpid(parent.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)

    os.kill(number, signal.SIGKILL)
    while Path(f"/proc/{number}/stat").read_text().rpartition(") ")[2][0] != "Z":
        time.sleep(0.001)
    parent.send_signal(signal.SIGCONT)

    assert parent.wait(60) == 128 + signal.SIGKILL


def test_a_signal_that_comes_as_the_child_ends_leaves_it_its_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    def ends(number: int, options: int) -> tuple[int, int]:
        os.waitid(os.P_PID, number, os.WEXITED | os.WNOWAIT)
        signal.raise_signal(signal.SIGTERM)
        return wait(number, options)

    wait = os.waitpid
    monkeypatch.setattr(foreground, "os", SimpleNamespace(**{**vars(os), "waitpid": ends}))

    assert run_in_foreground([sys.executable, "-c", "raise SystemExit(7)"], os.environ) == 7
