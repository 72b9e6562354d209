"""`make bench`: every scenario in interleaved rounds, then the tables, on the terminal and in bench/results/.

BENCH_SECS (1.2) and BENCH_ROUNDS (3) bound it; BENCH_ONLY keeps the scenarios whose names hold that text; BENCH_JOURNAL=1 has Dragoman keep
its journal.
"""

from __future__ import annotations

import contextlib
import os
import platform
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from pathlib import Path

import msgspec

from bench import micro, report
from bench.contenders import RESULTS, Contender, NotStarted, dragoman, keeps_journal, nginx, provider
from bench.load import Run, run
from bench.scenarios import SCENARIOS, Scenario


def main() -> None:
    """Measure, print, write down."""
    secs, rounds = float(os.environ.get("BENCH_SECS", "1.2")), int(os.environ.get("BENCH_ROUNDS", "3"))
    only = os.environ.get("BENCH_ONLY", "")
    scenarios = [scenario for scenario in SCENARIOS if only in scenario.name]
    costs = [] if only else micro.costs()
    with _contenders() as contenders:
        runs = [done for scenario in scenarios for done in _rounds(scenario, contenders, secs, rounds)]
    text = report.markdown(runs, costs, _about(secs, rounds))
    print(text)
    (RESULTS / "results.md").write_text(text)
    (RESULTS / "results.json").write_bytes(msgspec.json.format(msgspec.json.encode({"runs": runs, "events": costs})))


@contextlib.contextmanager
def _contenders() -> Generator[dict[str, Contender]]:
    """All that start, by name; one that does not is told and left out."""
    with contextlib.ExitStack() as stack:
        upstream = stack.enter_context(provider())
        found = {upstream.name: upstream}
        for start in (nginx, dragoman):
            try:
                contender = stack.enter_context(start(upstream))
            except NotStarted as error:
                _say(str(error))
            else:
                found[contender.name] = contender
        yield found


def _rounds(scenario: Scenario, contenders: dict[str, Contender], secs: float, rounds: int) -> Iterator[Run]:
    """A B, B A, A B, …: what else the machine does falls on all alike."""
    present = [contenders[name] for name in scenario.contenders if name in contenders]
    for number in range(min(rounds, scenario.rounds or rounds)):
        for contender in present if number % 2 == 0 else reversed(present):
            done = run(contender, scenario, number, secs)
            sample = f" {done.load.err_sample}" if done.errors else ""
            cpu = "" if done.cpu_ms is None else f" cpu {done.cpu_ms:.3f} ms"
            _say(f"{scenario.name} #{number} {contender.name}: {done.load.rps:.0f}/s{cpu} errors {done.errors}{sample}")
            yield done


def _about(secs: float, rounds: int) -> list[str]:
    model = next((line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), platform.machine())
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False).stdout.strip()
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    return [
        f"Measured {time.strftime('%Y-%m-%d')} at {commit}: {os.cpu_count()} × {model}, Python {platform.python_version()}, "
        f"median of {rounds} interleaved rounds of {secs:g} s, load average {load}, "
        f"journal {'on' if keeps_journal() else 'off'}.",
    ]


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines()


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
