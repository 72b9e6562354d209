"""Ten thousand idle connections: a request is still answered, they cost little, and they leave nothing behind."""

from __future__ import annotations

import resource
import socket
from pathlib import Path

import pytest
from living import living
from wire_client import Caller, get

CROWD = 10_000
ROOM = CROWD + 500


@pytest.mark.skipif(resource.getrlimit(resource.RLIMIT_NOFILE)[1] < ROOM, reason="this machine allows too few open files")
def test_ten_thousand_idle_connections_are_cheap(tmp_path: Path) -> None:
    resource.setrlimit(
        resource.RLIMIT_NOFILE, (max(ROOM, resource.getrlimit(resource.RLIMIT_NOFILE)[0]), resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    )
    config = {
        "providers": {"demo": {"kind": "demo"}},
        "server": {"limits": {"connections": ROOM, "header_s": 60}},
        "log": {"exchanges": False},
    }
    with living(tmp_path, config, files=1024) as gateway:
        before = gateway.at_rest()
        rss_mb = gateway.rss_mb
        crowd = [socket.create_connection((gateway.host, gateway.port), 30) for _ in range(CROWD)]
        for sock in crowd[::2]:
            sock.sendall(get())
        for sock in crowd[::2]:
            assert sock.recv(4096).startswith(b"HTTP/1.1 200")

        with Caller(gateway.host, gateway.port) as caller:
            assert caller.ask(get("/v1/models")).status == 200
        assert gateway.census()["clients"] >= CROWD
        each_kb = (gateway.rss_mb - rss_mb) * 1000 / CROWD
        print(f"{CROWD} connections: {gateway.rss_mb - rss_mb:.0f} MB, {each_kb:.1f} kB each")
        assert each_kb < 20

        for sock in crowd:
            sock.close()
        after = gateway.settled(before)
        assert (after.files <= before.files, after.tasks, after.clients) == (True, before.tasks, 0)
