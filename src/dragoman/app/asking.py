"""What the journal is asked: exchanges, sums of them, sessions. In a thread, since a database takes its time; JSON comes out.

What talks to the database is loaded when the first question comes: it takes a fifth of a second, which no start shall wait for.
"""

from __future__ import annotations

import asyncio
import importlib
import threading
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import msgspec

from dragoman.app.beside import short_turns
from dragoman.ir.errors import GatewayError, Kind
from dragoman.observe.queries import (
    FILTERS,
    PICO,
    check_names,
    moment,
    read_cursor,
    read_filter,
    whole_number,
    write_cursor,
    wrong,
)
from dragoman.observe.tree import Session, Sums, grow
from dragoman.store.faults import StoreAway, StoreRefused, StoreSlow

if TYPE_CHECKING:
    from dragoman.store.bodies import Body

Given = Mapping[str, str]
"""A question by the names of its parts, as an address has them."""
Row = dict[str, Any]

Connection = Any
"""A connection of the database's library, which lives in `store`."""

_T = TypeVar("_T")


class Opened(Protocol):
    """An open database: `store.open.Store`."""

    def reader(self, limit_s: float, is_left: Callable[[], bool]) -> AbstractContextManager[Connection]: ...
    def close(self) -> None: ...


_PAGE, _MOST = 50, 1000
_GROUPS = 10_000
_TREE = 5000
_EXPORTED = 1_000_000
_AT_ONCE = 4
_LIMIT_S = 20.0
_LISTS = {"exchange": "`dragoman logs`", "session": "`dragoman top`"}
_JSON = ("decision", "cost_parts", "usage_extra", "warnings")
"""Columns that hold JSON as text."""
_PAGING = ("limit", "cursor")
_OF_SESSIONS = {"agent": "agent", "client": "client", "key": "client", "parent": "parent", "repo": "repo"}


