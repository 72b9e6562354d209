"""Reads replies the way the gateway does, in pieces of any size, holding every stream of events to its grammar."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

from dragoman.dialects.contract import Dialect, Quirks
from dragoman.ir import events as ev
from dragoman.ir.errors import GatewayError
from dragoman.ir.fold import Fold
from dragoman.ir.grammar import Grammar
from dragoman.ir.response import Response

QUIRKS = Quirks()


def read_pieces(dialect: Dialect, pieces: Iterable[bytes], quirks: Quirks = QUIRKS) -> list[ev.Event]:
    """The events of a stream that arrives in these pieces. Raises GrammarError if they are out of order."""
    framer, reader, grammar = dialect.framer(), dialect.reader(quirks), Grammar()
    events: list[ev.Event] = []

    def take(more: Iterable[ev.Event]) -> None:
        for event in more:
            grammar.feed(event)
            events.append(event)

    for piece in pieces:
        for frame in framer.feed(piece):
            take(reader.feed(frame))
    for frame in framer.close():
        take(reader.feed(frame))
    take(reader.close())
    return events


def read_stream(dialect: Dialect, data: bytes) -> list[ev.Event]:
    """The events of a stream that arrives at once."""
    return read_pieces(dialect, [data])


def read_whole(dialect: Dialect, body: bytes) -> list[ev.Event]:
    """The events of a whole reply, held to the grammar."""
    grammar, events = Grammar(), dialect.read_response(body, QUIRKS)
    for event in events:
        grammar.feed(event)
    return events


def refusal(dialect: Dialect, body: bytes) -> GatewayError | None:
    """The error that a body with status 200 tells instead of a reply."""
    said: Any = json.loads(body)
    blocked = isinstance(said, dict) and "promptFeedback" in said and not said.get("candidates")
    if not blocked and not (isinstance(said, dict) and (said.get("error") or _broken_off(said))):
        return None
    try:
        dialect.read_response(body, QUIRKS)
    except GatewayError as error:
        return error if error.message and error.source == "upstream" else None
    return None


def _broken_off(said: dict[str, Any]) -> bool:
    """Whether a router tells in a choice that the provider behind it failed."""
    choices = said.get("choices")
    return isinstance(choices, list) and any(isinstance(choice, dict) and choice.get("error") for choice in choices)


def byte_by_byte(data: bytes) -> Iterator[bytes]:
    """Every byte on its own."""
    return (data[at : at + 1] for at in range(len(data)))


def at_random(data: bytes, seed: int) -> Iterator[bytes]:
    """Pieces of 1 byte to some kilobytes, cut anywhere, also inside a character."""
    draw = random.Random(seed)
    cuts = sorted({draw.randrange(len(data) + 1) for _ in range(draw.choice((1, 3, 20, 200)))} | {0, len(data)})
    return (data[start:end] for start, end in pairwise(cuts))


def fold(events: Iterable[ev.Event]) -> Response:
    """The whole reply that these events make. Raises the stream's own error."""
    folded = Fold()
    for event in events:
        folded.feed(event)
    return folded.response()


def told(events: list[ev.Event]) -> str:
    """Events as text that can be compared: errors inside them compare by identity otherwise."""
    return repr(events)
