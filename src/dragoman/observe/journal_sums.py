"""What a batch adds to sums: those of each hour, and those of each session."""

from __future__ import annotations

from collections import Counter, OrderedDict, defaultdict
from collections.abc import Iterable, Sequence
from itertools import compress
from operator import itemgetter
from struct import pack
from typing import Any

from dragoman.store.batch import LONGEST, PER_S, Column, Row

_OK = "ok"
_BESIDE = frozenset({"title", "prewarm"})
_SESSIONS = 10_000
_ABSURD = 10**17
_KEYS = 10_000
_PART = 1000
_HOUR_S = 3600

Columns = dict[str, Column]
"""By name; in each stands what every exchange of the batch has there, in turn."""

_TOKENS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens")
_BY = ("client", "team", "user", "provider", "model", "agent")
_LATEST = ("parent_session", "agent", "client", "cwd", "repo", "turn")
"""What is told of a session, in the order of its columns."""
_PATHS = frozenset({"cwd", "repo"})
_COUNTED = (
    "exchanges", "failed", "unpriced", "attempts", *_TOKENS, "cost_pico", "tool_calls", "bytes_in", "bytes_out", "first_tokens", "total_s",
    "first_token_s", "generation_s", "own_s",
)  # fmt: skip
"""What is summed up of each hour, in the order of its columns."""
_OF_SESSION = ("failed", "unpriced", "attempts", "tool_calls", *_TOKENS, "cost_pico", "total_s")
"""The same of each session."""
_of_session = itemgetter(*map(_COUNTED.index, _OF_SESSION))
_timed = itemgetter(*map(_COUNTED.index, ("total_s", "first_tokens", "first_token_s")))


class Turns:
    """Which step each session is in: what is written in pieces is counted once."""

    def __init__(self) -> None:
        self._last: OrderedDict[str, str | None] = OrderedDict()

    def begun(self, session: str, turns: list[str | None]) -> int:
        """How many begin with its next exchanges, whose turns these are. One that names no turn is one."""
        if not turns:
            return 0
        last = self._last.pop(session, None)
        self._last[session] = turns[-1]
        if len(self._last) > _SESSIONS:
            self._last.popitem(last=False)
        return sum([turn is None or turn != before for before, turn in zip((last, *turns), turns, strict=False)])


class Parts:
    """Counts the times that are written of each hour, so that they stand in rows of about a thousand."""

    def __init__(self) -> None:
        self._counts: dict[tuple[Any, ...], int] = {}

    def next(self, key: tuple[Any, ...], count: int) -> int:
        """In which row so many more belong."""
        if len(self._counts) >= _KEYS:
            self._counts.clear()
        before = self._counts.get(key, 0)
        self._counts[key] = before + count
        return before // _PART


class Before:
    """What is remembered of earlier batches."""

    def __init__(self) -> None:
        self.turns = Turns()
        self.parts = Parts()