class Asking:
    """Answers questions about a database that `opens` opens when the first comes. All of it raises GatewayError: invalid_request for a
    question that is wrong, overloaded where the database is away.

    given: the parts of a question by name, as `observe.queries.FILTERS` has them. `clock`: Unix seconds.
    """

    def __init__(self, opens: Callable[[], Opened], clock: Callable[[], float] = time.time) -> None:
        self._opens = opens
        self._clock = clock
        self._store: Opened | None = None
        self._opening = threading.Lock()
        self._is_closed = False
        # Threads of their own: so many questions at once, those too that nobody waits for any more, and no other work behind them.
        self._threads = ThreadPoolExecutor(_AT_ONCE, "question")

    async def exchanges(self, given: Given) -> Row:
        """A page of exchanges, the newest first: `{"exchanges": […], "next": a cursor or None}`."""
        wanted = read_filter(_without(given, *_PAGING), self._clock())
        most = whole_number(given, "limit", _PAGE, _MOST)
        after = read_cursor(given["cursor"]) if given.get("cursor") else None
        found = await self._ask(lambda connection: _queries().page(connection, wanted, most + 1, after))
        kept = found[:most]
        more = write_cursor(kept[-1]["began_at"], kept[-1]["id"]) if len(found) > most else None
        return {"exchanges": [shown(row) for row in kept], "next": more}

    async def export(self, given: Given) -> AsyncGenerator[Sequence[Row]]:
        """All exchanges that are asked for, in pages, the newest first; at most a million."""
        wanted = read_filter(_without(given, *_PAGING), self._clock())
        left, after = whole_number(given, "limit", _EXPORTED, _EXPORTED), None
        while left > 0:
            most, cursor = min(left, _MOST), after
            found = await self._ask(lambda connection, most=most, cursor=cursor: _queries().page(connection, wanted, most, cursor))
            if found:
                yield [shown(row) for row in found]
            if len(found) < most:
                return
            left -= len(found)
            after = read_cursor(write_cursor(found[-1]["began_at"], found[-1]["id"]))

    async def exchange(self, name: str, *, bodies: bool = False) -> Row:
        """One exchange with its `attempts` and `tools`, by its id or how that begins; `bodies`: and by side what was sent, as far as it was
        kept. Raises GatewayError(not_found), or invalid_request where several ids begin so."""

        def ask(connection: Connection) -> tuple[Row, Mapping[str, Body]]:
            key = _only("exchange", name, _queries().exchanges_named(connection, name))
            return _queries().one(connection, key), _bodies(connection, key) if bodies else {}

        found, sides = await self._ask(ask)
        row = shown(found)
        row["attempts"] = [_priced(attempt) for attempt in row["attempts"]]
        return {**row, "bodies_kept": row["bodies"], "bodies": {side: _told(body) for side, body in sides.items()}} if bodies else row

    async def beside(self, row: Mapping[str, Any]) -> tuple[str | None, str | None]:
        """The ids of the exchanges before and after this one in its session; None: there is none."""
        session, at, key = row["session"], row["began_at"], row["id"]
        if session is None:
            return None, None
        return await self._ask(lambda connection: _queries().beside(connection, session, at, key))

    async def bodies(self, name: str) -> Mapping[str, Body]:
        """What was sent in an exchange, by side, as far as it was kept."""
        return await self._ask(lambda connection: _bodies(connection, name))

    async def usage(self, given: Given) -> Row:
        """Sums by whatever they are grouped by: `by` (names with commas between), `period` (hour, day, week; with `utc_offset_s`),
        `percentiles` (of which times), `limit`. `{"usage": […], "groups": how many there are, "total": the sums of all of them}`; `left` is
        how many of those that failed their clients left."""
        usage, times = _usage(), _times()
        own = ("by", "period", "utc_offset_s", "percentiles", "limit")
        wanted = read_filter(_without(given, *own), self._clock())
        periods = tuple(usage.PERIODS_S)
        grouping = usage.Grouping(
            _words(given, "by", usage.BY), _word(given, "period", periods), int(_offset(given.get("utc_offset_s", "")))
        )
        measures = _words(given, "percentiles", usage.MEASURES)
        most = whole_number(given, "limit", _MOST, _GROUPS)

        def ask(connection: Connection) -> tuple[Any, dict[str, Mapping[tuple[Any, ...], Row]]]:
            found = usage.usage(connection, wanted, grouping, most)
            keys = [tuple(row[name] for name in grouping.names) for row in found.rows]
            return found, {measure: times.percentiles(connection, wanted, grouping, measure, keys) for measure in measures}

        found, ranked = await self._ask(ask)
        rows = [{**_derived(row), "percentiles": _of(ranked, tuple(row[name] for name in grouping.names))} for row in found.rows]
        return {"usage": rows, "groups": found.groups, "total": _derived(found.total)}

    async def sessions(self, given: Given) -> Row:
        """A page of sessions, the one used last first."""
        own = (*_OF_SESSIONS, "since", "after", "until", "before", *_PAGING)
        check_names(given, own)
        now, most = self._clock(), whole_number(given, "limit", _PAGE, _MOST)
        equal = {column: (given[name],) for name, column in _OF_SESSIONS.items() if given.get(name)}
        since, until = ([given[name] for name in names if given.get(name)] for names in (("since", "after"), ("until", "before")))
        bounds = moment(since[0], now) if since else None, moment(until[0], now, "until") if until else None
        after = read_cursor(given["cursor"]) if given.get("cursor") else None
        found = await self._ask(lambda connection: _sessions().recent(connection, equal, *bounds, most + 1, after))
        kept = found[:most]
        more = write_cursor(kept[-1]["last_at"], kept[-1]["id"]) if len(found) > most else None
        return {"sessions": [_derived(row) for row in kept], "next": more}

    async def session(self, name: str) -> Row:
        """A session as a tree: `turns` with their exchanges and attempts, `agents` (the sessions of its sub-agents), sums at each level,
        and the `commands` whose results took the most tokens. Raises as `exchange` does."""

        def ask(connection: Connection) -> Any:
            key = _only("session", name, _sessions().sessions_named(connection, name))
            return _sessions().grown(connection, key, _TREE)

        found = await self._ask(ask)
        tree = grow(found.sessions, found.exchanges, found.attempts)
        return {**_told_session(tree), "commands": found.commands, "is_whole": found.is_whole}

    def close(self) -> None:
        """Give the database back; what is being asked is ended."""
        self._is_closed = True
        self._threads.shutdown(wait=False, cancel_futures=True)
        with self._opening:
            if self._store is not None:
                self._store.close()
                self._store = None

    async def _ask(self, ask: Callable[[Connection], _T]) -> _T:
        has_left = threading.Event()
        try:
            # Rows become dictionaries there: a thousand of them take 20 ms.
            with short_turns():
                return await asyncio.get_running_loop().run_in_executor(self._threads, self._answered, ask, has_left)
        finally:
            has_left.set()

    def _answered(self, ask: Callable[[Connection], _T], has_left: threading.Event) -> _T:
        try:
            with self._opened().reader(_LIMIT_S, lambda: self._is_closed or has_left.is_set()) as connection:
                return ask(connection)
        except StoreSlow as error:
            message = f"the database did not answer this within {_LIMIT_S:g} s; ask for less: a shorter time (`since`), fewer groups"
            raise GatewayError(Kind.TIMEOUT, message) from error
        except StoreAway as error:
            raise GatewayError(Kind.OVERLOADED, str(error), status=503, retry_after_s=5) from error
        except StoreRefused as error:
            raise GatewayError(Kind.CONFIG, str(error)) from error

    def _opened(self) -> Opened:
        with self._opening:
            if self._store is None:
                self._store = self._opens()
            return self._store


