"""Records become rows: of the exchange itself, its attempts and tools, and of the sums that they add to."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable
from decimal import Decimal
from itertools import repeat
from operator import attrgetter
from struct import pack
from typing import Any

import msgspec

from dragoman.ir.record import Attempt, Record
from dragoman.ir.usage import Usage
from dragoman.store.batch import LONGEST, PER_S, Batch, Row
from dragoman.store.clean import cleaned_value

_OK = "ok"
_BESIDE = frozenset({"title", "prewarm"})
_SESSIONS = 10_000
_ABSURD = 10**17
_KEYS = 10_000
_PART = 1000
_FIRST_TOKENS, _TOTAL_S, _FIRST_TOKEN_S = 13, 14, 15
"""Places in the sums of an exchange."""
ARGUMENTS = 2000
"""Letters of a call's arguments that are kept."""
_MESSAGE = 4000
_NAME = 400
_NO_USAGE = Usage()
_json = msgspec.json.Encoder(decimal_format="string", enc_hook=str)


class Priced(msgspec.Struct, frozen=True, gc=False):
    """What an exchange costs, in units of 1e-12 US dollar: all of it (None: not known), by kind, and by attempt. told: what is to be said
    of that (field, why), with the warnings."""

    pico: int | None = None
    parts: dict[str, int] = {}
    attempts: tuple[int | None, ...] = ()
    told: tuple[tuple[str, str], ...] = ()


Price = Callable[[Record], Priced | None]
"""What an exchange costs. Called where nothing waits."""
Told = Callable[[Any], object]
"""Makes JSON of what stands in `Record.decision`."""

# In the order of the columns; what is worked out stands between.
_WHO = attrgetter("id", "began_at", "session", "turn", "parent_session", "run", "kind", "client", "team", "user", "address", "key_prefix")
_WHAT = attrgetter("agent", "agent_version", "dialect", "upstream_dialect", "lane", "asked", "routed", "rule")
_WAITED = attrgetter("queue_s", "admission_s", "guards_s", "cache_s", "waited_s")
_TRIED = attrgetter("provider", "model", "key", "began_s", "connected_s", "first_byte_s", "ended_s", "status", "error")
_TOOK = attrgetter("first_token_s", "generation_s", "tools_s", "own_s", "total_s", "bytes_in", "bytes_out", "cache_hit")


class Turns:
    """Which step each session is in: what is written in pieces is counted once."""

    def __init__(self) -> None:
        self._last: OrderedDict[str, str | None] = OrderedDict()

    def begun(self, record: Record) -> int:
        """1 if a turn begins with this exchange. One that names no turn is one; what agents ask beside their turns is none."""
        if record.kind in _BESIDE or record.session is None:
            return 0
        last = self._last.pop(record.session, None)
        self._last[record.session] = record.turn
        if len(self._last) > _SESSIONS:
            self._last.popitem(last=False)
        return int(record.turn is None or record.turn != last)


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


