"""`dragoman usage`: what was used and what it cost, by whatever it is grouped by, over time."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import click
import msgspec

from dragoman.cli.amounts import clock, count, failed, percent, seconds, spent
from dragoman.cli.asking import config_option, gateway_option, nothing
from dragoman.cli.columns import shortened
from dragoman.cli.journal import Source, filtered, given_options, table
from dragoman.observe.line import legible

_HEAD = ("requests", "failed", "in", "cached", "out", "cost", "first token", "total", "tokens/s")
_RANKS = ("p50", "p95", "p99")


@click.command()
@click.option(
    "--by", default="model", show_default=True, help="What to group by, several with commas: model, provider, client, user, team, agent, …"
)
@click.option("--period", type=click.Choice(["hour", "day", "week"]), help="And by periods of time.")
@click.option("--percentiles", metavar="TIME", help="Percentiles of a time: total_s, first_token_s, generation_s, own_s.")
@filtered
@gateway_option
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def usage(
    by: str, period: str | None, percentiles: str | None, gateway: str | None, config: str | None, as_json: bool, **options: str | None
) -> None:
    """Sum up what was used: requests, tokens, cost, times; for example `--by model --since 7d`."""
    wanted = given_options(options)
    grouping = given_options({"by": by, "period": period, "percentiles": percentiles, "utc_offset_s": str(time.localtime().tm_gmtoff)})
    source = Source(gateway, config)
    found = source.usage({**wanted, **grouping})
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(found)))
        return
    names = [name.strip() for name in by.split(",") if name.strip()]
    measures = [name.strip() for name in (percentiles or "").split(",") if name.strip()]
    rows = [(*_group(row, names, period), *_sums(row), *_ranks(row, measures)) for row in found["usage"]]
    if not rows:
        click.echo(nothing(source.name, is_filtered=bool(wanted)), err=True)
        return
    groups = (*(["from"] if period else []), *names)
    total = (*(["all", *[""] * len(groups)][: len(groups)]), *_sums(found["total"]), *[""] * (len(measures) * len(_RANKS)))
    head = (*groups, *_HEAD, *(f"{name} {rank}" for name in measures for rank in _RANKS))
    click.echo("\n".join(table(head, [*rows, *([total] if len(rows) > 1 and groups else [])], left=len(groups))))
    if (further := found.get("groups", len(rows)) - len(rows)) > 0:
        click.echo(click.style(f"and {further} more; what stands behind `all` is of all of them", dim=True))
    if unpriced := found["total"].get("unpriced"):
        have = "1 request has" if unpriced == 1 else f"{unpriced} requests have"
        click.echo(click.style(f"{have} a model whose price is not known; see `prices` in the config.", dim=True))


def _group(row: Mapping[str, Any], names: Sequence[str], period: str | None) -> list[str]:
    at = [clock(row["period_at"])[: 16 if period == "hour" else 10]] if period else []
    return [*at, *(shortened(legible(str(row[name]))) if row[name] not in (None, "") else "-" for name in names)]


def _sums(row: Mapping[str, Any]) -> tuple[str, ...]:
    exchanges, first = row["exchanges"], row.get("first_tokens") or 0
    return (
        str(exchanges),
        failed(row),
        count(row["input_tokens"]),
        percent(row["cache_hit_rate"]),
        count(row["output_tokens"]),
        spent(row),
        seconds(row["first_token_s"] / first if first else None),
        seconds(row["total_s"] / exchanges if exchanges else None),
        count(row.get("output_tokens_per_s")),
    )


def _ranks(row: Mapping[str, Any], measures: Sequence[str]) -> list[str]:
    ranked: list[dict[str, float]] = [row["percentiles"].get(name) or {} for name in measures]
    return [seconds(each.get(rank)) for each in ranked for rank in _RANKS]
