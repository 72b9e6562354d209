"""What is measured side by side: the stand-in provider itself, nginx before it, and Dragoman before it. Starts and stops them."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path

import msgspec

from bench.scenarios import PACES, Scenario

HERE = Path(__file__).parent
RESULTS = HERE / "results"
CLIENT_KEY = "bench-client-key"
PROVIDER_KEY = "bench-provider-key"
_PATHS = {"chat": "/v1/chat/completions", "responses": "/v1/responses"}
_START_S = 15.0


class Contender(msgspec.Struct, frozen=True):
    """One thing under load. `ports`: pace -> port. `pid` None: its CPU is not told (the provider itself)."""

    name: str
    ports: dict[str, int]
    pid: int | None = None
    headers: tuple[str, ...] = ()

    def url(self, scenario: Scenario) -> str:
        """Where the client of a scenario sends to."""
        return f"http://127.0.0.1:{self.ports[scenario.pace]}{_PATHS[scenario.client]}"

    def model(self, scenario: Scenario) -> str:
        """The virtual model that leads to a scenario's provider and pace."""
        return f"{scenario.pace}-{scenario.upstream}"

    def sent(self, scenario: Scenario) -> tuple[str, ...]:
        """The header lines of a scenario's requests."""
        return self.headers


class NotStarted(Exception):
    """A contender that could not be started, and why."""


@contextlib.contextmanager
def provider(first_port: int | None = None) -> Generator[Contender]:
    """The stand-in provider, one port a pace: free ones, or those from `first_port` on."""
    numbers = free_ports(len(PACES)) if first_port is None else range(first_port, first_port + len(PACES))
    ports = dict(zip(PACES, numbers, strict=True))
    specs = [f"{ports[name]}:{pace.chunks}:{pace.first_us}:{pace.interval_us}" for name, pace in PACES.items()]
    with _running("direct", [str(HERE / "bin" / "upstream"), *specs], list(ports.values())):
        yield Contender("direct", ports)


@contextlib.contextmanager
def nginx(upstream: Contender) -> Generator[Contender]:
    """nginx `proxy_pass`: one worker, connections to the provider kept, streams not buffered."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        raise NotStarted("nginx is not installed (on Debian: apt-get install nginx-light); the ratios need it")
    ports = dict(zip(PACES, free_ports(len(PACES)), strict=True))
    home = RESULTS / "nginx"
    home.mkdir(parents=True, exist_ok=True)
    config = home / "nginx.conf"
    config.write_text(_nginx_config(home, ports, upstream.ports))
    with _running("nginx", [program, "-p", str(home), "-c", str(config), "-e", str(home / "error.log")], list(ports.values())) as pid:
        yield Contender("nginx", ports, pid)


def _nginx_config(home: Path, ports: dict[str, int], upstream: dict[str, int]) -> str:
    servers = "\n".join(
        f"""
  upstream {pace} {{ server 127.0.0.1:{upstream[pace]}; keepalive 600; keepalive_requests 10000000; }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{ proxy_pass http://{pace}; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; }}
  }}"""
        for pace, port in ports.items()
    )
    temporary = "\n".join(f"  {name}_temp_path {home}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    return f"""daemon off;
worker_processes 1;
pid {home}/nginx.pid;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  keepalive_requests 10000000;
  client_body_buffer_size 128k;
{temporary}
{servers}
}}
"""


@contextlib.contextmanager
def dragoman(upstream: Contender) -> Generator[Contender]:
    """The real `dragoman serve`: a client key, virtual models with weighted targets, and the terminal record on, into a file. The journal
    is off, as nothing beside it keeps one, unless BENCH_JOURNAL is set."""
    port = free_ports(1)[0]
    config = RESULTS / "dragoman.yaml"
    # JSON is YAML too.
    config.write_text(json.dumps(_dragoman_config(upstream.ports), indent=2))
    program = Path(sys.executable).with_name("dragoman")
    command = [str(program), "serve", "--config", str(config), "--port", str(port)]
    with _running("dragoman", command, [port]) as pid:
        yield Contender("dragoman", dict.fromkeys(PACES, port), pid, (f"authorization: Bearer {CLIENT_KEY}",))


def _dragoman_config(upstream: dict[str, int]) -> dict[str, object]:
    names = [(pace, dialect) for pace in PACES for dialect in _PATHS]
    providers = {
        f"{pace}-{dialect}": {
            "kind": "openai",
            "base_url": f"http://127.0.0.1:{upstream[pace]}/v1",
            "dialect": dialect,
            "keys": [PROVIDER_KEY],
            "list": False,
        }
        for pace, dialect in names
    }
    targets = {f"{pace}-{dialect}": [(f"{pace}-{dialect}/gpt-5.5", 80), (f"{pace}-{dialect}/gpt-5.4", 20)] for pace, dialect in names}
    models = {name: {"targets": [{"model": target, "weight": weight} for target, weight in rows]} for name, rows in targets.items()}
    database = f"sqlite:///{RESULTS / 'journal.db'}" if keeps_journal() else "none"
    return {"providers": providers, "models": models, "access": {"keys": [{"name": "bench", "key": CLIENT_KEY}]}, "database": database}


def keeps_journal() -> bool:
    """Whether Dragoman is measured with its journal."""
    return bool(os.environ.get("BENCH_JOURNAL"))


@contextlib.contextmanager
def _running(name: str, command: list[str], ports: list[int]) -> Generator[int]:
    """A process of ours, from its ports being open until the end of the block. Its output goes to a file of its name."""
    RESULTS.mkdir(exist_ok=True)
    log = RESULTS / f"{name}.log"
    env = {**os.environ, "XDG_DATA_HOME": str(RESULTS / "data")}
    with log.open("wb") as output:
        try:
            process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=env)
        except OSError as error:
            raise NotStarted(f"{name} did not start: {error}") from error
        try:
            _await_ports(name, process, ports, log)
            yield process.pid
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _await_ports(name: str, process: subprocess.Popen[bytes], ports: list[int], log: Path) -> None:
    deadline = time.monotonic() + _START_S
    for port in ports:
        while not _is_open(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise NotStarted(f"{name} did not start: {log.read_text(errors='replace')[-800:].strip()}")
            time.sleep(0.02)


def _is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_ports(count: int) -> list[int]:
    """Ports of the loopback that nobody listens on now."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()
