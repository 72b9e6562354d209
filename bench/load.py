"""One run: load on one contender in one scenario, with the CPU and memory that it took."""

from __future__ import annotations

import subprocess
import tempfile
import time

import msgspec

from bench import process
from bench.bodies import body
from bench.contenders import HERE, Contender
from bench.scenarios import Scenario

# What each dialect's whole reply and stream must hold; a body without it counts as an error.
_ENDS = {("chat", True): "[DONE]", ("responses", True): "response.completed", ("chat", False): '"usage"', ("responses", False): '"usage"'}
_WARM_S = 0.3


class Load(msgspec.Struct, frozen=True):
    """What the load generator saw. Times in ms; `chunk`: from the provider's write of a delta to its arrival."""

    bad_status: int
    conn_err: int
    missing_expect: int
    rps: float
    lat_p50: float
    lat_p99: float
    ttfb_p50: float
    ttfb_p99: float
    chunk_p50: float
    chunk_p99: float
    chunks_s: float
    done_total: int
    err_sample: str


class Run(msgspec.Struct, frozen=True):
    """One row of the results. CPU in ms a request over the process tree; None where the contender is the provider itself."""

    scenario: str
    contender: str
    round: int
    load: Load
    cpu_ms: float | None = None
    cores: float | None = None
    rss_mb: float | None = None

    @property
    def errors(self) -> int:
        """Requests that did not end as they should."""
        return self.load.bad_status + self.load.conn_err + self.load.missing_expect


def run(contender: Contender, scenario: Scenario, number: int, secs: float) -> Run:
    """Warm up, load for `secs`, and tell what it took."""
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        file.write(body(scenario.client, scenario.size, contender.model(scenario), stream=scenario.stream))
        file.flush()
        command = _command(contender, scenario, file.name)
        if scenario.length_s is None:
            _generate([*command, "-d", str(_WARM_S), "-w", "0"])
        return _measured(contender, scenario, number, command, scenario.length_s or secs)


def _measured(contender: Contender, scenario: Scenario, number: int, command: list[str], secs: float) -> Run:
    drain_s = "0" if scenario.ramp_s else "3"
    command = [*command, "-d", str(secs), "-w", str(scenario.ramp_s), "-g", str(scenario.ramp_s), "-D", drain_s]
    pid = contender.pid
    if pid is None:
        return Run(scenario.name, contender.name, number, _generate(command))
    before_s, began_s = process.cpu_s(pid), time.monotonic()
    load = _generate(command)
    spent_s, wall_s = process.cpu_s(pid) - before_s, time.monotonic() - began_s
    # Streams that outlast the run say nothing of a whole request: there the cores count.
    cpu_ms = None if scenario.ramp_s else spent_s * 1000 / max(load.done_total, 1)
    return Run(scenario.name, contender.name, number, load, cpu_ms, spent_s / wall_s, process.rss_mb(pid))


def _command(contender: Contender, scenario: Scenario, file: str) -> list[str]:
    headers = [part for header in contender.sent(scenario) for part in ("-H", header)]
    end = _ENDS[scenario.client, scenario.stream]
    command = [str(HERE / "bin" / "load"), "-u", contender.url(scenario), "-b", file, "-e", end, "-c", str(scenario.connections)]
    return [*command, *(("-r", str(scenario.rate)) if scenario.rate is not None else ()), *headers]


def _generate(command: list[str]) -> Load:
    output = subprocess.run(command, capture_output=True, check=True).stdout
    return msgspec.json.decode(output, type=Load)
