"""What is asked of an exchange. A check gives one sentence for each thing that is wrong, none if all is well.

A check never knows a case: what it lets pass is a class, told in the table beside it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from tests.corpus.again import stream_returns, whole_returns
from tests.corpus.asking import request_translates
from tests.corpus.difference import differences
from tests.corpus.elsewhere import refusal_translates, reply_translates
from tests.corpus.exchange import Exchange
from tests.corpus.reading import at_random, byte_by_byte, read_pieces, read_stream, read_whole, refusal, told
from tests.corpus.twin import twins_agree

from dragoman.dialects.contract import Quirks
from dragoman.dialects.registry import dialect
from dragoman.ir import events as ev
from dragoman.ir.errors import GatewayError, Kind

_SPLITS = 3


def shown_quirks(body: bytes) -> Quirks:
    """The variations of its API that a request shows by itself: with these it must come out as it went in."""
    asked: Any = json.loads(body)
    asked = asked if isinstance(asked, dict) else {}
    return Quirks(
        max_tokens_field="max_tokens" if "max_tokens" in asked else "max_completion_tokens",
        stream_usage=bool((asked.get("stream_options") or {}).get("include_usage")),
        store=None,
        cache_breakpoints="off",
        thinking="level" if b'"thinkingLevel"' in body or b'"thinking_level"' in body else "budget",
    )


def request_returns(exchange: Exchange) -> Iterator[str]:
    """The request reads, and is written back as the equal JSON value."""
    if exchange.call is None:
        return
    spoken = dialect(exchange.dialect)
    try:
        request = spoken.read_request(exchange.call)
    except GatewayError as error:
        if exchange.status == 200 or error.kind is not Kind.INVALID_REQUEST:
            yield f"request refused: {error.message}"
        return
    call, lost = spoken.write_request(request, shown_quirks(exchange.call.body))
    yield from (f"request lost `{field}`: {why}" for field, why in lost)
    came = _AS_IT_GOES.get(exchange.dialect, lambda came: came)(json.loads(exchange.call.body))
    yield from (f"request changed at {place}" for place in differences(came, json.loads(call.body)))


def _without_usage_switch(asked: Any) -> Any:
    """A Chat request without a switch for counts that is off: the gateway asks for them for itself."""
    off = isinstance(asked, dict) and asked.get("stream_options") == {"include_usage": False}
    return {name: each for name, each in asked.items() if name != "stream_options"} if off else asked


_LISTS = frozenset({"contents", "parts"})


def listed(asked: Any) -> Any:
    """A request with lists of one that came as the bare object, which the API takes for the same, as lists."""
    if isinstance(asked, list):
        return [listed(each) for each in asked]
    if not isinstance(asked, dict):
        return asked
    return {name: [listed(each)] if name in _LISTS and isinstance(each, dict) else listed(each) for name, each in asked.items()}


_AS_IT_GOES: dict[str, Callable[[Any], Any]] = {"generate": listed, "chat": _without_usage_switch}
"""What may come as something else that means the same to every server."""


def reply_reads(exchange: Exchange) -> Iterator[str]:
    """A whole reply reads to its proper end; a refusal is told as an error with its status and a sentence. One with status 200 is an
    error, too."""
    if exchange.whole is None:
        return
    spoken = dialect(exchange.dialect)
    if exchange.status >= 300:
        error = spoken.read_error(exchange.status, (), exchange.whole)
        if error.status != exchange.status or not error.message or error.source != "upstream":
            yield f"error read as {error!r}"
        return
    if refusal(spoken, exchange.whole) is not None:
        return
    events = read_whole(spoken, exchange.whole)
    if not isinstance(events[-1], ev.Ended):
        yield f"reply ends in {type(events[-1]).__name__}"


def stream_reads(exchange: Exchange) -> Iterator[str]:
    """A stream reads to its end, the same however it is cut. One that tells an error itself ends in that error."""
    if exchange.stream is None:
        return
    spoken = dialect(exchange.dialect)
    events = read_stream(spoken, exchange.stream)
    end = events[-1] if events else None
    if not isinstance(end, ev.Ended) and not (isinstance(end, ev.Failed) and _tells(exchange.stream, end.error)):
        yield f"stream ends in {end!r}"
    if told(read_pieces(spoken, byte_by_byte(exchange.stream))) != told(events):
        yield "byte by byte gives other events"
    for seed in range(_SPLITS):
        if told(read_pieces(spoken, at_random(exchange.stream, seed))) != told(events):
            yield f"split {seed} gives other events"


def _tells(stream: bytes, error: GatewayError) -> bool:
    """Whether a stream tells of an error itself, or ends for a reason that is one."""
    return b'"error"' in stream or (error.code is not None and f'"{error.code}"'.encode() in stream)


def again_returns(exchange: Exchange) -> Iterator[str]:
    """The reply is written back in its own dialect without loss."""
    yield from whole_returns(exchange)
    yield from stream_returns(exchange)


Check = Callable[[Exchange], Iterator[str]]
CHECKS: dict[str, Check] = {
    "request": request_returns,
    "reply": reply_reads,
    "stream": stream_reads,
    "twin": twins_agree,
    "again": again_returns,
    "asked": request_translates,
    "told": reply_translates,
    "refused": refusal_translates,
}
"""The columns of the report."""


def problems(check: Check, exchange: Exchange) -> list[str]:
    """What this check finds. A crash is a finding too, with its place."""
    if exchange.other_api:
        return []
    try:
        return list(check(exchange))
    except Exception as error:
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        place = f" ({trace.tb_frame.f_code.co_filename.rpartition('/')[2]}:{trace.tb_lineno})" if trace is not None else ""
        return [f"{type(error).__name__}: {error}{place}"]
