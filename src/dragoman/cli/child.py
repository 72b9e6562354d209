"""A gateway of our own for a while: a child process on a free loopback port that ends when we do, however we end."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import msgspec

from dragoman.config.folders import state_folder

# One that ends instead is seen at once: only what hangs is waited for as long as this, and a machine may be slow.
_READY_S = 120.0
# More than the grace that a gateway gives to streams (`server.shutdown_grace_s`): it is killed when it heeds neither.
_END_S = 45.0
_LOGS_KEPT = 20
_TAIL_LINES = 15


class Child(msgspec.Struct, frozen=True):
    """address: scheme, host and port. log: the file that has everything the gateway says."""

    address: str
    log: Path


class ChildFailed(Exception):
    """The gateway did not start; the message has what it said last."""


@contextmanager
def child_gateway(env: Mapping[str, str], *, run: str, config: str | None = None) -> Generator[Child]:
    """Start a gateway, yield when it answers, end it afterwards. Raises ChildFailed.

    It tells its address on a pipe, and lives as long as its standard input is open: so it ends even if we are killed. It has a
    session of its own, so that Ctrl-C, meant for the program in the foreground, does not end it.
    """
    log, output = _log(env, run)
    told, tells = os.pipe()
    command = [sys.executable, "-m", "dragoman", "serve", "--host", "127.0.0.1", "--port", "0", "--leash", "--announce-fd", str(tells)]
    if config is not None:
        command += ["--config", config]
    with output:
        process = subprocess.Popen(
            command,
            env=dict(env),
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=(tells,),
            start_new_session=True,
        )
    os.close(tells)
    try:
        address = _address(told)
        if address is None:
            raise ChildFailed(_last_words(log))
        yield Child(address, log)
    finally:
        os.close(told)
        _end(process)


def _address(told: int) -> str | None:
    """The address that the child tells when it listens; None if it ends before, or takes too long."""
    ready, _, _ = select.select([told], [], [], _READY_S)
    return os.read(told, 1024).decode().strip() or None if ready else None


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(_END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _log(env: Mapping[str, str], run: str) -> tuple[Path, BinaryIO]:
    """The file that the gateway tells what it does: beside the last few of its kind, or where the system has its temporary files if
    nothing may be written there. Raises ChildFailed."""
    folder, name = state_folder(env), f"gateway-{run}.log"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _forget(folder)
        return folder / name, (folder / name).open("wb")
    except OSError:
        pass
    try:
        number, path = tempfile.mkstemp(prefix="dragoman-", suffix=f"-{name}")
    except OSError as error:
        raise ChildFailed(f"its log can be written neither below {folder} nor as a temporary file: {error.strerror}") from error
    return Path(path), os.fdopen(number, "wb")


def _forget(folder: Path) -> None:
    """All logs but the last few. Another who starts a gateway now may be at the same."""
    dated: list[tuple[float, Path]] = []
    for path in folder.glob("gateway-*.log"):
        with suppress(FileNotFoundError):
            dated.append((path.stat().st_mtime, path))
    for _, path in sorted(dated)[: -_LOGS_KEPT + 1]:
        path.unlink(missing_ok=True)


def _last_words(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()[-_TAIL_LINES:]
    return "\n".join(lines) or f"it said nothing within {_READY_S:g} s (log: {log})"
