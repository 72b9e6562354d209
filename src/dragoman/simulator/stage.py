"""Puts an answer on the wire: the right synthesis for the dialect, the provider's headers, pauses between deltas, and faults."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from dragoman.simulator import synthesis_chat, synthesis_responses
from dragoman.simulator.errors import ERRORS, ErrorForm, by_status, render
from dragoman.simulator.faults import spoil
from dragoman.simulator.performance import Beat, Dice, Pause, Performance, Step, whole
from dragoman.simulator.reply import Counted, Reply, count
from dragoman.simulator.script import Fault
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

    def __call__(self, view: View, reply: Reply, usage: Counted | None, dice: Dice, now_s: int) -> Synthesis:
        """Begin one answer."""
        ...


def perform_reply(view: View, reply: Reply, fault: Fault | None, dice: Dice, now_s: int) -> Performance:
    """The whole HTTP answer for a reply."""
    usage = count(reply, view.size_bytes, view.turns)
    synthesis = _DIALECTS[view.dialect](view, reply, usage, dice, now_s)
    headers = provider_headers(dice)
    if view.stream:
        beats = synthesis.stream()
        if fault is not None and fault.in_stream is not None:
            begun = _until_first_delta(beats)
            beats = [*begun, *synthesis.failure(fault.in_stream, fault.in_stream_message, len(begun))]
        stream_headers = (("content-type", "text/event-stream; charset=utf-8"), *headers)
        sound = Performance(200, stream_headers, tuple(_paced(beats, reply)))
    else:
        sound = whole(200, [("content-type", "application/json"), *headers], synthesis.body())
        sound = msgspec.structs.replace(sound, wait_s=reply.pace.first_s)
    return sound if fault is None else spoil(sound, fault, dice)


def perform_error(form: ErrorForm, values: dict[str, str], dice: Dice, fault: Fault | None = None) -> Performance:
    """The whole HTTP answer for an error."""
    status, headers, body = render(form, values)
    sound = whole(status, [*headers, *_without(provider_headers(dice), headers)], body)
    return sound if fault is None else spoil(sound, fault, dice)


def error_of(fault: Fault, dialect: str) -> ErrorForm | None:
    """The error answer that a fault asks for, None where the answer itself is given (and perhaps spoilt)."""
    form = ERRORS[fault.error] if fault.error is not None else None
    if form is None and (fault.status is not None or fault.body is not None):
        form = by_status(fault.status, dialect) if fault.status is not None else ErrorForm(200, "")
    if form is None:
        return None
    if fault.status is not None:
        form = msgspec.structs.replace(form, status=fault.status)
    return form if fault.body is None else msgspec.structs.replace(form, body=fault.body)


def provider_headers(dice: Dice) -> Headers:
    """The headers that OpenAI adds to every answer, cookie included: none of them is the client's business, some are useful."""
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


def _without(headers: Headers, others: Headers) -> Headers:
    taken = {name for name, _ in others}
    return [(name, value) for name, value in headers if name not in taken]


def _until_first_delta(beats: Sequence[Beat]) -> list[Beat]:
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


_DIALECTS: dict[str, Maker] = {"responses": synthesis_responses.Synthesis, "chat": synthesis_chat.Synthesis}
