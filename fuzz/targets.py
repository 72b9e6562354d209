"""What is fuzzed: each target takes any bytes and raises only where something is wrong."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from dragoman.dialects import registry
from dragoman.dialects.contract import Quirks
from dragoman.ir.errors import GatewayError
from dragoman.ir.events import Ended, Event, Failed
from dragoman.ir.grammar import Grammar
from dragoman.upstream.connection import Connection, Limits
from dragoman.wire.frame import Frame, Framer, WireError
from dragoman.wire.jsonarray import JsonArrayFramer
from dragoman.wire.splice import Outline
from dragoman.wire.sse import SseFramer

Target = Callable[[bytes], None]


def sse(data: bytes) -> None:
    """Any chunking of a stream gives the same frames."""
    _same_frames(lambda: SseFramer(1 << 20), data)


def jsonarray(data: bytes) -> None:
    """Any chunking of an array gives the same frames."""
    _same_frames(lambda: JsonArrayFramer(1 << 20), data)


def _same_frames(make: Callable[[], Framer], data: bytes) -> None:
    if not data:
        return
    step, data = data[0] % 7 + 1, data[1:]
    whole, pieces = make(), make()
    expected = [*whole.feed(data), *whole.close()]
    got: list[Frame] = []
    for at in range(0, len(data), step):
        got += pieces.feed(data[at : at + step])
    assert [*got, *pieces.close()] == expected


def splice(data: bytes) -> None:
    """Reading and replacing fields agrees with a parser, wherever the parser reads the body at all."""
    try:
        outline = Outline(data)
        changed = outline.replace({"model": b'"x"', "gone": None})
    except WireError:
        return
    before, after = _pairs(data), _pairs(changed)
    if before is None:
        return
    assert after is not None, changed
    kept = [(key, value) for key, value in before if key not in ("model", "gone")]
    assert [(key, value) for key, value in after if key != "model"] == kept
    assert [value for key, value in after if key == "model"] == ["x"]


def _pairs(data: bytes) -> list[tuple[str, Any]] | None:
    try:
        found = json.loads(data, object_pairs_hook=_Pairs, parse_constant=str, parse_float=str, parse_int=str)
    except (ValueError, RecursionError):
        return None
    return list(found) if isinstance(found, _Pairs) else None


class _Pairs(list[tuple[str, Any]]):
    """An object's members in order, equal keys kept."""


def reader(name: str) -> Target:
    """A dialect's reader takes any frames: no other error, no event out of order, no success without an end."""
    dialect = registry.dialect(name)

    def target(data: bytes) -> None:
        framer, stream, grammar = dialect.framer(), dialect.reader(Quirks()), Grammar()
        events: list[Event] = []

        def note(more: list[Event]) -> None:
            for event in more:
                grammar.feed(event)
                events.append(event)

        try:
            frames = [*framer.feed(data), *framer.close()]
            for frame in frames:
                note(list(stream.feed(frame)))
                if events and isinstance(events[-1], Ended | Failed):
                    break
            else:
                note(list(stream.close()))
        except (GatewayError, WireError):
            return
        assert events and isinstance(events[-1], Ended | Failed), events

    return target


def whole(name: str) -> Target:
    """A dialect reads any body as a reply, a request or an error, or says what is wrong with it."""
    dialect = registry.dialect(name)

    def target(data: bytes) -> None:
        try:
            grammar = Grammar()
            for event in dialect.read_response(data, Quirks()):
                grammar.feed(event)
        except GatewayError:
            pass
        dialect.read_error(data[0] + 300 if data else 500, (), data[1:])
        tap = dialect.tap()
        tap.feed(data)
        tap = dialect.tap()
        tap.whole(data)

    return target


class _Sink:
    """Counts how often an answer ended."""

    def __init__(self) -> None:
        self.ends = 0
        self.heads = 0

    def took_head(self, status: int, headers: object) -> None:
        assert 200 <= status <= 999
        self.heads += 1

    def took_body(self, chunks: list[bytes]) -> None:
        assert self.heads == 1 and not self.ends and all(chunks)

    def took_end(self, chunks: list[bytes]) -> None:
        assert self.heads == 1 and all(chunks)
        self.ends += 1

    def took_fault(self, error: GatewayError) -> None:
        self.ends += 1

    took_stale = took_fault

    def freed(self, connection: object) -> None:
        pass

    lost = freed


class _Transport(asyncio.Transport):
    """Takes everything, sends nothing."""

    def write(self, data: object) -> None:
        pass

    def abort(self) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return False


_loop = asyncio.new_event_loop()


def answer(data: bytes) -> None:
    """A provider's connection takes any bytes; the answer ends once, however they are cut."""
    sink = _Sink()
    connection = Connection(_loop, "fuzz:1", sink, Limits())
    connection.connection_made(_Transport())
    connection.start(sink, b"GET / HTTP/1.1\r\n\r\n", b"")
    step = data[0] % 31 + 1 if data else 1
    for at in range(1, len(data), step):
        connection.data_received(data[at : at + step])
    connection.eof_received()
    assert sink.ends == 1


TARGETS: dict[str, Target] = {
    "sse": sse,
    "jsonarray": jsonarray,
    "splice": splice,
    "answer": answer,
    **{f"read-{name}": reader(name) for name in registry.names()},
    **{f"whole-{name}": whole(name) for name in registry.names()},
}
