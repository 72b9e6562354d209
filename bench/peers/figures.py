"""Runs -> one figure a contender and scenario: medians over the rounds, and whether the contender bore the load at all."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence

import msgspec

from bench.load import Run

# More failed requests than this, and a figure would be of something else.
_FAILED_SHARE = 0.01


class Figures(msgspec.Struct, frozen=True):
    """Of one contender in one scenario. `cpu_ms`: a request; None for what was not to be had. `failed`: why it has no figures."""

    cpu_ms: float | None = None
    cores: float | None = None
    requests_s: float | None = None
    p50_ms: float | None = None
    p99_ms: float | None = None
    delta_p99_ms: float | None = None
    deltas_s: float | None = None
    rss_mb: float | None = None
    errors: int = 0
    failed: str = ""


def figures(runs: Sequence[Run], scenario: str, contender: str) -> Figures | None:
    """None where the contender did not run the scenario."""
    rows = [run for run in runs if run.scenario == scenario and run.contender == contender]
    if not rows:
        return None
    errors = sum(row.errors for row in rows)
    if errors > _FAILED_SHARE * sum(row.load.done_total + row.errors for row in rows):
        return Figures(errors=errors, failed=next(row.load.err_sample for row in rows if row.errors) or "connections ended early")

    def median(measure: Callable[[Run], float | None]) -> float | None:
        return _median(measure(row) for row in rows)

    return Figures(
        cpu_ms=median(lambda row: row.cpu_ms),
        cores=median(lambda row: row.cores),
        requests_s=median(_requests_s),
        p50_ms=median(lambda row: row.load.lat_p50),
        p99_ms=median(lambda row: row.load.lat_p99),
        delta_p99_ms=median(lambda row: row.load.chunk_p99),
        deltas_s=median(lambda row: row.load.chunks_s),
        rss_mb=median(lambda row: row.rss_mb),
        errors=errors,
    )


def _requests_s(run: Run) -> float:
    """Ended within the run, or ended at all by the time that took: with few a connection, the first leaves out what was under way."""
    if not run.cores or not run.cpu_ms:
        return run.load.rps
    return max(run.load.rps, run.cores * 1000 / run.cpu_ms)


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None
