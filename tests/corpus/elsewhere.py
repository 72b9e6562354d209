"""Writes a reply to clients of every dialect, whole and as a stream: it is valid there, and comes back with the same meaning."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec
from tests.corpus import judges
from tests.corpus.again import asked
from tests.corpus.difference import differences
from tests.corpus.exchange import DIALECTS, Exchange
from tests.corpus.meaning import of_reply
from tests.corpus.reading import fold, read_stream, read_whole, refusal
from tests.corpus.translation import write_events

from dragoman.dialects.registry import dialect
from dragoman.ir import events as ev
from dragoman.ir.errors import Kind


def reply_translates(exchange: Exchange) -> Iterator[str]:
    """The reply in every dialect."""
    spoken = dialect(exchange.dialect)
    if exchange.status >= 300 or (exchange.whole is not None and refusal(spoken, exchange.whole) is not None):
        return
    if exchange.stream is not None:
        events = read_stream(spoken, exchange.stream)
    elif exchange.whole is not None:
        events = read_whole(spoken, exchange.whole)
    else:
        return
    for target in DIALECTS:
        if isinstance(events[-1], ev.Failed):
            yield from _failed(exchange, events, target)
        else:
            yield from _ended(exchange, events, target)


def _ended(exchange: Exchange, events: list[ev.Event], target: str) -> Iterator[str]:
    heard, request, reply = dialect(target), asked(exchange), fold(events)
    # Who names no model is told by the one that was asked for.
    meant = of_reply(msgspec.structs.replace(reply, model=reply.model or request.model), target)
    body = heard.write_response(reply, request)
    judged = target != exchange.dialect  # within a dialect a server's own words go on as they are
    yield from (f"to {target}, whole: {line}" for line in (judges.whole(target, body) if judged else ()))
    yield from (f"to {target}, whole: {line}" for line in differences(meant, of_reply(fold(read_whole(heard, body)), target)))
    stream = write_events(events, target, request)
    yield from (f"to {target}, streamed: {line}" for line in (judges.stream(target, stream) if judged else ()))
    yield from (f"to {target}, streamed: {line}" for line in differences(meant, of_reply(fold(read_stream(heard, stream)), target)))


def _failed(exchange: Exchange, events: list[ev.Event], target: str) -> Iterator[str]:
    """A stream that failed fails there too, and says why."""
    stream = write_events(events, target, asked(exchange))
    was, end = events[-1], read_stream(dialect(target), stream)[-1]
    if not isinstance(end, ev.Failed):
        yield f"to {target}, streamed: a failure became {type(end).__name__}"
    elif isinstance(was, ev.Failed) and was.error.message not in end.error.message:
        yield f"to {target}, streamed: {was.error.message!r} became {end.error.message!r}"


def refusal_translates(exchange: Exchange) -> Iterator[str]:
    """A refusal of the provider is told to clients of every dialect: the same status, the same words."""
    if exchange.whole is None:
        return
    spoken = dialect(exchange.dialect)
    error = spoken.read_error(exchange.status, (), exchange.whole) if exchange.status >= 300 else refusal(spoken, exchange.whole)
    if error is None:
        return
    for target in DIALECTS:
        status, headers, body = dialect(target).write_error(error)
        again = dialect(target).read_error(status, headers, body)
        due = _OVERLOADED.get(target, error.honest_status) if error.kind is Kind.OVERLOADED else error.honest_status
        if status != due or _shown(error.message) not in _shown(again.message):
            yield f"to {target}: {status} {again.message!r} instead of {due} {error.message!r}"


_OVERLOADED = {"messages": 529}
"""How a dialect that has a status of its own for overload tells of it."""


def _shown(message: str) -> str:
    """What of a message every dialect shows: some mask what looks like a key."""
    return re.sub(r"\S*\*\S*|\[key\]\S*", "", message)
