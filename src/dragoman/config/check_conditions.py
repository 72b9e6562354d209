"""Checks of conditions: times that are no times, zones that there are not, names that nobody has, bounds that leave nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable
from zoneinfo import ZoneInfo

from dragoman.agents.registry import agents
from dragoman.config.names import is_glob
from dragoman.config.problems import Findings, Path, any_of, did_you_mean
from dragoman.config.routing_schema import Time, When
from dragoman.config.schema import Config
from dragoman.config.values import many

_CLOCK = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])|24:00")
_KINDS = ("turn", "title", "compaction", "prewarm", "review", "subagent")
_BOUNDS = ("bytes", "tokens", "tools")


def check_condition(when: When, path: Path, config: Config, findings: Findings) -> None:
    """Note what is wrong with a condition, and with those inside it."""
    clients = config.access.keys
    _check_names(when.key, (*path, "key"), "client key", [client.name for client in clients], findings)
    _check_names(when.team, (*path, "team"), "client key's team", [client.team for client in clients], findings)
    _check_names(when.user, (*path, "user"), "client key's user", [client.user for client in clients], findings)
    _check_names(when.agent, (*path, "agent"), "agent", [agent.name for agent in agents()], findings)
    _check_bounds(when, path, findings)
    _check_kinds(when, path, findings)
    if when.time is not None:
        _check_time(when.time, (*path, "time"), findings)
    for name in ("any", "all"):
        for index, inner in enumerate(getattr(when, name)):
            check_condition(inner, (*path, name, index), config, findings)
    if when.not_ is not None:
        check_condition(when.not_, (*path, "not"), config, findings)


def seconds_of(clock: str) -> int:
    """The second of the day of a time as `09:30` or `24:00`; 0 for what is no time."""
    if _CLOCK.fullmatch(clock) is None:
        return 0
    hours, minutes = clock.split(":")
    return int(hours) * 3600 + int(minutes) * 60


def _check_names(given: str | tuple[str, ...], path: Path, noun: str, known: Iterable[str | None], findings: Findings) -> None:
    """Warn of names that none of those in config is, so that the condition never holds for them."""
    names = list(dict.fromkeys(name for name in known if name))
    for index, name in enumerate(many(given)):
        if is_glob(name) or name in names or not name:
            continue
        remedy = did_you_mean(name, names) or (f"there are {any_of(names)}" if names else "nothing in this file has one")
        findings.warn((*path, index) if isinstance(given, tuple) else path, f"`{name}` is no {noun}", remedy)


def _check_kinds(when: When, path: Path, findings: Findings) -> None:
    """Agents have words of their own, so only slips are told."""
    for index, kind in enumerate(many(when.kind)):
        near = did_you_mean(kind, _KINDS)
        if near and kind not in _KINDS and not is_glob(kind):
            place = (*path, "kind", index) if isinstance(when.kind, tuple) else (*path, "kind")
            findings.warn(place, f"`{kind}` is no kind known here", near)


def _check_bounds(when: When, path: Path, findings: Findings) -> None:
    for unit in _BOUNDS:
        over, under = getattr(when, f"{unit}_over"), getattr(when, f"{unit}_under")
        if over is not None and under is not None and under <= over + 1:
            findings.refuse((*path, f"{unit}_under"), f"leaves nothing above `{unit}_over: {over}`", "make it larger")
        if under == 0:
            findings.refuse((*path, f"{unit}_under"), "is 0, and nothing is less", "make it larger")


def _check_time(time: Time, path: Path, findings: Findings) -> None:
    for name, clock in (("from", time.from_), ("to", time.to)):
        if clock and _CLOCK.fullmatch(clock) is None:
            findings.refuse((*path, name), f"`{clock}` is no time of day", 'write hours and minutes in quotes, as `"09:30"`')
    if time.from_ and time.from_ == time.to:
        findings.refuse((*path, "to"), "is the same as `from`", "leave both out for the whole day")
    if time.days and len(set(time.days)) < len(time.days):
        findings.warn((*path, "days"), "has a day twice", "take one of them out")
    if not time.days and time.from_ is None and time.to is None:
        findings.warn(path, "holds always", "say `days`, `from` or `to`")
    try:
        ZoneInfo(time.zone)
    except (KeyError, ValueError, OSError):
        findings.refuse((*path, "zone"), f"`{time.zone}` is no zone known on this machine", "write it as `Europe/Vienna` or `UTC`")
