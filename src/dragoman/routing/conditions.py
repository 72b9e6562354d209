"""Conditions of rules, compiled to closures when the config is read. A condition costs microseconds, one that fails early less.

Each test reads one fact of the request; cheap facts are tested first, those that need the body last.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from dragoman.config.check_conditions import seconds_of
from dragoman.config.names import Glob, is_glob
from dragoman.config.routing_schema import Time, When
from dragoman.config.values import Texts, many
from dragoman.profiles.families import canonical
from dragoman.routing.ask import Ask

Test = Callable[[Ask], bool]

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY_S = 86_400


class Condition(msgspec.Struct, frozen=True):
    """A compiled condition: its tests, each with the name of what it looks at."""

    tests: tuple[tuple[str, Test], ...] = ()

    def fails(self, ask: Ask) -> str:
        """The first thing that does not hold, by its name in config; empty if all does."""
        for name, test in self.tests:
            if not test(ask):
                return name
        return ""


def compile_condition(when: When) -> Condition:
    """The closure of a checked condition."""
    tests: list[tuple[str, Test]] = []
    for field, make in _MAKERS.items():
        given = getattr(when, field)
        if given not in (None, (), {}):
            tests += [(f"{field.rstrip('_')}{suffix}", test) for suffix, test in make(given)]
    return Condition(tuple(tests))


Made = list[tuple[str, Test]]


def _one(test: Test) -> Made:
    return [("", test)]


def matcher(texts: Texts) -> Callable[[str], bool]:
    """Whether a text is one of those meant, globs among them."""
    plain = frozenset(text for text in many(texts) if not is_glob(text))
    patterns = [Glob.parse(text).pattern.fullmatch for text in many(texts) if is_glob(text)]
    if "*" in many(texts):
        return lambda text: True
    if not patterns:
        return plain.__contains__
    return lambda text: text in plain or any(pattern(text) is not None for pattern in patterns)


def _of_text(read: Callable[[Ask], str | None]) -> Callable[[Texts], Made]:
    def make(texts: Texts) -> Made:
        matches = matcher(texts)

        def test(ask: Ask) -> bool:
            found = read(ask)
            return found is not None and matches(found)

        return _one(test)

    return make


def _kind(texts: Texts) -> Made:
    matches = matcher(texts)
    return _one(lambda ask: any(matches(kind) for kind in ask.kinds))


def _model(texts: Texts) -> Made:
    matches = matcher(tuple(canonical(text) for text in many(texts)))
    return _one(lambda ask: matches(canonical(ask.model)))


def _entries(read: Callable[[Ask], Mapping[str, str]], *, lower: bool) -> Callable[[Mapping[str, Texts]], Made]:
    def make(given: Mapping[str, Texts]) -> Made:
        return [(f".{name}", _entry(read, name.lower() if lower else name, matcher(texts))) for name, texts in given.items()]

    return make


def _entry(read: Callable[[Ask], Mapping[str, str]], name: str, matches: Callable[[str], bool]) -> Test:
    def test(ask: Ask) -> bool:
        found = read(ask).get(name)
        return found is not None and matches(found)

    return test


def _over(read: Callable[[Ask], int]) -> Callable[[int], Made]:
    return lambda bound: _one(lambda ask: read(ask) > bound)


def _under(read: Callable[[Ask], int]) -> Callable[[int], Made]:
    return lambda bound: _one(lambda ask: read(ask) < bound)


def _modalities(wanted: tuple[str, ...]) -> Made:
    some = frozenset(wanted)
    return _one(lambda ask: not some.isdisjoint(ask.modalities))


def _tools(wanted: bool) -> Made:
    return _one(lambda ask: (ask.tools > 0) is wanted)


def _stream(wanted: bool) -> Made:
    return _one(lambda ask: ask.stream is wanted)


def _any(given: tuple[When, ...]) -> Made:
    some = tuple(compile_condition(when) for when in given)
    return _one(lambda ask: any(not condition.fails(ask) for condition in some))


def _all(given: tuple[When, ...]) -> Made:
    each = tuple(compile_condition(when) for when in given)
    return _one(lambda ask: all(not condition.fails(ask) for condition in each))


def _not(given: When) -> Made:
    condition = compile_condition(given)
    return _one(lambda ask: bool(condition.fails(ask)))


def _time(time: Time) -> Made:
    """A span that runs past midnight belongs to the day on which it begins."""
    zone = ZoneInfo(time.zone)
    begins = seconds_of(time.from_ or "00:00")
    ends = seconds_of(time.to or "24:00")
    days = frozenset(_DAYS.index(day) for day in time.days) or frozenset(range(7))

    def test(ask: Ask) -> bool:
        local = datetime.fromtimestamp(ask.wall, zone)
        second = local.hour * 3600 + local.minute * 60 + local.second
        today = local.weekday()
        if begins < ends:
            return today in days and begins <= second < ends
        return (today in days and second >= begins) or ((today - 1) % 7 in days and second < ends)

    return _one(test)


_MAKERS: dict[str, Callable[[Any], Made]] = {
    "stream": _stream,
    "key": _of_text(lambda ask: ask.client),
    "team": _of_text(lambda ask: ask.team),
    "user": _of_text(lambda ask: ask.user),
    "model": _model,
    "agent": _of_text(lambda ask: ask.agent),
    "kind": _kind,
    "headers": _entries(lambda ask: ask.headers, lower=True),
    "bytes_over": _over(lambda ask: ask.size_bytes),
    "bytes_under": _under(lambda ask: ask.size_bytes),
    "time": _time,
    "tools": _tools,
    "tools_over": _over(lambda ask: ask.tools),
    "tools_under": _under(lambda ask: ask.tools),
    "effort": _of_text(lambda ask: ask.effort),
    "tokens_over": _over(lambda ask: ask.tokens),
    "tokens_under": _under(lambda ask: ask.tokens),
    "metadata": _entries(lambda ask: ask.metadata, lower=False),
    "modalities": _modalities,
    "any": _any,
    "all": _all,
    "not_": _not,
}
"""For each field of a condition what makes its tests, the cheap ones first."""
