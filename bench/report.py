"""Runs -> tables: medians over the rounds, ratios to nginx, and the aims beside what was measured."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence

from bench.load import Run
from bench.scenarios import SCENARIOS, Scenario

Cost = tuple[str, float]
"""(what, microseconds an event)."""
EVENT_AIM_US = 5.0
_BASE = "nginx"
_OURS = "dragoman"


def markdown(runs: Sequence[Run], costs: Sequence[Cost], about: Sequence[str]) -> str:
    """The whole report."""
    sections = [*about, "## Aims", _aims(runs, costs), "## Cost of one event on the translate lane", _micro(costs)]
    for scenario in SCENARIOS:
        rows = [run for run in runs if run.scenario == scenario.name]
        if rows:
            sections += [f"## {scenario.name}", _scenario(scenario, rows, runs)]
    return "\n\n".join(sections) + "\n"


def _aims(runs: Sequence[Run], costs: Sequence[Cost]) -> str:
    lines = [_aim(scenario, runs) for scenario in SCENARIOS if scenario.aim is not None]
    lines += [
        f"| {what} | {EVENT_AIM_US:g} µs an event | {cost:.2f} µs | {_met(cost, EVENT_AIM_US)} |"
        for what, cost in costs
        if "whole lane" in what
    ]
    return _table(("what", "aim", "measured", "met"), lines)


def _aim(scenario: Scenario, runs: Sequence[Run]) -> str:
    aim = scenario.aim or 0.0
    ratio = _ratio(scenario, _OURS, runs)
    return f"| {scenario.name} | {aim:g} × nginx | {_figure(ratio, '.1f')} × | {_met(ratio, aim)} |"


def _met(figure: float | None, aim: float) -> str:
    if figure is None:
        return "not measured"
    return "yes" if figure <= aim else "**no**"


def _micro(costs: Sequence[Cost]) -> str:
    return _table(("what", "µs an event"), [f"| {what} | {cost:.2f} |" for what, cost in costs])


def _scenario(scenario: Scenario, rows: Sequence[Run], runs: Sequence[Run]) -> str:
    head = ("contender", "CPU ms/request", "× nginx", "requests/s", "p50 ms", "p99 ms", "first byte p50 ms", "RSS MB", "cores", "errors")
    head += ("delta p50 ms", "delta p99 ms") if scenario.stream else ()
    names = [name for name in scenario.contenders if any(row.contender == name for row in rows)]
    return _table(head, [_row(scenario, name, [row for row in rows if row.contender == name], runs) for name in names])


def _row(scenario: Scenario, name: str, rows: Sequence[Run], runs: Sequence[Run]) -> str:
    cells = [
        name,
        _figure(_median(row.cpu_ms for row in rows), ".3f"),
        _figure(_ratio(scenario, name, runs), ".1f"),
        _figure(_median(row.load.rps for row in rows), ".0f"),
        _figure(_median(row.load.lat_p50 for row in rows), ".2f"),
        _figure(_median(row.load.lat_p99 for row in rows), ".2f"),
        _figure(_median(row.load.ttfb_p50 for row in rows), ".2f"),
        _figure(_median(row.rss_mb for row in rows), ".0f"),
        _figure(_median(row.cores for row in rows), ".2f"),
        str(sum(row.errors for row in rows)),
    ]
    if scenario.stream:
        cells.append(_figure(_median(row.load.chunk_p50 for row in rows), ".2f"))
        cells.append(_figure(_median(row.load.chunk_p99 for row in rows), ".2f"))
    return "| " + " | ".join(cells) + " |"


def _ratio(scenario: Scenario, name: str, runs: Sequence[Run]) -> float | None:
    """CPU a request against nginx's under the same load. A scenario that keeps its streams open is compared by cores."""
    measure: Callable[[Run], float | None] = (lambda run: run.cores) if scenario.ramp_s else (lambda run: run.cpu_ms)
    ours = _median(measure(run) for run in runs if run.scenario == scenario.name and run.contender == name)
    base = _median(measure(run) for run in runs if run.scenario == scenario.name and run.contender == _BASE)
    return ours / base if ours is not None and base else None


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def _figure(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)


def _table(head: Sequence[str], lines: Sequence[str]) -> str:
    return "\n".join(["| " + " | ".join(head) + " |", "|" + "---|" * len(head), *lines])
