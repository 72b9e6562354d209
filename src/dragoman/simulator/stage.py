"""Puts an answer on the wire: the right synthesis for the dialect, the provider's headers, pauses between deltas, and faults."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from dragoman.simulator import synthesis_chat, synthesis_generate, synthesis_messages, synthesis_responses
from dragoman.simulator.cache import Prefix
from dragoman.simulator.errors import ERRORS, ErrorForm, by_status, named, render
from dragoman.simulator.faults import breaks, byte_of, split, spoil
from dragoman.simulator.mischief import Fault, Place
from dragoman.simulator.performance import Beat, Dice, Pause, Performance, Step, whole
from dragoman.simulator.reply import Counted, Reply, count
from dragoman.simulator.stamp import Stamp
from dragoman.simulator.view import View

Headers = list[tuple[str, str]]


class Synthesis(Protocol):
    """What a dialect's synthesis can do."""

    def stream(self) -> list[Beat]:
        """The answer as a stream."""
        ...

    def body(self) -> bytes:
        """The answer in one piece."""
        ...

    def failure(self, code: str, message: str, sent: int) -> list[Beat]:
        """The events of an error in mid-stream, after so many events."""
        ...


class Maker(Protocol):
    """Makes a synthesis for one answer."""

    def __call__(self, view: View, reply: Reply, usage: Counted | None, dice: Dice, stamp: Stamp) -> Synthesis:
        """Begin one answer."""
        ...


def perform_reply(view: View, reply: Reply, fault: Fault | None, dice: Dice, stamp: Stamp, prefix: Prefix) -> Performance:
    """The whole HTTP answer for a reply."""
    usage = count(reply, view.size_bytes, prefix.cached_tokens, prefix.written_tokens)
    synthesis = _DIALECTS[view.dialect](view, reply, usage, dice, stamp)
    headers = provider_headers(dice, view.dialect)
    if view.stream:
        beats = synthesis.stream()
        if fault is not None and fault.in_stream is not None:
            begun = _until(beats, fault.in_stream_at)
            beats = [*begun, *synthesis.failure(fault.in_stream, fault.in_stream_message, len(begun))]
        kind = "application/json; charset=UTF-8" if view.array else _STREAM_TYPES.get(view.dialect, "text/event-stream; charset=utf-8")
        stream_headers = (("content-type", kind), *headers)
        sound = Performance(200, stream_headers, tuple(_paced(beats, reply)))
    elif fault is not None and fault.in_stream is not None:
        # Where nothing is streamed the error comes instead of the answer.
        return perform_error(named(fault.in_stream if fault.in_stream in ERRORS else "server_error", view.dialect), {}, dice, view.dialect)
    else:
        sound = whole(200, [("content-type", "application/json"), *headers], synthesis.body())
        sound = msgspec.structs.replace(sound, wait_s=reply.pace.first_s)
    sound = msgspec.structs.replace(sound, billed="whole")
    return sound if fault is None else _spoilt(sound, fault, dice)


def _spoilt(sound: Performance, fault: Fault, dice: Dice) -> Performance:
    spoilt = spoil(sound, fault, dice)
    if spoilt.silent is not None or spoilt.wait_s is None:
        return msgspec.structs.replace(spoilt, billed="")
    return msgspec.structs.replace(spoilt, billed="part") if breaks(fault) else spoilt


def perform_error(
    form: ErrorForm, values: dict[str, str], dice: Dice, dialect: str = "responses", fault: Fault | None = None
) -> Performance:
    """The whole HTTP answer for an error."""
    standing = provider_headers(dice, dialect)
    request_id = next((value for name, value in standing if name == "request-id"), "")
    status, headers, body = render(form, {"request_id": request_id, **values})
    sound = whole(status, [*headers, *_without(standing, headers)], body)
    return sound if fault is None else spoil(sound, fault, dice)


def error_of(fault: Fault, dialect: str) -> ErrorForm | None:
    """The error answer that a fault asks for, None where the answer itself is given (and perhaps spoilt)."""
    form = named(fault.error, dialect) if fault.error is not None else None
    if form is None and (fault.status is not None or fault.body is not None):
        form = by_status(fault.status, dialect) if fault.status is not None else ErrorForm(200, "")
    if form is None:
        return None
    if fault.status is not None:
        form = msgspec.structs.replace(form, status=fault.status)
    return form if fault.body is None else msgspec.structs.replace(form, body=fault.body)


