"""TensorZero's gateway in Rust, out of its wheel; its deployment by container is the same code over HTTP."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Generator
from pathlib import Path
from urllib.parse import urlsplit

from bench.contenders import PROVIDER_KEY, Contender, NotStarted
from bench.peers.launch import Launched, launched
from bench.peers.peer import HOMES, PEERS, About, Peer
from bench.scenarios import PACES

_PYTHON = PEERS / "tensorzero" / "bin" / "python"
_SERVE = Path(__file__).with_name("serve_tensorzero.py")
_SETTINGS = (
    "`observability.enabled = false` (it would write to ClickHouse), no client key (it keeps those in Postgres), `RUST_LOG=error`, "
    "as many threads as the machine has cores, Chat Completions only"
)


@contextlib.contextmanager
def tensorzero(upstream: Contender) -> Generator[Contender]:
    """The gateway on a port of its own choice, on the loopback."""
    if not _PYTHON.exists():
        raise NotStarted("tensorzero is left out: it is not installed")
    HOMES.mkdir(parents=True, exist_ok=True)
    config = HOMES / "tensorzero.toml"
    config.write_text("\n".join(["[gateway]", "observability.enabled = false", *(_model(*each) for each in upstream.ports.items())]))
    env = {"BENCH_PROVIDER_KEY": PROVIDER_KEY, "RUST_LOG": "error"}
    with launched("tensorzero", [_PYTHON, "-W", "ignore", _SERVE, config], env) as running:
        address = urlsplit(running.until(lambda: _address(running)))
        if address.port is None:
            raise NotStarted(f"tensorzero is left out: its address has no port (`{address.geturl()}`)")
        running.stays_home()
        yield Peer(
            "tensorzero",
            dict.fromkeys(PACES, address.port),
            running.pid,
            about=About("TensorZero", _version(), _SETTINGS),
            carries={("chat", "chat"): "tensorzero::model_name::{pace}-chat"},
            base=address.path.rstrip("/"),
        )


def _model(pace: str, port: int) -> str:
    return f"""
[models.{pace}-chat]
routing = ["stand-in"]

[models.{pace}-chat.providers.stand-in]
type = "openai"
model_name = "gpt-5.5"
api_base = "http://127.0.0.1:{port}/v1"
api_key_location = "env::BENCH_PROVIDER_KEY"
"""


def _address(running: Launched) -> str | None:
    lines = running.log.read_text(errors="replace").splitlines()
    return next((line for line in lines if line.startswith("http://")), None)


def _version() -> str:
    asked = "import importlib.metadata as m; print(m.version('tensorzero'))"
    return subprocess.run([_PYTHON, "-c", asked], capture_output=True, text=True, check=True).stdout.strip() + " (wheel)"