class Rows:
    """Collects the rows of one batch."""

    def __init__(self, price: Price, told: Told, turns: Turns, parts: Parts, *, paths: bool) -> None:
        self._price = price
        self._told = told
        self._turns = turns
        self._parts = parts
        self._paths = paths
        self._hours: dict[tuple[Any, ...], list[Row]] = {}
        self._sessions: dict[str, _Session] = {}
        self._models: Counter[tuple[str, str, str]] = Counter()
        self._decided: tuple[object, str] | None = None
        self.exchanges: list[Row] = []
        self.tools: list[Row] = []
        self.results: list[Row] = []
        self.bodies: list[Row] = []
        self.blobs: list[Row] = []

    def add(self, records: list[Record], bodies: list[str]) -> None:
        """The rows of exchanges, and their part in the sums. bodies: what is kept of those of each, in a word."""
        # One thing for all of them, and then the next: the processor is a tenth faster with what it did just now.
        price = self._price
        priced = [price(record) or _UNPRICED for record in records]
        self.exchanges += [self._exchange(*each) for each in zip(records, priced, bodies, strict=True)]
        for record in records:
            if record.calls or record.results:
                self._tools(record)
        for record, each in zip(records, priced, strict=True):
            self._sum(record, each)

    def batch(self, writer: str, number: int, at: float) -> Batch:
        """All of it."""
        return Batch(
            writer,
            number,
            at,
            exchanges=self.exchanges,
            tools=self.tools,
            results=self.results,
            blobs=self.blobs,
            bodies=self.bodies,
            sessions=[session.row(name) for name, session in self._sessions.items()],
            session_models=[(*key, count) for key, count in self._models.items()],
            usage_hours=[(*key, *_sums(rows)) for key, rows in self._hours.items()],
            usage_times=[(*key, self._parts.next(key, len(rows)), *_times(rows)) for key, rows in self._hours.items()],
        )

    def _exchange(self, record: Record, priced: Priced, bodies: str) -> tuple[Any, ...]:
        usage = record.usage
        last = record.attempts[-1] if record.attempts else None
        connect_s = None if last is None or last.connected_s is None else last.connected_s - last.began_s
        first_s = None if last is None or last.first_byte_s is None else last.first_byte_s - last.began_s
        message = record.message
        return (
            *_WHO(record),
            *_WHAT(record),
            None if record.decision is None else self._decision(record.decision),
            record.provider,
            record.model,
            None if last is None else last.key,
            record.answered,
            record.stream,
            record.status,
            record.error,
            message if message is None or len(message) <= _MESSAGE else message[:_MESSAGE],
            record.stop_reason,
            *((None,) * 7 if usage is None else _usage(usage)),
            priced.pico,
            _text(priced.parts) if priced.parts else None,
            len(record.attempts),
            len(record.calls),
            *_WAITED(record),
            connect_s,
            first_s,
            *_TOOK(record),
            _text([*record.warnings, *priced.told]) if record.warnings or priced.told else None,
            bodies,
            record.cwd if self._paths else None,
            record.repo if self._paths else None,
            record.replays,
            _tries(record.attempts, priced.attempts) if last is not None else None,
        )

    def _decision(self, decision: object) -> str:
        """As JSON. Where nothing is to be decided, one after the other is the same."""
        if self._decided is None or self._decided[0] is not decision:
            self._decided = decision, _text(self._told(decision))
        return self._decided[1]

    def _tools(self, record: Record) -> None:
        for call in record.calls:
            given = (
                record.id,
                call.call_id,
                record.began_at,
                record.session or "",
                call.name[:_NAME],
                call.arguments[:ARGUMENTS],
                call.command,
                call.size_bytes,
            )
            self.tools.append((*given, None, None, None, None))
        for result in record.results:
            self.results.append((record.id, result.is_error, result.size_bytes, result.tokens, result.call_id, record.session or ""))

    def _sum(self, record: Record, priced: Priced) -> None:
        usage = record.usage or _NO_USAGE
        is_unpriced = record.usage is not None and priced.pico is None
        tokens = (
            usage.input_tokens, usage.output_tokens, usage.cache_read_tokens or 0, usage.cache_write_tokens or 0,
            usage.reasoning_tokens or 0, priced.pico or 0,
        )  # fmt: skip
        if max(tokens) >= _ABSURD or min(tokens) <= -_ABSURD:
            tokens = tuple(map(_countable, tokens))
        failed, tried, calls = int(record.error is not None), len(record.attempts), len(record.calls)
        provider, model = record.provider or "", record.model or ""
        key = (
            int(record.began_at) // 3600, record.client, record.team or "", record.user or "", provider, model, record.agent or "",
            record.error or _OK,
        )  # fmt: skip
        first = record.first_token_s
        sums = (
            1, failed, int(is_unpriced), tried, *tokens, calls, record.bytes_in, record.bytes_out, int(first is not None),
            record.total_s, first or 0.0, record.generation_s or 0.0, record.own_s or 0.0,
        )  # fmt: skip
        self._hours.setdefault(key, []).append(sums)
        if record.session:
            self._session(record, sums)
            if provider and not failed:
                self._models[record.session, provider, model] += 1

    def _session(self, record: Record, sums: Row) -> None:
        paths = (record.cwd, record.repo) if self._paths else (None, None)
        who = (record.parent_session, record.agent, record.client, *paths, record.turn)
        session, at = record.session or "", record.began_at
        known, turns = self._sessions.get(session), self._turns.begun(record)
        if known is None:
            self._sessions[session] = _Session(who, at, at, turns, [sums])
            return
        if who != known.who:
            known.who = tuple([new if new is not None else old for new, old in zip(who, known.who, strict=True)])
        known.first_at, known.last_at = min(known.first_at, at), max(known.last_at, at)
        known.turns += turns
        known.sums.append(sums)


class _Session(msgspec.Struct):
    """What a batch adds to a session. who: in the order of the columns; what is told later counts. sums: as an hour's."""

    who: tuple[str | None, ...]
    first_at: float
    last_at: float
    turns: int
    sums: list[Row]

    def row(self, name: str) -> Row:
        count, failed, unpriced, tried, *tokens, calls, _, _, _, total_s, _, _, _ = _sums(self.sums)
        return (name, *self.who, self.first_at, self.last_at, count, self.turns, failed, unpriced, tried, calls, *tokens, total_s)


def _sums(rows: list[Row]) -> Row:
    """Of each column."""
    return rows[0] if len(rows) == 1 else [sum(column) for column in zip(*rows, strict=True)]


def _times(rows: list[Row]) -> tuple[str, str | None]:
    """How long each took, and of those that had one the time of the first token."""
    total_s, first_s = [row[_TOTAL_S] for row in rows], [row[_FIRST_TOKEN_S] for row in rows if row[_FIRST_TOKENS]]
    return _one_by_one(total_s), _one_by_one(first_s) or None


def _one_by_one(times_s: list[float]) -> str:
    parts = [int(each * PER_S + 0.5) for each in times_s]
    if parts and (max(parts) > LONGEST or min(parts) < 0):
        parts = [min(max(each, 0), LONGEST) for each in parts]
    return pack(f">{len(parts)}I", *parts).hex()


_UNPRICED = Priced()


def _countable(number: int) -> int:
    """What a provider makes up must not make the sums of an hour too large for their column, as then nothing of it could be written."""
    return number if -_ABSURD < number < _ABSURD else 0


def _usage(usage: Usage) -> tuple[Any, ...]:
    return (
        usage.input_tokens,
        usage.output_tokens,
        usage.cache_read_tokens,
        usage.cache_write_tokens,
        usage.reasoning_tokens,
        usage.total_tokens,
        _text(usage.extra) if usage.extra else None,
    )


def _tries(attempts: list[Attempt], costs: tuple[int | None, ...]) -> str:
    """As `store.tries` has them."""
    return _text([(*_TRIED(each), *_tokens(each.usage), cost) for each, cost in zip(attempts, costs or repeat(None), strict=False)])


def _tokens(usage: Usage | None) -> tuple[int | None, int | None]:
    return (None, None) if usage is None else (usage.input_tokens, usage.output_tokens)


def _text(value: object) -> str:
    try:
        return _json.encode(value).decode()
    except UnicodeEncodeError:
        # Halves of letters, as databases do not take them either.
        return _json.encode(cleaned_value(msgspec.to_builtins(value, enc_hook=str, builtin_types=(Decimal,)))).decode()
