"""Records become what is written of them: columns of the exchanges themselves, rows of their tools and of the sums that they add to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from itertools import chain, islice
from typing import Any

import msgspec
from msgspec.structs import astuple

from dragoman.ir.kept import DROPPED
from dragoman.ir.record import Attempt, Record
from dragoman.ir.usage import Usage
from dragoman.observe.journal_sums import Before, Columns, Sums
from dragoman.store.batch import Batch, Row
from dragoman.store.clean import cleaned_value

ARGUMENTS = 2000
"""Letters of a call's arguments that are kept."""
_MESSAGE = 4000
_NAME = 400
_json = msgspec.json.Encoder(decimal_format="string", enc_hook=str)


class Priced(msgspec.Struct, frozen=True, gc=False):
    """What an exchange costs, in units of 1e-12 US dollar: all of it (None: not known), by kind (what is a table as JSON), and by
    attempt. told: what is to be said of that (field, why), with the warnings."""

    pico: int | None = None
    parts: dict[str, int] | msgspec.Struct = {}
    attempts: tuple[int | None, ...] = ()
    told: tuple[tuple[str, str], ...] = ()


Price = Callable[[Record], Priced | None]
"""What an exchange costs. Called where nothing waits."""
Told = Callable[[Any], object]
"""Makes JSON of what stands in `Record.decision`."""

_AS_TOLD = (
    "id", "began_at", "session", "turn", "parent_session", "run", "kind", "client", "team", "user", "address", "key_prefix", "agent",
    "agent_version", "lane", "asked", "routed", "rule", "provider", "model", "answered", "stream", "status", "error", "stop_reason",
    "queue_s", "admission_s", "guards_s", "cache_s", "waited_s", "first_token_s", "generation_s", "tools_s", "own_s", "total_s", "bytes_in",
    "bytes_out", "cache_hit", "replays",
)  # fmt: skip
"""Fields of a record that stand as they are in the column of the same name."""
_USED = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens", "total_tokens")
_TRIED = ("provider", "model", "key", "began_s", "connected_s", "first_byte_s", "ended_s", "status", "error")
_PATHS = ("cwd", "repo")
_UNTOLD = (None,) * len(Usage.__struct_fields__)
_UNPRICED = Priced()
_EMPTY = ("null", "{}", "[]")
_NO_ATTEMPT = Attempt("", "", 0.0)


def without_bodies(batch: Batch) -> Batch:
    """The same exchanges, whose bodies there was no room for."""
    with_bodies, columns = {row[0] for row in batch.bodies}, batch.columns
    words = [DROPPED if name in with_bodies else word for name, word in zip(columns["id"], columns["bodies"], strict=True)]
    return msgspec.structs.replace(batch, columns={**columns, "bodies": words}, bodies=[], blobs=[])


