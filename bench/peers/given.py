"""A gateway that somebody else runs on this machine, given by PEER_URL; what it must be set up for is in docs/peers.md."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Generator
from urllib.parse import urlsplit

from bench.contenders import Contender, NotStarted
from bench.peers.launch import listening
from bench.peers.peer import About, Peer
from bench.scenarios import PACES


@contextlib.contextmanager
def given(upstream: Contender) -> Generator[Contender]:
    """PEER_URL up to `/v1`; PEER_PID tells CPU and memory, PEER_NAME, PEER_VERSION and PEER_KEY are as they say."""
    address = urlsplit(os.environ["PEER_URL"])
    if address.scheme != "http" or address.hostname not in ("127.0.0.1", "localhost") or address.port is None:
        raise NotStarted(f"`{address.geturl()}` is left out: PEER_URL must be http://127.0.0.1:PORT/PATH: load stays on the loopback")
    pid = os.environ.get("PEER_PID")
    if pid and not any(listening(int(pid))):
        raise NotStarted(f"`{address.geturl()}` is left out: process {pid} listens on nothing")
    name, key = os.environ.get("PEER_NAME", "given"), os.environ.get("PEER_KEY")
    dialects = os.environ.get("PEER_DIALECTS", "chat,responses").split(",")
    yield Peer(
        name,
        dict.fromkeys(PACES, address.port),
        int(pid) if pid else None,
        (f"authorization: Bearer {key}",) if key else (),
        about=About(name, os.environ.get("PEER_VERSION", ""), os.environ.get("PEER_SETTINGS", "as it was found")),
        carries={(dialect, dialect): f"{{pace}}-{dialect}" for dialect in dialects},
        base=address.path.rstrip("/"),
    )
