"""`make bench-peers`: nginx, Dragoman and the peers in the same interleaved rounds, then tables and a plot.

BENCH_SECS (2) and BENCH_ROUNDS (3) bound it; BENCH_ONLY keeps the scenarios whose names hold that text, BENCH_PEERS (a list with commas)
the peers. BENCH_DOCS=1 puts the result into docs/peers.md and docs/peers.svg. A gateway of yours: PEER_URL, see bench/peers/given.py.
"""

from __future__ import annotations

import contextlib
import os
import platform
import subprocess
import sys
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from bench import process
from bench.contenders import RESULTS, Contender, NotStarted, dragoman, nginx, provider
from bench.load import Run, run
from bench.peers import plot, report
from bench.peers.given import given
from bench.peers.litellm_proxy import litellm
from bench.peers.peer import About, Peer
from bench.peers.portkey_gateway import portkey
from bench.peers.scenarios import PEER_SCENARIOS
from bench.peers.tensorzero_gateway import tensorzero
from bench.scenarios import Scenario

_DOCS = Path(__file__).parents[2] / "docs"
_BEGIN, _END = "<!-- figures: written by make bench-peers BENCH_DOCS=1 -->", "<!-- end of the figures -->"
_PEERS = {"litellm": litellm, "portkey": portkey, "tensorzero": tensorzero}
# Peers compile, import and fill their pools with their first requests; this many seconds a scenario are let go before any is measured.
_WARM_S = 1.0
_WAVES = 3
_LONGEST_S = 10.0
# A load average above this means that others work on the machine.
_IDLE_LOAD = 1.0
_QUIET_S = 0.2
_QUIET_CORES = 0.1


def main() -> None:
    """Measure, print, write down."""
    secs, rounds = float(os.environ.get("BENCH_SECS", "2")), int(os.environ.get("BENCH_ROUNDS", "3"))
    scenarios = [scenario for scenario in PEER_SCENARIOS if os.environ.get("BENCH_ONLY", "") in scenario.name]
    began = os.getloadavg()
    with _contenders() as contenders:
        abouts = {contender.name: _about(contender) for contender in contenders}
        lengths = _lengths(contenders, scenarios, secs)
        runs = [done for scenario in scenarios for done in _rounds(scenario, contenders, lengths, rounds)]
    heading = _heading(secs, rounds, began)
    text = report.markdown(runs, abouts, scenarios, heading)
    beside = ", beside other work" if began[0] > _IDLE_LOAD else ""
    picture = plot.svg(runs, abouts, f"{_machine()}, {time.strftime('%Y-%m-%d')}{beside}")
    print(text)
    (RESULTS / "peers.md").write_text(text)
    (RESULTS / "peers.svg").write_text(picture)
    (RESULTS / "peers.json").write_bytes(msgspec.json.format(msgspec.json.encode({"heading": heading, "abouts": abouts, "runs": runs})))
    if os.environ.get("BENCH_DOCS"):
        _publish(text, picture)


@contextlib.contextmanager
def _contenders() -> Generator[list[Contender]]:
    """All that start; one that does not is told in a line and left out."""
    wanted = [name for name in os.environ.get("BENCH_PEERS", ",".join(_PEERS)).split(",") if name]
    if unknown := set(wanted) - set(_PEERS):
        sys.exit(f"BENCH_PEERS names `{'`, `'.join(sorted(unknown))}`; there are {', '.join(_PEERS)}")
    starts = [nginx, dragoman, *(_PEERS[name] for name in wanted), *([given] if os.environ.get("PEER_URL") else [])]
    first_port = os.environ.get("BENCH_PROVIDER_PORT")
    with contextlib.ExitStack() as stack:
        upstream = stack.enter_context(provider(int(first_port) if first_port else None))
        found: list[Contender] = []
        for start in starts:
            try:
                found.append(stack.enter_context(start(upstream)))
            except NotStarted as error:
                _say(str(error))
        yield found


def _lengths(contenders: Sequence[Contender], scenarios: Sequence[Scenario], secs: float) -> dict[tuple[str, str], float]:
    """(scenario, contender) -> how long its runs are, after a warm-up of each."""
    lengths: dict[tuple[str, str], float] = {}
    for contender in contenders:
        for scenario in scenarios:
            if scenario.length_s is None and _carries(contender, scenario):
                lengths[scenario.name, contender.name] = _length(run(contender, scenario, 0, _WARM_S), scenario, secs)
        _say(f"{contender.name} is warm")
    return lengths


