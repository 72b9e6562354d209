"""Records become rows: of the exchange itself, its attempts and tools, and of the sums that they add to."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from itertools import repeat
from operator import attrgetter
from struct import pack
from typing import Any

import msgspec

from dragoman.ir.kept import DROPPED
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
_BODIES = -5
"""The place of `bodies` in the row of an exchange."""
ARGUMENTS = 2000
"""Letters of a call's arguments that are kept."""
_MESSAGE = 4000
_NAME = 400
_NO_USAGE = Usage()
_NO_TOKENS = None, None
_NO_PATHS = None, None
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
_USED = attrgetter("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens", "total_tokens")
_UNTOLD = (None,) * 6
_SUMMED = attrgetter("client", "team", "user", "provider", "model", "agent", "error")
_TOOK = attrgetter("first_token_s", "generation_s", "tools_s", "own_s", "total_s", "bytes_in", "bytes_out", "cache_hit")


def without_bodies(batch: Batch) -> Batch:
    """The same exchanges, whose bodies there was no room for."""
    with_bodies = {row[0] for row in batch.bodies}
    exchanges = [(*row[:_BODIES], DROPPED, *row[_BODIES + 1 :]) if row[0] in with_bodies else row for row in batch.exchanges]
    return msgspec.structs.replace(batch, exchanges=exchanges, bodies=[], blobs=[])


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
        self._hours: dict[tuple[int, tuple[str | None, ...]], list[Row]] = {}
        self._sessions: dict[str, _Session] = {}
        self._models: dict[tuple[str, str, str], int] = {}
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
        texts = (
            _texts([each.parts for each in priced]),
            _texts([None if record.usage is None else record.usage.extra for record in records]),
            _texts([_tries(record.attempts, each.attempts) for record, each in zip(records, priced, strict=True)]),
        )
        self.exchanges += [self._exchange(*each) for each in zip(records, priced, bodies, *texts, strict=True)]
        for record in records:
            if record.calls or record.results:
                self._tools(record)
        self._sum(records, priced)

    def batch(self, writer: str, number: int, at: float) -> Batch:
        """All of it."""
        hours: dict[tuple[Any, ...], list[Row]] = {}
        for (hour, (*names, error)), rows in self._hours.items():
            # Who has no name and whose name is empty are the same to sums.
            hours.setdefault((hour, *[name or "" for name in names], error or _OK), []).extend(rows)
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
            usage_hours=[(*key, *_sums(rows)) for key, rows in hours.items()],
            usage_times=[(*key, self._parts.next(key, len(rows)), *_times(rows)) for key, rows in hours.items()],
        )

    def _exchange(
        self, record: Record, priced: Priced, bodies: str, parts: str | None, extra: str | None, tries: str | None
    ) -> tuple[Any, ...]:
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
            *(_UNTOLD if usage is None else _USED(usage)),
            extra,
            priced.pico,
            parts,
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
            tries,
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

    def _sum(self, records: list[Record], priced: list[Priced]) -> None:
        hours, models = self._hours, self._models
        for record, sums in zip(records, _counted(records, priced), strict=True):
            key = int(record.began_at) // 3600, _SUMMED(record)
            rows = hours.get(key)
            if rows is None:
                rows = hours[key] = []
            rows.append(sums)
            if record.session:
                self._session(record, sums)
                if record.provider and record.error is None:
                    name = record.session, record.provider, record.model or ""
                    models[name] = models.get(name, 0) + 1

    def _session(self, record: Record, sums: Row) -> None:
        cwd, repo = (record.cwd, record.repo) if self._paths else _NO_PATHS
        who = (record.parent_session, record.agent, record.client, cwd, repo, record.turn)
        session, at = record.session or "", record.began_at
        known, turns = self._sessions.get(session), self._turns.begun(record)
        if known is None:
            self._sessions[session] = _Session(who, at, at, turns, [sums])
            return
        if who != known.who:
            known.who = tuple([new if new is not None else old for new, old in zip(who, known.who, strict=True)])
        if at < known.first_at:
            known.first_at = at
        elif at > known.last_at:
            known.last_at = at
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


def _counted(records: list[Record], priced: list[Priced]) -> Iterable[Row]:
    """What each exchange adds to the sums, in the order of their columns."""
    usages = [record.usage or _NO_USAGE for record in records]
    firsts_s = [record.first_token_s for record in records]
    tokens = (
        [usage.input_tokens for usage in usages],
        [usage.output_tokens for usage in usages],
        [usage.cache_read_tokens or 0 for usage in usages],
        [usage.cache_write_tokens or 0 for usage in usages],
        [usage.reasoning_tokens or 0 for usage in usages],
        [each.pico or 0 for each in priced],
    )
    return zip(
        repeat(1, len(records)),
        [int(record.error is not None) for record in records],
        [
            int(record.usage is not None and (each.pico is None or abs(each.pico) >= _ABSURD))
            for record, each in zip(records, priced, strict=True)
        ],
        [len(record.attempts) for record in records],
        *[_countable(column) for column in tokens],
        [len(record.calls) for record in records],
        [record.bytes_in for record in records],
        [record.bytes_out for record in records],
        [int(first_s is not None) for first_s in firsts_s],
        [record.total_s for record in records],
        [first_s or 0.0 for first_s in firsts_s],
        [record.generation_s or 0.0 for record in records],
        [record.own_s or 0.0 for record in records],
        strict=True,
    )


def _countable(numbers: list[int]) -> list[int]:
    """What a provider makes up must not make the sums of an hour too large for their column, as then nothing of it could be written."""
    if not numbers or (max(numbers) < _ABSURD and min(numbers) > -_ABSURD):
        return numbers
    return [number if -_ABSURD < number < _ABSURD else 0 for number in numbers]


def _tries(attempts: list[Attempt], costs: tuple[int | None, ...]) -> list[Row]:
    """As `store.tries` has them."""
    if len(attempts) == 1:
        (each,) = attempts
        return [(*_TRIED(each), *_tokens(each.usage), costs[0] if costs else None)]
    return [(*_TRIED(each), *_tokens(each.usage), cost) for each, cost in zip(attempts, costs or repeat(None), strict=False)]


def _tokens(usage: Usage | None) -> tuple[int | None, int | None]:
    return _NO_TOKENS if usage is None else (usage.input_tokens, usage.output_tokens)


def _texts(values: Sequence[object]) -> list[str | None]:
    """Each as JSON, of what is empty nothing: one step for all, as a step of its own takes as long as what it does."""
    try:
        lines = _json.encode_lines(values).decode().split("\n")
    except UnicodeEncodeError:
        lines = []
    if len(lines) != len(values) + 1:
        # Half a letter in one of them, or JSON that was written over several lines by others.
        return [_text(value) if value else None for value in values]
    return [line if value else None for value, line in zip(values, lines, strict=False)]


def _text(value: object) -> str:
    try:
        return _json.encode(value).decode()
    except UnicodeEncodeError:
        # Halves of letters, as databases do not take them either.
        return _json.encode(cleaned_value(msgspec.to_builtins(value, enc_hook=str, builtin_types=(Decimal,)))).decode()
