"""The options of `--try`: which models, how many at a time, for how long at most. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

import click
import msgspec

TRY_OPTIONS = ("--try", "--try-jobs", "--try-limit")
_JOBS = 4
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600}


class Wishes(msgspec.Struct, frozen=True):
    """models: in the order given, one may stand there twice. jobs: how many at a time. limit_s: for each model, None: no limit."""

    models: tuple[str, ...]
    jobs: int = _JOBS
    limit_s: float | None = None


def read_wishes(found: Mapping[str, str]) -> Wishes | None:
    """The wishes in our own options, None without `--try`. Raises ClickException for values that are none."""
    if "--try" not in found:
        stray = next((name for name in TRY_OPTIONS if name in found), None)
        if stray:
            raise click.ClickException(f"`{stray}` goes with `--try MODEL,MODEL`")
        return None
    models = tuple(name.strip() for name in found["--try"].split(",") if name.strip())
    if not models or any(name.startswith("-") for name in models):
        raise click.ClickException("`--try` wants model names with commas between them: `--try gpt-5.5,claude-sonnet-4-5`")
    limit = found.get("--try-limit")
    return Wishes(models, _jobs(found.get("--try-jobs")), None if limit is None else _seconds(limit))


def refuse_stray(arguments: list[str]) -> None:
    """Say so if an option of ours stands among Codex's, which would only say that it does not know it. Raises ClickException."""
    for word in arguments:
        if word == "--":
            return
        if word.partition("=")[0] in TRY_OPTIONS:
            raise click.ClickException(f"`{word}` stands before what is Codex's: `dragoman codex --try MODEL,MODEL [exec] …`")


def labels(models: tuple[str, ...]) -> tuple[str, ...]:
    """What each try is called: its model, with `#2` and so on where a model stands there again."""
    return tuple(name if name not in models[:at] else f"{name}#{models[:at].count(name) + 1}" for at, name in enumerate(models))


def _jobs(text: str | None) -> int:
    if text is None:
        return _JOBS
    if not text.isdigit() or not int(text):
        raise click.ClickException(f"`--try-jobs` wants a number of at least 1, not `{text}`")
    return int(text)


def _seconds(text: str) -> float:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text)
    if not found or not float(found[1]):
        raise click.ClickException(f"`--try-limit` wants a time such as `90`, `90s`, `15m` or `1h`, not `{text}`")
    return float(found[1]) * _UNITS[found[2]]
