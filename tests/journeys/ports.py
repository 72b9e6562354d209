"""Ports for programs that cannot say which one they took, or must come back to the one that they had."""

from __future__ import annotations

import itertools
import os
import random
import socket

_FIRST, _SHARE, _SHARES = 10_240, 1_000, 20
"""Below all that Linux gives to whoever asks for any port (32768 and up), so that nobody else comes by one of them meanwhile."""
_WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")
_BEGIN = _FIRST + _SHARE * (int(_WORKER.removeprefix("gw") or _SHARES - 1) % _SHARES)
_TURNS = itertools.count(random.randrange(_SHARE))


def free_port() -> int:
    """A port of 127.0.0.1 that nobody has, nor gets: each worker has a thousand of its own, and takes one after the other."""
    for turn in itertools.islice(_TURNS, _SHARE):
        port = _BEGIN + turn % _SHARE
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError(f"every port from {_BEGIN} to {_BEGIN + _SHARE - 1} is taken")