class Rows:
    """Collects what is to be written of one batch."""

    def __init__(self, price: Price, told: Told, before: Before, *, paths: bool) -> None:
        self._price = price
        self._told = told
        self._before = before
        self._paths = _PATHS if paths else ()
        self._sums: Sums | None = None
        self.columns: Columns = {}
        self.tools: list[Row] = []
        self.results: list[Row] = []
        self.bodies: list[Row] = []
        self.blobs: list[Row] = []

    def add(self, records: list[Record], bodies: list[str]) -> None:
        """All exchanges of the batch, once. bodies: what is kept of those of each, in a word."""
        if not records:
            return
        told = _columns(Record, map(astuple, records))
        used = _columns(Usage, [_UNTOLD if usage is None else astuple(usage) for usage in told["usage"]])
        priced = _columns(Priced, [astuple(self._price(record) or _UNPRICED) for record in records])
        last = [attempts[-1] if attempts else _NO_ATTEMPT for attempts in told["attempts"]]
        self.columns = {
            **{name: told[name] for name in (*_AS_TOLD, *self._paths)},
            **{name: used[name] for name in _USED},
            "dialect_in": told["dialect"],
            "dialect_out": told["upstream_dialect"],
            "decision": self._decisions(told["decision"]),
            "provider_key": [each.key for each in last],
            "message": [each if each is None or len(each) <= _MESSAGE else each[:_MESSAGE] for each in told["message"]],
            "usage_extra": _texts(used["extra"]),
            "cost_pico": priced["pico"],
            "cost_parts": _texts(priced["parts"]),
            "attempts": list(map(len, told["attempts"])),
            "tool_calls": list(map(len, told["calls"])),
            "connect_s": [None if each.connected_s is None else each.connected_s - each.began_s for each in last],
            "upstream_first_byte_s": [None if each.first_byte_s is None else each.first_byte_s - each.began_s for each in last],
            "warnings": [
                _text([*said, *more]) if said or more else None for said, more in zip(told["warnings"], priced["told"], strict=True)
            ],
            "bodies": bodies,
            "tries": _tries(told["attempts"], priced["attempts"]),
        }
        for record in records:
            if record.calls or record.results:
                self._tools(record)
        self._sums = Sums(told, used, priced["pico"], paths=bool(self._paths))

    def batch(self, writer: str, number: int, at: float) -> Batch:
        """All of it."""
        batch = Batch(
            writer,
            number,
            at,
            columns=self.columns,
            tools=self.tools,
            results=self.results,
            blobs=self.blobs,
            bodies=self.bodies,
        )
        if self._sums is not None:
            batch.usage_hours, batch.usage_times = self._sums.hours(self._before.parts)
            batch.sessions, batch.session_models = self._sums.sessions(self._before.turns)
        return batch

    def _decisions(self, decisions: Sequence[object]) -> list[str | None]:
        """As JSON. Where nothing is to be decided, it is the same in many."""
        keys = list(map(id, decisions))
        each = dict(zip(keys, decisions, strict=True))
        texts = {key: None if decision is None else _text(self._told(decision)) for key, decision in each.items()}
        return [texts[key] for key in keys]

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


def _columns(kind: type[msgspec.Struct], structs: Iterable[tuple[Any, ...]]) -> Columns:
    """The fields of many, by their names."""
    return dict(zip(kind.__struct_fields__, zip(*structs, strict=True), strict=True))


def _tries(attempts: Sequence[list[Attempt]], costs: Sequence[tuple[int | None, ...]]) -> list[str | None]:
    """As `store.tries` has them, of each exchange."""
    each = list(chain.from_iterable(attempts))
    if not each:
        return [None] * len(attempts)
    tried = _columns(Attempt, map(astuple, each))
    cost = chain.from_iterable(
        [pico if len(pico) == len(tries) else (None,) * len(tries) for pico, tries in zip(costs, attempts, strict=True)]
    )
    tokens = [(None, None) if usage is None else (usage.input_tokens, usage.output_tokens) for usage in tried["usage"]]
    rows = zip(*[tried[name] for name in _TRIED], *zip(*tokens, strict=True), cost, strict=True)
    counts = list(map(len, attempts))
    return _texts(list(zip(rows)) if counts.count(1) == len(counts) else [list(islice(rows, count)) for count in counts])


def _texts(values: Sequence[object]) -> list[str | None]:
    """Each as JSON, of what is empty nothing: one step for all, as a step of its own takes as long as what it does."""
    try:
        lines = _json.encode_lines(values).decode().split("\n")
    except UnicodeEncodeError:
        lines = []
    if len(lines) != len(values) + 1:
        # Half a letter in one of them, or JSON that was written over several lines by others.
        lines = list(map(_text, values))
    return [None if line in _EMPTY else line for line in lines[: len(values)]]


def _text(value: object) -> str:
    try:
        return _json.encode(value).decode()
    except UnicodeEncodeError:
        # Halves of letters, as databases do not take them either.
        return _json.encode(cleaned_value(msgspec.to_builtins(value, enc_hook=str, builtin_types=(Decimal,)))).decode()
