"""What journeys send telemetry to: a real Prometheus, and a real collector of OpenTelemetry's traces."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import Generator
from http import HTTPStatus
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import urlopen

import yaml
from patience import PATIENCE_S, until
from ports import free_port

ROOT = Path(__file__).parents[2]
RULES = ROOT / "observability" / "prometheus" / "dragoman.rules.yml"
_TOOLS = os.pathsep.join([str(ROOT / ".tools" / "prometheus"), os.environ["PATH"]])
PROMETHEUS = shutil.which("prometheus", path=_TOOLS)
PROMTOOL = shutil.which("promtool", path=_TOOLS)


@contextlib.contextmanager
def running(*command: str, log: Path, **env: str) -> Generator[None]:
    """A program, for as long as the block lasts."""
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, env={"PATH": os.environ["PATH"], **env}, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, cwd=log.parent
        )
    try:
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


class Prometheus:
    """One that runs; `ask` is its API."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}"

    def ask(self, path: str, **query: str) -> Any:
        """The data of an answer, None as long as it does not answer. Raises HTTPError where it refuses the question."""
        try:
            with urlopen(f"{self._url}/api/v1/{path}?{urlencode(query)}", timeout=PATIENCE_S) as answer:
                told = json.load(answer)
        except (ConnectionError, TimeoutError):
            return None
        except HTTPError as error:
            # It listens a moment before it is ready.
            if error.code == HTTPStatus.SERVICE_UNAVAILABLE:
                return None
            raise
        except URLError as error:
            if isinstance(error.reason, ConnectionError | TimeoutError):
                return None
            raise
        assert told["status"] == "success"
        return told["data"]

    def value(self, expression: str) -> float | None:
        """The one value that an expression has now."""
        data = self.ask("query", query=expression)
        results = data["result"] if data else []
        return float(results[0]["value"][1]) if results else None


@contextlib.contextmanager
def prometheus(folder: Path, target: str, key: str | None = None) -> Generator[Prometheus]:
    """One that scrapes this address each second and evaluates our rules."""
    assert PROMETHEUS is not None
    job: dict[str, Any] = {"job_name": "dragoman", "static_configs": [{"targets": [target.removeprefix("http://")]}]}
    if key is not None:
        job["authorization"] = {"credentials": key}
    often = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config = folder / "prometheus.yml"
    config.write_text(yaml.safe_dump({"global": often, "rule_files": [str(RULES)], "scrape_configs": [job]}))
    port = free_port()
    arguments = (f"--config.file={config}", f"--storage.tsdb.path={folder / 'tsdb'}", f"--web.listen-address=127.0.0.1:{port}")
    with running(PROMETHEUS, *arguments, log=folder / "prometheus.log"):
        yield Prometheus(port)


class Collector:
    """A collector of traces that runs; `log` tells what it received."""

    def __init__(self, port: int, log: Path) -> None:
        self.endpoint = f"http://127.0.0.1:{port}"
        self._log = log

    def received(self, *words: str) -> str | None:
        """All that it told so far, if all these words are in it."""
        text = self._log.read_text(errors="replace")
        return text if all(word in text for word in words) else None


@contextlib.contextmanager
def collector(folder: Path) -> Generator[Collector]:
    """A real collector (rotel), which writes down each span that it gets."""
    spec = find_spec("rotel")
    assert spec is not None
    assert spec.submodule_search_locations
    program = str(Path(next(iter(spec.submodule_search_locations))) / "rotel-agent")
    port, other = free_port(), free_port()
    made = Collector(port, folder / "collector.log")
    arguments = ("--exporter", "blackhole", "--otlp-http-endpoint", f"127.0.0.1:{port}", "--otlp-grpc-endpoint", f"127.0.0.1:{other}")
    files = ("--pid-file", str(folder / "collector.pid"), "--log-file", str(folder / "agent.log"))
    told = ("--debug-log", "traces", "--debug-log-verbosity", "detailed")
    with running(program, "start", *arguments, *files, *told, log=folder / "collector.log"):
        until(lambda: made.received("Starting Rotel"), "the collector")
        yield made