def provider_headers(dice: Dice, dialect: str = "responses") -> Headers:
    """The headers that the provider of a dialect adds to every answer: few are the client's business, some are useful."""
    return _HEADERS.get(dialect, _openai_headers)(dice)


def _openai_headers(dice: Dice) -> Headers:
    return [
        ("openai-organization", "org-demo"),
        ("openai-processing-ms", "42"),
        ("openai-version", "2020-10-01"),
        ("x-ratelimit-limit-requests", "10000"),
        ("x-ratelimit-limit-tokens", "30000000"),
        ("x-ratelimit-remaining-requests", "9999"),
        ("x-ratelimit-remaining-tokens", "29999985"),
        ("x-ratelimit-reset-requests", "6ms"),
        ("x-ratelimit-reset-tokens", "0s"),
        ("x-request-id", f"req_{dice.hexadecimal(32)}"),
        ("set-cookie", f"__cf_bm={dice.letters(43)}; path=/; HttpOnly; Secure; SameSite=None"),
        ("server", "cloudflare"),
    ]


def _anthropic_headers(dice: Dice) -> Headers:
    reset = "2026-11-21T12:00:00Z"
    limits = (("requests", "4000", "3999"), ("input-tokens", "2000000", "1999000"), ("output-tokens", "400000", "400000"))
    told = [
        (f"anthropic-ratelimit-{name}-{field}", value)
        for name, limit, left in (*limits, ("tokens", "2400000", "2399000"))
        for field, value in (("limit", limit), ("remaining", left), ("reset", reset))
    ]
    return [
        *told,
        ("request-id", f"req_011C{dice.letters(20)}"),
        ("anthropic-organization-id", f"{dice.hexadecimal(8)}-0000-4000-8000-{dice.hexadecimal(12)}"),
        ("strict-transport-security", "max-age=31536000; includeSubDomains; preload"),
        ("cf-cache-status", "DYNAMIC"),
        ("set-cookie", f"_cfuvid={dice.letters(43)}; path=/; HttpOnly; Secure; SameSite=None"),
        ("server", "cloudflare"),
    ]


def _google_headers(_dice: Dice) -> Headers:
    return [
        ("vary", "Origin, X-Origin, Referer"),
        ("server", "scaffolding on HTTPServer2"),
        ("x-xss-protection", "0"),
        ("x-frame-options", "SAMEORIGIN"),
        ("x-content-type-options", "nosniff"),
        ("server-timing", "gfet4t7; dur=420"),
        ("alt-svc", 'h3=":443"; ma=2592000'),
    ]


def _without(headers: Headers, others: Headers) -> Headers:
    taken = {name for name, _ in others}
    return [(name, value) for name, value in headers if name not in taken]


def _until(beats: Sequence[Beat], place: Place | None) -> list[Beat]:
    """The events up to a place, or to the first output."""
    if place is not None:
        before, _ = split(beats, byte_of(beats, place))
        return [step for step in before if isinstance(step, Beat)]
    first = next((at for at, beat in enumerate(beats) if beat.kind == "delta"), 1)
    return list(beats[: first + 1])


def _paced(beats: Sequence[Beat], reply: Reply) -> list[Step]:
    pace = reply.pace
    if pace.first_s <= 0 and pace.delta_s <= 0:
        return list(beats)
    steps: list[Step] = []
    waiting = pace.first_s
    for beat in beats:
        if beat.kind not in ("opening", "end") and waiting > 0:
            steps.append(Pause(waiting))
            waiting = 0.0
        elif beat.kind == "delta" and pace.delta_s > 0:
            steps.append(Pause(pace.delta_s))
        steps.append(beat)
    return steps


_DIALECTS: dict[str, Maker] = {
    "responses": synthesis_responses.Synthesis,
    "chat": synthesis_chat.Synthesis,
    "messages": synthesis_messages.Synthesis,
    "generate": synthesis_generate.Synthesis,
}
_HEADERS: dict[str, Callable[[Dice], Headers]] = {"messages": _anthropic_headers, "generate": _google_headers}
_STREAM_TYPES = {"generate": "text/event-stream"}