def _length(warm: Run, scenario: Scenario, secs: float) -> float:
    """`secs`, or longer for a slow contender: what is under way at the ends of a run must not outweigh what is in it."""
    if not warm.cpu_ms or not warm.cores:
        return secs
    requests_s = warm.cores * 1000 / warm.cpu_ms
    return min(max(secs, _WAVES * scenario.connections / requests_s), _LONGEST_S)


def _rounds(scenario: Scenario, contenders: Sequence[Contender], lengths: Mapping[tuple[str, str], float], rounds: int) -> Iterator[Run]:
    """A B C, C B A, A B C, …: what else the machine does falls on all alike."""
    present = [contender for contender in contenders if _carries(contender, scenario)]
    for number in range(min(rounds, scenario.rounds or rounds)):
        for contender in present if number % 2 == 0 else reversed(present):
            done = run(contender, scenario, number, lengths.get((scenario.name, contender.name), 0.0))
            cpu = "" if done.cpu_ms is None else f" cpu {done.cpu_ms:.3f} ms"
            sample = f" {done.load.err_sample}" if done.errors else ""
            _say(f"{scenario.name} #{number} {contender.name}: {done.load.rps:.0f}/s{cpu} errors {done.errors}{sample}")
            yield done
            _settle(contender)


def _settle(contender: Contender) -> None:
    """Wait for a contender to be done with what the load left behind, so that the next one does not pay for it."""
    deadline = time.monotonic() + _LONGEST_S
    while contender.pid is not None and time.monotonic() < deadline:
        before_s = process.cpu_s(contender.pid)
        time.sleep(_QUIET_S)
        if process.cpu_s(contender.pid) - before_s < _QUIET_CORES * _QUIET_S:
            return


def _carries(contender: Contender, scenario: Scenario) -> bool:
    """nginx knows no dialects, and Dragoman knows all."""
    if isinstance(contender, Peer):
        return (scenario.client, scenario.upstream) in contender.carries
    return contender.name != "nginx" or scenario.client == scenario.upstream


def _about(contender: Contender) -> About:
    if isinstance(contender, Peer):
        return contender.about
    if contender.name == "nginx":
        said = _output(["nginx", "-v"]).rpartition("/")[2]
        settings = "`proxy_pass`: one worker, connections kept, nothing buffered, no log; it reads neither keys nor bodies"
        return About("nginx", said.split()[0] if said else "", settings)
    commit = _output(["git", "rev-parse", "--short", "HEAD"])
    settings = "`dragoman serve`: one process, a client key, virtual models of two weighted targets, a record of every exchange into a file"
    return About("Dragoman", f"{commit} (Python {platform.python_version()})", settings)


def _heading(secs: float, rounds: int, began: tuple[float, float, float]) -> list[str]:
    lines = [
        f"Measured {time.strftime('%Y-%m-%d %H:%M')} on {_machine()}: "
        f"median of {rounds} interleaved rounds of {secs:g} s, or of {_WAVES} requests a connection.",
    ]
    if began[0] > _IDLE_LOAD:
        lines.append(
            f"**The machine was busy with other work** (load average {began[0]:.1f} before the first run): every figure is higher than "
            "it would be alone, those of contenders with much code and memory most of all. Ratios are a guide here, not a result."
        )
    return lines


def _machine() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
    return f"{os.cpu_count()} × {model}, Linux {platform.release().split('-')[0]}"


def _publish(text: str, picture: str) -> None:
    page = _DOCS / "peers.md"
    before, _, rest = page.read_text().partition(_BEGIN)
    _, _, after = rest.partition(_END)
    page.write_text(f"{before}{_BEGIN}\n\n{text.strip()}\n\n{_END}{after}")
    (_DOCS / "peers.svg").write_text(picture)


def _output(command: list[str]) -> str:
    path = os.pathsep.join((os.environ["PATH"], "/usr/sbin", "/usr/local/sbin"))
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "PATH": path})
    except OSError:
        return ""
    return (done.stdout + done.stderr).strip()


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
