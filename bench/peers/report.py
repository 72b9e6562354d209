"""Figures -> the tables of docs/peers.md: what ran, CPU a request, the load carried, one connection, many slow streams, memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bench.load import Run
from bench.peers.figures import Figures, figures
from bench.peers.peer import About
from bench.peers.scenarios import LABELS
from bench.scenarios import Scenario

_BASE = "nginx"
_LATENCY = "latency-chat-json-small"
_SLOW = "slow-500-chat-streams"


def markdown(runs: Sequence[Run], abouts: dict[str, About], scenarios: Sequence[Scenario], heading: Sequence[str]) -> str:
    """All tables. `abouts`: contender -> what is to be said of it, in the order of the rows."""
    loads = [scenario for scenario in scenarios if scenario.name not in (_LATENCY, _SLOW)]
    names = [scenario.name for scenario in scenarios]
    sections = [*heading, "### What ran", _what_ran(abouts)]
    sections += ["### CPU, ms a request (times nginx)", _grid(runs, abouts, loads, lambda found, base: _cpu(found, base))]
    sections += ["### Requests a second", _grid(runs, abouts, loads, lambda found, _: _figure(found.requests_s, ",.0f"))]
    if _LATENCY in names:
        sections += [f"### {_title(LABELS[_LATENCY])}", _latency(runs, abouts)]
    if _SLOW in names:
        sections += [f"### {_title(LABELS[_SLOW])}", _slow(runs, abouts)]
    sections += ["### Memory, MB (largest of all runs)", _memory(runs, abouts, names)]
    if failures := _failures(runs, abouts, names):
        sections += ["### What failed", *failures]
    return "\n\n".join(sections) + "\n"


def _what_ran(abouts: dict[str, About]) -> str:
    return _table(("contender", "version", "settings"), [(about.name, about.version, about.settings) for about in abouts.values()])


def _grid(runs: Sequence[Run], abouts: dict[str, About], loads: Sequence[Scenario], cell: Callable[[Figures, Figures | None], str]) -> str:
    head = ("", *(LABELS[scenario.name] for scenario in loads))
    rows = [
        (about.name, *(_cell(figures(runs, load.name, name), figures(runs, load.name, _BASE), cell) for load in loads))
        for name, about in abouts.items()
    ]
    return _table(head, rows)


def _cell(found: Figures | None, base: Figures | None, cell: Callable[[Figures, Figures | None], str]) -> str:
    if found is None:
        return "–"
    return "failed" if found.failed else cell(found, base)


def _cpu(found: Figures, base: Figures | None) -> str:
    if found.cpu_ms is None:
        return "not told"
    form = ".3f" if found.cpu_ms < 1 else ".2f" if found.cpu_ms < 10 else ".1f"
    return format(found.cpu_ms, form) + (_times(found.cpu_ms / base.cpu_ms) if base and base.cpu_ms else "")


def _times(ratio: float) -> str:
    return f" ({ratio:.1f} ×)" if ratio < 100 else f" ({ratio:,.0f} ×)"


def _latency(runs: Sequence[Run], abouts: dict[str, About]) -> str:
    head = ("", "p50 ms", "p99 ms", "CPU ms a request")
    return _single(runs, abouts, _LATENCY, head, lambda f: (_figure(f.p50_ms, ".2f"), _figure(f.p99_ms, ".2f"), _figure(f.cpu_ms, ".3f")))


def _slow(runs: Sequence[Run], abouts: dict[str, About]) -> str:
    head = ("", "cores", "deltas delivered a second (of 10,000)", "p99 of what a delta waits, ms", "MB")
    return _single(
        runs,
        abouts,
        _SLOW,
        head,
        lambda f: (_figure(f.cores, ".2f"), _figure(f.deltas_s, ",.0f"), _figure(f.delta_p99_ms, ".1f"), _figure(f.rss_mb, ".0f")),
    )


def _single(
    runs: Sequence[Run], abouts: dict[str, About], scenario: str, head: tuple[str, ...], cells: Callable[[Figures], tuple[str, ...]]
) -> str:
    rows: list[tuple[str, ...]] = []
    for name, about in abouts.items():
        found = figures(runs, scenario, name)
        if found is not None:
            rows.append((about.name, *(("failed",) + ("–",) * (len(head) - 2) if found.failed else cells(found))))
    return _table(head, rows)


def _memory(runs: Sequence[Run], abouts: dict[str, About], names: Sequence[str]) -> str:
    def largest(contender: str) -> str:
        sizes = [run.rss_mb for run in runs if run.contender == contender and run.scenario in names and run.rss_mb is not None]
        return _figure(max(sizes, default=None), ".0f")

    return _table(tuple(about.name for about in abouts.values()), [tuple(largest(name) for name in abouts)])


def _failures(runs: Sequence[Run], abouts: dict[str, About], names: Sequence[str]) -> list[str]:
    lines = [
        _failure(about.name, scenario, found)
        for name, about in abouts.items()
        for scenario in names
        if (found := figures(runs, scenario, name)) is not None and found.errors
    ]
    return ["\n".join(lines)] if lines else []


def _failure(name: str, scenario: str, found: Figures) -> str:
    said = " ".join(found.failed.split())[:160].replace("`", "'")
    reason = f" (`{said}`)" if said else ""
    return f"- {name}, {LABELS[scenario]}: {found.errors} requests did not end as they should{reason}"


def _title(text: str) -> str:
    return text[0].upper() + text[1:]


def _figure(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(["| " + " | ".join(head) + " |", "|" + "---|" * len(head), *("| " + " | ".join(row) + " |" for row in rows)])