# ---- the database's side, loaded when first asked ---------------------------------------------------------------------------


def _queries() -> Any:
    return importlib.import_module("dragoman.store.queries")


def _usage() -> Any:
    return importlib.import_module("dragoman.store.queries_usage")


def _times() -> Any:
    return importlib.import_module("dragoman.store.queries_times")


def _sessions() -> Any:
    return importlib.import_module("dragoman.store.queries_sessions")


def _bodies(connection: Connection, name: str) -> Mapping[str, Body]:
    return importlib.import_module("dragoman.store.bodies").read_bodies(connection, name)


# ---- questions -----------------------------------------------------------------------------------------------------------


def _without(given: Given, *names: str) -> Given:
    check_names(given, (*FILTERS, *names))
    return {name: value for name, value in given.items() if name not in names}


def _words(given: Given, name: str, known: Sequence[str]) -> tuple[str, ...]:
    words = tuple(word.strip() for word in given.get(name, "").split(",") if word.strip())
    unknown = next((word for word in words if word not in known), None)
    if unknown is not None:
        raise wrong(f"`{name}` takes {', '.join(f'`{word}`' for word in known)}, not `{unknown[:100]}`", name)
    return tuple(dict.fromkeys(words))


def _word(given: Given, name: str, known: Sequence[str]) -> str:
    words = _words(given, name, known)
    if len(words) > 1:
        raise wrong(f"`{name}` takes one of {', '.join(f'`{word}`' for word in known)}", name)
    return words[0] if words else ""


def _offset(text: str) -> float:
    try:
        seconds = float(text or 0)
    except ValueError as error:
        raise wrong("`utc_offset_s` is a number of seconds", "utc_offset_s") from error
    if abs(seconds) > 86_400:
        raise wrong("`utc_offset_s` is a number of seconds, at most a day", "utc_offset_s")
    return seconds


def _only(what: str, name: str, ids: Sequence[str]) -> str:
    """The one that is meant."""
    if not ids:
        message = f"no {what} `{name[:100]}` is on record, or it is not any more; {_LISTS[what]} or `GET /api/{what}s` lists what is"
        raise GatewayError(Kind.NOT_FOUND, message, source="client")
    if len(ids) > 1:
        raise wrong(f"more than one {what} begins with `{name[:100]}`, as `{ids[0]}` and `{ids[1]}`: write more of its id", "id")
    return ids[0]


# ---- answers -------------------------------------------------------------------------------------------------------------


def shown(row: Mapping[str, Any]) -> Row:
    """A row of exchanges as JSON has it: what is JSON already as such, and the cost in US dollars besides."""
    told = {name: _decoded(value) if name in _JSON else value for name, value in row.items()}
    return _priced(told)


def _decoded(text: Any) -> Any:
    try:
        return msgspec.json.decode(text) if isinstance(text, str) else text
    except (msgspec.DecodeError, RecursionError):
        return text


def _priced(row: Mapping[str, Any]) -> Row:
    pico = row.get("cost_pico")
    return {**row, "cost_usd": None if pico is None else pico / PICO}


def _derived(row: Row) -> Row:
    """Sums, and what follows from them."""
    given, generated = row.get("input_tokens") or 0, row.get("generation_s") or 0.0
    hit = {"cache_hit_rate": row["cache_read_tokens"] / given if given else None}
    speed = {"output_tokens_per_s": row["output_tokens"] / generated if generated else None} if "generation_s" in row else {}
    return {**_priced(row), **hit, **speed}


def _of(ranked: Mapping[str, Mapping[tuple[Any, ...], Row]], key: tuple[Any, ...]) -> dict[str, Row | None]:
    """What a group has of each measure."""
    return {measure: each.get(key) for measure, each in ranked.items()}


def _told(body: Body) -> Row:
    return {"headers": body.headers, "whole": body.whole, "text": body.data.decode("utf-8", "replace")}


def _told_sums(sums: Sums) -> Row:
    return {**_priced(msgspec.structs.asdict(sums)), "cache_hit_rate": sums.cache_hit_rate}


def _told_session(tree: Session) -> Row:
    about = {name: tree.row[name] for name in ("parent", "agent", "client", "cwd", "repo", "models")}
    turns = [
        {"id": turn.id, "sums": _told_sums(turn.sums), "exchanges": [_told_exchange(row) for row in turn.exchanges]} for turn in tree.turns
    ]
    sums = {"own": _told_sums(tree.own), "sums": _told_sums(tree.sums)}
    return {"id": tree.id, **about, **sums, "turns": turns, "agents": [_told_session(agent) for agent in tree.agents]}


def _told_exchange(row: Row) -> Row:
    return {**shown(row), "tries": [_priced(attempt) for attempt in row["tries"]]}