class Sums:
    """The sums of one batch, by what its exchanges tell. told: the fields of their records; used: those of their usages; pico: costs."""

    def __init__(self, told: Columns, used: Columns, pico: Column, *, paths: bool) -> None:
        self._told = told
        self._paths = paths
        counted = _counted(told, used, pico)
        self._rows = list(zip(told["began_at"], told["turn"], told["kind"], *[counted[name] for name in _COUNTED], strict=True))

    def hours(self, parts: Parts) -> tuple[list[Row], list[Row]]:
        """The rows of `usage_hours` and of `usage_times`."""
        sums: list[Row] = []
        times: list[Row] = []
        for key, rows in _grouped(self._keys(), self._rows).items():
            _, _, _, *counted = zip(*rows, strict=True)
            sums.append((*key, *map(sum, counted)))
            times.append((*key, parts.next(key, len(rows)), *_times(*_timed(counted))))
        return sums, times

    def sessions(self, turns: Turns) -> tuple[list[Row], list[Row]]:
        """The rows of `sessions` and of `session_models`."""
        told, sums = self._told, list[Row]()
        latest = [self._latest(field) for field in _LATEST]
        for session, rows in _grouped(told["session"], self._rows).items():
            if session:
                first_at, last_at, steps, counted = _added(rows)
                names = [each.get(session) for each in latest]
                sums.append((session, *names, first_at, last_at, len(rows), turns.begun(session, steps), *_of_session(counted)))
        answered = zip(told["session"], told["provider"], told["model"], told["error"], strict=True)
        counts = Counter([(session, name, model or "") for session, name, model, error in answered if session and name and error is None])
        return sums, [(*key, count) for key, count in counts.items()]

    def _keys(self) -> Iterable[tuple[Any, ...]]:
        told = self._told
        # Who has no name and whose name is empty are the same to sums.
        names = [[name or "" for name in told[field]] for field in _BY]
        return zip([int(at) // _HOUR_S for at in told["began_at"]], *names, [error or _OK for error in told["error"]], strict=True)

    def _latest(self, field: str) -> dict[str, str]:
        """What each session is told of last, where it is told at all."""
        if field in _PATHS and not self._paths:
            return {}
        return {session: each for session, each in zip(self._told["session"], self._told[field], strict=True) if each is not None}


def _grouped(keys: Iterable[Any], values: Iterable[Any]) -> dict[Any, list[Any]]:
    groups: defaultdict[Any, list[Any]] = defaultdict(list)
    for key, value in zip(keys, values, strict=True):
        groups[key].append(value)
    return groups


def _added(rows: list[Row]) -> tuple[float, float, list[str | None], Sequence[Any]]:
    """Of a session: when the first and the last began, the turns that they name, and the sums of what they count."""
    if len(rows) == 1:
        # Those of programs mostly are of one exchange: nothing is to be added up.
        at, turn, kind, *counted = rows[0]
        return at, at, [] if kind in _BESIDE else [turn], counted
    at, turns, kinds, *columns = zip(*rows, strict=True)
    # What agents ask beside their turns is none.
    return min(at), max(at), [turn for turn, kind in zip(turns, kinds, strict=True) if kind not in _BESIDE], list(map(sum, columns))


def _counted(told: Columns, used: Columns, pico: Column) -> Columns:
    """What each exchange adds to sums."""
    count, firsts_s = len(pico), told["first_token_s"]
    return {
        "exchanges": (1,) * count,
        "failed": [int(error is not None) for error in told["error"]],
        "unpriced": [
            int(usage is not None and (each is None or abs(each) >= _ABSURD)) for usage, each in zip(told["usage"], pico, strict=True)
        ],
        "attempts": list(map(len, told["attempts"])),
        **{name: _countable(used[name]) for name in _TOKENS},
        "cost_pico": _countable(pico),
        "tool_calls": list(map(len, told["calls"])),
        "bytes_in": told["bytes_in"],
        "bytes_out": told["bytes_out"],
        "first_tokens": [int(first_s is not None) for first_s in firsts_s],
        "total_s": told["total_s"],
        "first_token_s": [first_s or 0.0 for first_s in firsts_s],
        "generation_s": [each_s or 0.0 for each_s in told["generation_s"]],
        "own_s": [each_s or 0.0 for each_s in told["own_s"]],
    }


def _countable(numbers: Column) -> Column:
    """What a provider makes up must not make the sums of an hour too large for their column, as then nothing of it could be written."""
    counts = [number or 0 for number in numbers]
    if not counts or (max(counts) < _ABSURD and min(counts) > -_ABSURD):
        return counts
    return [count if -_ABSURD < count < _ABSURD else 0 for count in counts]


def _times(total_s: Column, first_tokens: Column, first_token_s: Column) -> tuple[str, str | None]:
    """How long each took, and of those that had one the time of the first token."""
    return _one_by_one(total_s), _one_by_one(list(compress(first_token_s, first_tokens))) or None


def _one_by_one(times_s: Column) -> str:
    parts = list(map(int, [each * PER_S + 0.5 for each in times_s]))
    if parts and (max(parts) > LONGEST or min(parts) < 0):
        parts = [min(max(each, 0), LONGEST) for each in parts]
    return pack(f">{len(parts)}I", *parts).hex()
