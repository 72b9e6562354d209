"""Portkey's open-source gateway on node, over the versions of its dependencies that its own lock file names.

Over the newest that npm finds, its streams fail: `@hono/node-server` 1.19 hands it headers that it may not change.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
from collections.abc import Generator
from pathlib import Path

from bench.contenders import PROVIDER_KEY, Contender, NotStarted, free_ports
from bench.peers.launch import launched
from bench.peers.peer import PEERS, About, Peer
from bench.scenarios import PACES

_HOME = PEERS / "portkey"
_PACKAGE = _HOME / "node_modules" / "@portkey-ai" / "gateway"
_LOOPBACK = Path(__file__).with_name("loopback.cjs")
_SETTINGS = (
    "one process, `NODE_ENV=production`, `--headless` (no console, no request log), no cache, no client key (it has none: the request "
    "carries the provider's), address forced to the loopback"
)


@contextlib.contextmanager
def portkey(upstream: Contender) -> Generator[Contender]:
    """The gateway on a free port. It has no configuration of providers: every request says where it goes to."""
    node = shutil.which("node")
    if node is None or not _PACKAGE.exists():
        raise NotStarted("portkey is left out: it is not installed")
    port = free_ports(1)[0]
    command = [node, "--require", _LOOPBACK, _PACKAGE / "build" / "start-server.js", f"--port={port}", "--headless"]
    # It sends to no private address but those named here.
    env = {"NODE_ENV": "production", "TRUSTED_CUSTOM_HOSTS": "127.0.0.1"}
    with launched("portkey", command, env, _HOME) as running:
        running.answers(f"http://127.0.0.1:{port}/")
        running.stays_home()
        yield Peer(
            "portkey",
            dict.fromkeys(PACES, port),
            running.pid,
            (f"authorization: Bearer {PROVIDER_KEY}", "x-portkey-provider: openai"),
            about=About("Portkey", _version(node), _SETTINGS),
            carries={(dialect, dialect): f"{{pace}}-{dialect}" for dialect in ("chat", "responses")},
            paced={pace: (f"x-portkey-custom-host: http://127.0.0.1:{port}/v1",) for pace, port in upstream.ports.items()},
        )


def _version(node: str) -> str:
    engine = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    return f"{json.loads((_PACKAGE / 'package.json').read_text())['version']} (node {engine.removeprefix('v')})"
