"""The live feed: every exchange as it begins and as it ends, for whoever listens at that moment. Nobody listens: it costs a question each,
and a place among those that are under way."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any

import msgspec

from dragoman.ir.errors import GatewayError, Kind
from dragoman.ir.record import Record
from dragoman.ir.usage import Usage
from dragoman.observe.queries import read_filter
from dragoman.store.filter import Filter

LISTENERS = 64
WAITING = 1024
SHOWN = 1000
"""Of those that are under way so many are told at most: the newest."""
FILTERS = ("model", "provider", "client", "user", "team", "session", "agent", "status", "error")
"""What a listener may ask to be spared all else of."""
_LONGEST = 500
_ENDED = 256
_WRITTEN_S = 20.0
_NO_USAGE = Usage()
_LOST = {"lost": "what came was more than was read; what is missing is in the journal"}
_END = {"end": "the gateway stops"}


class Listener:
    """One who listens. Its queue is bounded: who reads too slowly is told so, and that is the end of it."""

    def __init__(self, live: Live, wanted: Filter, most: int) -> None:
        self._live = live
        self._wanted = wanted
        self._most = most
        self._waiting: deque[bytes] = deque()
        self._news = asyncio.Event()
        self.is_over = False

    def hear(self, fact: Mapping[str, Any], event: bytes) -> None:
        """Take an exchange, if it is of those that are wanted. Never waits."""
        if not _fits(fact, self._wanted):
            return
        if len(self._waiting) >= self._most:
            self.end(_event("lost", _LOST))
            return
        self._waiting.append(event)
        self._news.set()

    def end(self, word: bytes) -> None:
        """Hear nothing more; `word` is the last."""
        if not self.is_over:
            self.is_over = True
            self._waiting.append(word)
            self._live.leave(self)
        self._news.set()

    async def next(self, patience_s: float) -> bytes:
        """What has gathered, waiting for it; empty if nothing came in that time."""
        if not self._waiting:
            self._news.clear()
            try:
                async with asyncio.timeout(patience_s):
                    await self._news.wait()
            except TimeoutError:
                return b""
        gathered = b"".join(self._waiting)
        self._waiting.clear()
        return gathered


class Live:
    """Everybody who listens, and what is under way. A watcher for the observer. `clock`: Unix seconds."""

    def __init__(self, most: int = LISTENERS, waiting: int = WAITING, clock: Callable[[], float] = time.time) -> None:
        self._most = most
        self._waiting = waiting
        self._clock = clock
        self._running: dict[str, Record] = {}
        self._ended: deque[tuple[str, float]] = deque(maxlen=_ENDED)
        self._listeners: set[Listener] = set()
        self._is_closed = False

    def __len__(self) -> int:
        return len(self._listeners)

    def begin(self, record: Record) -> None:
        """An exchange is under way: tell everybody. Never waits."""
        self._running[record.id] = record
        if self._listeners:
            self._tell("begun", _under_way(record))

    def record(self, record: Record) -> None:
        """Tell everybody of this exchange, which is over. Never waits."""
        if self._running.pop(record.id, None) is not None:
            self._ended.append((record.id, record.began_at + record.total_s))
        if self._listeners:
            self._tell("exchange", told(record))

    def running(self, most: int = SHOWN) -> list[dict[str, Any]]:
        """What is under way, the newest first, at most so many; `running_s`: for how long."""
        return [self._so_far(record) for record in islice(reversed(self._running.values()), most)]

    def find(self, name: str) -> dict[str, Any] | None:
        """The exchange of this id if it is under way; with `ended` true if it is over, and so lately that it may not be written yet."""
        record = self._running.get(name)
        if record is not None:
            return self._so_far(record) | {"ended": False}
        lately = self._clock() - _WRITTEN_S
        return {"id": name, "ended": True} if any(ended == name and at > lately for ended, at in self._ended) else None

    def listen(self, wanted: Mapping[str, str]) -> Listener:
        """From now on, until it leaves. wanted: what an exchange must have, by names of `FILTERS` and in the words of `queries`.

        Raises GatewayError(overloaded) if there are too many already, shutting_down, or invalid_request for what is no value of a filter.
        """
        asked = read_filter(wanted, self._clock())
        if self._is_closed:
            raise GatewayError(Kind.SHUTTING_DOWN, "the gateway stops; it tells nothing more")
        if len(self._listeners) >= self._most:
            raise GatewayError(
                Kind.OVERLOADED, f"{self._most} are listening already, which is the most; close one of them", retry_after_s=5
            )
        listener = Listener(self, asked, self._waiting)
        self._listeners.add(listener)
        return listener

    def leave(self, listener: Listener) -> None:
        """It hears nothing more."""
        self._listeners.discard(listener)

    def close(self) -> None:
        """Say goodbye to everybody."""
        self._is_closed = True
        for listener in tuple(self._listeners):
            listener.end(_event("end", _END))

    def _tell(self, name: str, fact: Mapping[str, Any]) -> None:
        event = _event(name, fact)
        for listener in tuple(self._listeners):
            listener.hear(fact, event)

    def _so_far(self, record: Record) -> dict[str, Any]:
        return _under_way(record) | {"running_s": max(0.0, self._clock() - record.began_at)}


def _fits(fact: Mapping[str, Any], wanted: Filter) -> bool:
    """Whether an exchange is wanted. What is not known of one that begins is not what was asked for."""
    if not all(str(fact.get(name)) in values for name, values in wanted.equal.items()):
        return False
    if wanted.failed is not None and ("error" not in fact or (fact["error"] is not None) is not wanted.failed):
        return False
    status = fact.get("status") or 0
    return not wanted.statuses or any(first <= status < last for first, last in wanted.statuses)


def told(record: Record) -> dict[str, Any]:
    """An exchange in short, under the names that the journal has for it. Texts that others chose are cut; what it cost is not known yet."""
    usage = record.usage or _NO_USAGE
    counts = record.usage is not None
    return {
        **_under_way(record),
        "status": record.status,
        "error": record.error,
        "message": _cut(record.message),
        "stop_reason": record.stop_reason,
        "input_tokens": usage.input_tokens if counts else None,
        "output_tokens": usage.output_tokens if counts else None,
        "cache_read_tokens": usage.cache_read_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
        "warnings": len(record.warnings),
        "own_s": record.own_s,
        "total_s": record.total_s,
    }


def _under_way(record: Record) -> dict[str, Any]:
    """What is known of an exchange that is not over, likewise. provider, model, lane: of the try that is under way, or was last."""
    return {
        "id": record.id,
        "began_at": record.began_at,
        "client": record.client,
        "user": record.user,
        "team": record.team,
        "agent": record.agent,
        "session": _cut(record.session),
        "turn": _cut(record.turn),
        "kind": record.kind,
        "asked": _cut(record.asked),
        "provider": record.provider,
        "model": _cut(record.model),
        "lane": record.lane,
        "stream": record.stream,
        "attempts": len(record.attempts),
        "first_token_s": record.first_token_s,
    }


def _cut(text: str | None) -> str | None:
    return text if text is None or len(text) <= _LONGEST else text[:_LONGEST]


def _event(name: str, fact: Mapping[str, Any]) -> bytes:
    number = b"id: %b\n" % fact["id"].encode() if "id" in fact else b""
    return b"event: %b\n%bdata: %b\n\n" % (name.encode(), number, msgspec.json.encode(fact))
