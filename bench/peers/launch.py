"""Starts a peer, sees that it answers and listens on the loopback only, and stops it by its handle."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import subprocess
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar
from urllib.error import URLError
from urllib.request import urlopen

from bench import process
from bench.contenders import NotStarted
from bench.peers.peer import HOMES

Found = TypeVar("Found")
_START_S = 90.0
# `st` of /proc/net/tcp: https://docs.kernel.org/networking/proc_net_tcp.html
_LISTENS = "0A"


class Launched:
    """A running process of ours."""

    def __init__(self, name: str, running: subprocess.Popen[bytes], log: Path) -> None:
        self.pid = running.pid
        self.log = log
        self._name = name
        self._running = running

    def until(self, look: Callable[[], Found | None]) -> Found:
        """What `look` finds at last. Raises NotStarted when the process ends before, or takes too long."""
        deadline = time.monotonic() + _START_S
        while (found := look()) is None:
            if self._running.poll() is not None or time.monotonic() > deadline:
                raise NotStarted(f"{self._name} is left out: it did not start: {self._last_words()}")
            time.sleep(0.05)
        return found

    def answers(self, url: str) -> None:
        """Wait until `url` answers 200."""
        self.until(lambda: True if _is_ok(url) else None)

    def stays_home(self) -> None:
        """Raise NotStarted when the process listens on anything but the loopback."""
        strange = [address for address in listening(self.pid) if not ipaddress.ip_address(address).is_loopback]
        if strange:
            raise NotStarted(f"{self._name} is left out: it listens on {', '.join(strange)} instead of the loopback only")

    def _last_words(self) -> str:
        return " ".join(self.log.read_text(errors="replace")[-400:].split())


@contextlib.contextmanager
def launched(name: str, command: Sequence[str | Path], env: Mapping[str, str], cwd: Path | None = None) -> Generator[Launched]:
    """A process until the end of the block, with `env` and nothing else of ours but PATH. Its output goes to a file of its name."""
    HOMES.mkdir(parents=True, exist_ok=True)
    log = HOMES / f"{name}.log"
    words = [str(part) for part in command]
    # A home of its own keeps what a peer caches, or finds, out of the user's.
    surroundings = {"PATH": os.environ["PATH"], "HOME": str(HOMES), **env}
    with log.open("wb") as output:
        try:
            running = subprocess.Popen(words, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=surroundings, cwd=cwd)
        except OSError as error:
            raise NotStarted(f"{name} is left out: it is not installed ({error})") from error
        try:
            yield Launched(name, running, log)
        finally:
            _stop(running)


def listening(pid: int) -> Iterator[str]:
    """The addresses on which a process tree listens."""
    owned = {inode for each in process.tree(pid) for inode in _sockets(each)}
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == _LISTENS and fields[9] in owned:
                yield _address(fields[1].partition(":")[0])


def _stop(running: subprocess.Popen[bytes]) -> None:
    running.terminate()
    try:
        running.wait(10)
    except subprocess.TimeoutExpired:
        running.kill()
        running.wait()


def _is_ok(url: str) -> bool:
    try:
        with urlopen(url, timeout=2) as reply:
            return reply.status == 200
    except (URLError, OSError):
        return False


def _sockets(pid: int) -> Iterator[str]:
    """The inodes of a process's sockets, as /proc/net names them."""
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            target = str(link.readlink())
            if target.startswith("socket:["):
                yield target[8:-1]


def _address(text: str) -> str:
    """From the kernel's form: 32-bit words in the machine's order."""
    words = [bytes.fromhex(text[at : at + 8])[::-1] for at in range(0, len(text), 8)]
    return str(ipaddress.ip_address(b"".join(words)))
