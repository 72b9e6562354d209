"""What a record still lacks when its exchange is over, read off its bodies where nobody waits: in the journal's thread."""

from __future__ import annotations

import logging
import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from hashlib import blake2b
from typing import Any, TypeVar

import msgspec

from dragoman.agents.registry import recognise
from dragoman.core.brought import NOTHING_NEW, Brought, brought
from dragoman.core.called import calls_in
from dragoman.dialects.glance import Fields, Glance, Places, read
from dragoman.dialects.registry import dialect, names
from dragoman.ir.kept import NOTHING
from dragoman.ir.record import LONGEST_NAME, Bodies, Record, put_together
from dragoman.wire.not_json import NOT_JSON
from dragoman.wire.splice import Outline

logger = logging.getLogger(__name__)

_SESSIONS = 10_000
_STOPPED: Mapping[str, str] = {
    **dict.fromkeys(("completed", "end_turn", "STOP", "COMPLETE"), "stop"),
    **dict.fromkeys(("tool_use", "function_call", "tool_calls", "tool_call"), "tool_calls"),
    **dict.fromkeys(("max_tokens", "max_output_tokens", "MAX_TOKENS"), "length"),
    **dict.fromkeys(("SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "content_filter"), "content_filter"),
    **dict.fromkeys(("pause_turn", "pause"), "pause"),
    **dict.fromkeys(("model_context_window_exceeded", "context_window"), "context_window"),
}
"""The words of the APIs for why an answer ended, in the neutral language (`ir.events.FinishReason`)."""
_BEGINNING_BYTES = 2048
_SHORT_BYTES = 8192
_HASHED_BYTES = 2047
"""The most that `hashlib` hashes without letting the interpreter go."""
_FEW = 50
_DEPTH = {ord("{"): 1, ord("}"): -1}
_USER = re.compile(rb'"role"\s*:\s*"user"')
_SESSION_IN = re.compile(r"""_?session(?:_id)?(?:_|"\s*:\s*")([\w-]{8,64})""")
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_DERIVED = "auto-"
"""What ids begin with that nobody told, but were worked out."""
_Beginning = tuple[str, int, int, int, int]
"""Of whom a conversation is, and how it begins: sizes, and what tells such texts apart within this process."""


_Known = TypeVar("_Known")


class _Read(msgspec.Struct, gc=False):
    """The bodies of an exchange, how its API says things, and what was new in its request."""

    bodies: Bodies
    glance: Glance
    asked: bytes | None
    brought: Brought = NOTHING_NEW


class Completion:
    """Fills in records. Used by one thread; remembers the turn in which each session is. `paths`: whether the directory and the repository
    that an agent works in are wanted."""

    def __init__(self, sessions: int = _SESSIONS, paths: Callable[[], bool] = lambda: False) -> None:
        self._most = sessions
        self._paths = paths
        self._turns: OrderedDict[str, tuple[int | None, int, str]] = OrderedDict()
        self._begun: dict[_Beginning, str] = {}

    def complete(self, entries: Iterable[tuple[Record, Bodies | None]]) -> None:
        """Fill in what is not there, of exchanges in the order in which they ended. Raises nothing: a body may be anything."""
        told = list(entries)
        _each(told, _read_head)
        if self._paths():
            _each(told, _read_place)
        glances = _glances()
        found = [
            (record, _Read(bodies, glances[record.dialect], bodies.client_request))
            for record, bodies in told
            if bodies is not None and record.dialect in glances
        ]
        # One step for all of them, then the next: see decision 15.
        asked = [each for each in found if each[1].asked is not None]
        _each([each for each in asked if each[0].session is None and each[0].replays is None], self._read_session)
        _each(asked, _read_request)
        _each([each for each in asked if each[0].turn is None and each[0].session is not None], self._read_turn)
        _each([each for each in found if each[0].status == 200 and each[1].bodies.client_response], _read_answer)

    def _read_session(self, record: Record, one: _Read) -> None:
        """What tells one conversation from another: the key of the prompt's cache, or how it begins; of one client key, each."""
        fields = _decoded(one.asked or b"") if one.bodies.outline is None else one.bodies.outline.fields
        key = ("prompt_cache_key" in fields and read(fields, ("prompt_cache_key",), str)) or ("metadata" in fields and _named(fields))
        if key:
            record.session = key[:LONGEST_NAME]
        elif fields:
            record.session = self._by_beginning(record.client, fields, one.glance.places)

    def _read_turn(self, record: Record, one: _Read) -> None:
        """A turn begins with the user's words; with results of tools it goes on. The same request once more belongs to the same turn."""
        session = record.session or ""
        known, words, size = self._turns.get(session), one.brought.words, len(one.asked or b"")
        if known is None or words is not None:
            said = None if words is None else hash(words)
            if known is None or said != known[0] or size != known[1]:
                self._turns[session] = known = (said, size, _DERIVED + record.id)
        self._turns.move_to_end(session)
        if len(self._turns) > self._most:
            self._turns.popitem(last=False)
        record.turn = known[2]

    def _by_beginning(self, client: str, fields: Fields, places: Places) -> str | None:
        """A conversation that goes on without a name begins with the same each time."""
        items, system = fields.get(places.items, b""), fields.get(places.system, b"")
        # Short ones are copied whole: less than to cut a view.
        items = bytes(items) if len(items) <= _SHORT_BYTES else memoryview(items)
        user = _USER.search(items)
        end = 0 if user is None else user.end()
        text, before = bytes(items[: end + _BEGINNING_BYTES]), bytes(memoryview(system)[:_BEGINNING_BYTES]) if system else b""
        beginning = client, len(system), hash(before), end, hash(text)
        found = self._begun.get(beginning)
        if found is None:
            words = text if user is None else _until_closed(text, end)
            if not words and not system:
                return None
            found = _DERIVED + _digest(b"%b\0%d\0%b\0%b" % (client.encode("utf-8", "replace"), len(system), before, words))
            if len(self._begun) >= self._most:
                self._begun.clear()
            self._begun[beginning] = found
        return found


@cache
def _glances() -> Mapping[str, Glance]:
    return {name: dialect(name).glance for name in names()}


def _decoded(body: bytes) -> Fields:
    try:
        return _fields(body)
    except NOT_JSON:
        return {}


def _digest(text: bytes) -> str:
    """Of short pieces, one after the other: for a longer one the interpreter is let go, and getting it back takes longer than hashing."""
    digest = blake2b(text[:_HASHED_BYTES], digest_size=10)
    for at in range(_HASHED_BYTES, len(text), _HASHED_BYTES):
        digest.update(text[at : at + _HASHED_BYTES])
    return digest.hexdigest()


def _named(fields: Fields) -> str | None:
    """By its `metadata`: as such, or in the user's id: that of an account, and after it that of a conversation
    (`user_…_account_…_session_…`), or the same as JSON."""
    user = _SESSION_IN.search(read(fields, ("metadata", "user_id"), str) or "")
    return read(fields, ("metadata", "session_id"), str) or (user and user[1])


def _until_closed(text: bytes, at: int) -> bytes:
    """The text, from `at` on without what is escaped in it, up to where the object ends in which that is, or all of it. The user's first
    words may be a whole file, or cut here: how they begin tells them from others."""
    # So each quote that is left begins or ends a string.
    rest = _without_escapes(text[at:])
    depth, place = 0, 0 if b"}" in rest else -1
    while place >= 0:
        opens = rest.find(b'"', place)
        stop = opens if opens >= 0 else len(rest)
        if rest.find(b"}", place, stop) < 0:
            depth += rest.count(b"{", place, stop)
        else:
            for at_mark in range(place, stop):
                depth += _DEPTH.get(rest[at_mark], 0)
                if depth < 0:
                    return text[:at] + rest[: at_mark + 1]
        # Behind the string, if it ends.
        place = -1 if opens < 0 else rest.find(b'"', opens + 1)
        place += place >= 0
    return text[:at] + rest


def _without_escapes(text: bytes) -> bytes:
    """The text without escaped backslashes and quotes. Of a few, each for itself: looking for two letters takes ten times as long."""
    parts = text.split(b"\\")
    if len(parts) > _FEW or b"" in parts:
        return text.replace(b"\\\\", b"").replace(b'\\"', b"")
    return parts[0] + b"".join([part[1:] if part.startswith(b'"') else b"\\" + part for part in parts[1:]])


def _each(found: Iterable[tuple[Record, _Known]], step: Callable[[Record, _Known], None]) -> None:
    for record, known in found:
        try:
            step(record, known)
        except Exception:
            # The journal must go on: what is there of this record is written.
            logger.exception("what exchange %s brought could not be read", record.id)


def _read_head(record: Record, _: Bodies | None) -> None:
    """Why it ended; which virtual model, and which of its rules. A `provider/model` that was asked for by its own name is none."""
    record.stop_reason = _STOPPED.get(record.stop_reason or "", record.stop_reason)
    decision: Any = record.decision
    model, places = getattr(decision, "model", None), getattr(decision, "places", ())
    if isinstance(model, str) and ("/" not in model or all(model != place.seat.deployment for place in places)):
        record.routed = model
        record.rule = getattr(decision, "rule", "") or None


def _read_place(record: Record, bodies: Bodies | None) -> None:
    if bodies is not None:
        headers = dict(bodies.client_request_headers)
        record.cwd, record.repo = recognise(headers).place(headers)


def _read_request(record: Record, one: _Read) -> None:
    outline: Outline | None = one.bodies.outline
    items = None if outline is None else outline.place(one.glance.places.items)
    one.brought = brought(one.glance, one.asked or b"", items)
    if one.brought.results:
        record.results = list(one.brought.results)


def _read_answer(record: Record, one: _Read) -> None:
    bodies, pieces = one.bodies, one.bodies.client_response or []
    record.calls = calls_in(one.glance.calls, put_together(pieces))
    if not record.calls:
        return
    if record.stop_reason == "stop" and any(call.executor == "client" for call in record.calls):
        # The APIs that say no more than that it is over.
        record.stop_reason = "tool_calls"
    for number, call in enumerate(record.calls):
        call.call_id = call.call_id or f"{record.id}.{number}"
        if bodies.mode == NOTHING:
            call.arguments, call.command = "", None
