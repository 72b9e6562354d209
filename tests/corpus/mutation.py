"""Breaks recorded exchanges at random: nothing but GatewayError may be raised, events keep to their grammar, and a reply that was cut
before its end is no success. `python -m tests.corpus.mutation FOLDER [SECONDS] [SEED]` prints what fell, each once.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
from tests.corpus.exchange import DIALECTS, Exchange, exchanges
from tests.corpus.reading import QUIRKS, fold
from tests.corpus.translation import carry_request, write_events

from dragoman.dialects.contract import Dialect
from dragoman.dialects.registry import dialect
from dragoman.ir import events as ev
from dragoman.ir.errors import GatewayError
from dragoman.ir.grammar import Grammar
from dragoman.ir.request import Request
from dragoman.wire.frame import Frame, WireError

_ODD: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 3.5, 2**63, 10**30),
    *("", "x", "\n", "\x00", "\ud800", "null", "stop", "12"),
    *([], {}, [None], [[]], [{}], {"a": 1}, {"type": "text"}, {"type": None}, {"text": None}),
)
_NAMES = ("type", "index", "id", "content", "text", "delta", "name", "role", "x")
_ASKED = Request("some-model", (), stream=True, stream_usage=True)
_ENDS = (b'finish_reason":', b'"finishReason"', b"response.completed", b"response.incomplete", b"message_stop", b'stop_reason":', b"[DONE]")
"""What stands in frames that may tell of the end."""


def broken(value: Any, draw: random.Random) -> Any:
    """The same JSON with some places of it changed, gone, renamed, in another order, or there twice."""
    value = _copy(value)
    for _ in range(draw.choice((1, 1, 2, 4))):
        places = list(_places(value))
        if not places:
            return _copy(draw.choice(_ODD))
        parent, key = draw.choice(places)
        draw.choice(_BREAKS)(parent, key, draw)
    return value


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    entries = list(value.items()) if isinstance(value, dict) else list(enumerate(value[:50])) if isinstance(value, list) else []
    for key, inner in entries:
        yield value, key
        yield from _places(inner)


def _replace(parent: Any, key: Any, draw: random.Random) -> None:
    parent[key] = _copy(draw.choice(_ODD))


def _remove(parent: Any, key: Any, draw: random.Random) -> None:
    del parent[key]


def _rename(parent: Any, key: Any, draw: random.Random) -> None:
    if isinstance(parent, dict):
        parent[draw.choice(_NAMES)] = parent.pop(key)


def _shuffle(parent: Any, key: Any, draw: random.Random) -> None:
    if isinstance(parent, list):
        draw.shuffle(parent)


def _repeat(parent: Any, key: Any, draw: random.Random) -> None:
    if isinstance(parent, list):
        parent.insert(key, _copy(parent[key]))


_BREAKS: tuple[Callable[[Any, Any, random.Random], None], ...] = (_replace, _replace, _replace, _remove, _rename, _shuffle, _repeat)


def fallen(exchange: Exchange, draw: random.Random) -> Iterator[str]:
    """What one broken exchange made of us that it must not."""
    spoken = dialect(exchange.dialect)
    if exchange.call is not None:
        call = msgspec.structs.replace(exchange.call, body=_damaged(exchange.call.body, draw))
        yield from caught("request", lambda: [carry_request(spoken.read_request(call), target) for target in DIALECTS])
    if exchange.whole is not None and not exchange.other_api:
        body = _damaged(exchange.whole, draw)
        yield from caught("tap", lambda: spoken.tap().whole(body))
        yield from caught("error", lambda: spoken.read_error(draw.choice((400, 404, 429, 500)), (), body))
        yield from caught("reply", lambda: _told(spoken.read_response(body, QUIRKS)))
    if exchange.stream is not None:
        yield from _stream(spoken, exchange.stream, draw)


def _stream(spoken: Dialect, stream: bytes, draw: random.Random) -> Iterator[str]:
    framer = spoken.framer()
    try:
        frames = [*framer.feed(stream), *framer.close()]
    except WireError:
        return
    changed = list(frames)
    for _ in range(draw.choice((1, 1, 3)) if frames else 0):
        at = draw.randrange(len(frames))
        damaged = Frame(_damaged(frames[at].data, draw), frames[at].name)
        changed[at] = draw.choice((damaged, frames[draw.randrange(len(frames))]))
    yield from caught("stream", lambda: _told(_read(spoken, changed)))
    cut = frames[: draw.randrange(len(frames) + 1)]
    if not any(mark in frame.data for frame in cut for mark in _ENDS):
        yield from ("a stream that was cut is a success" for event in _read(spoken, cut)[-1:] if not isinstance(event, ev.Failed))


def _damaged(data: bytes, draw: random.Random) -> bytes:
    try:
        return _bytes(broken(json.loads(data), draw))
    except ValueError:
        return data[: len(data) // 2]  # no JSON: a page, or a mark


def _read(spoken: Dialect, frames: list[Frame]) -> list[ev.Event]:
    reader, tap = spoken.reader(QUIRKS), spoken.tap()
    for frame in frames:
        tap.feed(b"data: %b\n\n" % frame.data)
    return [*(event for frame in frames for event in reader.feed(frame)), *reader.close()]


def _told(events: list[ev.Event]) -> None:
    """To the clients of every dialect, streamed and whole."""
    grammar = Grammar()
    for event in events:
        grammar.feed(event)
    for name in DIALECTS:
        write_events(events, name, _ASKED)
    if isinstance(events[-1], ev.Ended):
        for name in DIALECTS:
            dialect(name).write_response(fold(events), _ASKED)


def caught(what: str, act: Callable[[], object]) -> Iterator[str]:
    """The error that this raises, other than GatewayError, and where."""
    try:
        act()
    except GatewayError:
        return
    except Exception as error:
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        place = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace is not None else "?"
        yield f"{what}: {type(error).__name__}: {str(error)[:80]} ({place})"


def _copy(value: Any) -> Any:
    return json.loads(json.dumps(value))


def _bytes(value: Any) -> bytes:
    try:
        return json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return json.dumps(value).encode()


def main(root: Path, seconds: float, seed: int) -> int:
    """Break exchanges of a folder for so long, print what fell, and say by the exit status whether nothing did."""
    every, draw, end = list(exchanges(root)), random.Random(seed), time.monotonic() + seconds
    found: dict[str, str] = {}
    count = 0
    while time.monotonic() < end:
        exchange = draw.choice(every)
        count += 1
        for sentence in fallen(exchange, draw):
            found.setdefault(sentence, f"{exchange.dialect}/{exchange.name}")
    print(f"{count} exchanges were broken, {len(found)} ways to fall", *(f"{name}: {what}" for what, name in found.items()), sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1]), float((sys.argv[2:3] or ["60"])[0]), int((sys.argv[3:4] or ["0"])[0])))
