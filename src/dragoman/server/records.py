"""The journal over HTTP: `GET /api/exchanges`, `/api/usage`, `/api/sessions`, and one of each. The door decides who may ask."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import parse_qsl

import msgspec

from dragoman.ir.errors import GatewayError, Kind
from dragoman.server.answer import Answer
from dragoman.server.app import Further, Handler
from dragoman.server.beside import Beside
from dragoman.server.door import Door
from dragoman.server.export import FORMATS
from dragoman.wire.frame import Headers

EXCHANGES, USAGE, SESSIONS = "/api/exchanges", "/api/usage", "/api/sessions"
_JSON: Headers = (("content-type", "application/json"), ("cache-control", "no-store"))
_TRUE = frozenset({"1", "true", "yes"})

Given = Mapping[str, str]
Row = Mapping[str, Any]


class Journal(Protocol):
    """What answers: `app.asking.Asking`."""

    async def exchanges(self, given: Given) -> Row: ...
    async def exchange(self, name: str, *, bodies: bool = False) -> Row: ...
    async def usage(self, given: Given) -> Row: ...
    async def sessions(self, given: Given) -> Row: ...
    async def session(self, name: str) -> Row: ...
    def export(self, given: Given) -> AsyncGenerator[Sequence[Row]]: ...


class Records:
    """The routes of a journal, for whom the door lets in. None: there is none, and they say so. beside: how files are made."""

    def __init__(self, journal: Journal | None, door: Door, beside: Beside = asyncio.to_thread) -> None:
        self._journal = journal
        self._door = door
        self._beside = beside

    def beside(self, further: Further) -> Further:
        """Other routes, and these."""
        exact = {
            ("GET", EXCHANGES): self._guarded(self._exchanges),
            ("GET", USAGE): self._guarded(lambda journal, asked: _told(asked, journal.usage(_given(asked)))),
            ("GET", SESSIONS): self._guarded(lambda journal, asked: _told(asked, journal.sessions(_given(asked)))),
        }
        below = (
            (f"{EXCHANGES}/", self._guarded(_exchange)),
            (f"{SESSIONS}/", self._guarded(lambda journal, asked: _told(asked, journal.session(_name(asked, SESSIONS))))),
        )
        return msgspec.structs.replace(further, exact={**further.exact, **exact}, below=(*further.below, *below))

    def _guarded(self, answer: Callable[[Journal, Answer], Awaitable[None]]) -> Handler:
        async def on_question(asked: Answer) -> None:
            self._door.enter(asked.address, asked.headers)
            if self._journal is None:
                message = "this gateway keeps no journal (`database: none`), so there is nothing to ask; give `database` a place"
                raise GatewayError(Kind.NOT_FOUND, message, source="client")
            await answer(self._journal, asked)

        return on_question

    async def _exchanges(self, journal: Journal, asked: Answer) -> None:
        given = dict(_given(asked))
        name = given.pop("format", "json")
        if name == "json":
            await _told(asked, journal.exchanges(given))
            return
        if name not in FORMATS:
            message = f"`format` takes `json`, {', '.join(f'`{known}`' for known in FORMATS)}, not `{name[:100]}`"
            raise GatewayError(Kind.INVALID_REQUEST, message, source="client", param="format")
        writer = FORMATS[name]()
        if asked.method == "HEAD":
            await asked.whole(200, _attached(writer.content_type, name), b"")
            return
        started = False
        async for rows in journal.export(given):
            if not started:
                await asked.start(200, _attached(writer.content_type, name))
                started = True
            # In a thread: thousands of rows are packed at once, which every stream would wait for.
            await asked.write(await self._beside(writer.rows, rows))
        if not started:
            await asked.start(200, _attached(writer.content_type, name))
        await asked.write(await self._beside(writer.close))
        await asked.finish()


async def _exchange(journal: Journal, asked: Answer) -> None:
    bodies = _given(asked).get("bodies", "") in _TRUE
    await _told(asked, journal.exchange(_name(asked, EXCHANGES), bodies=bodies))


async def _told(asked: Answer, answer: Awaitable[Row]) -> None:
    await asked.whole(200, _JSON, msgspec.json.encode(await answer))


def _given(asked: Answer) -> Given:
    """The parts of a question. What stands several times has several values, as with commas: none of them is passed over."""
    given: dict[str, str] = {}
    for name, value in parse_qsl(asked.target.query):
        given[name] = f"{given[name]},{value}" if name in given else value
    return given


def _name(asked: Answer, below: str) -> str:
    return asked.target.path.removeprefix(f"{below}/").rstrip("/")


def _attached(content_type: str, name: str) -> Headers:
    return (
        ("content-type", content_type),
        ("cache-control", "no-store"),
        ("content-disposition", f'attachment; filename="exchanges.{name}"'),
    )
