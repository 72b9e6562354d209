"""Recorded requests run again on other models: what is sent, what came back then and now.

Each recorded request holds the whole conversation as it was up to there, the results of tools among it, so it can stand for itself: every
model answers from the same place, and no tool is run. Where turns go on by themselves, `replay_turns` says what is sent instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from dragoman.agents.registry import agents
from dragoman.dialects.contract import Call, Dialect
from dragoman.dialects.playback import play
from dragoman.dialects.registry import dialect
from dragoman.ir import events as ev
from dragoman.ir.errors import GatewayError
from dragoman.ir.fold import Fold
from dragoman.ir.record import REPLAYS_HEADER
from dragoman.ir.request import Call as ToolCall
from dragoman.ir.request import Item, Message, Result, Text
from dragoman.wire.frame import WireError
from dragoman.wire.splice import Outline

MARK = b"[redacted]"
_TOOK = ("total_s", "first_token_s", "input_tokens", "cache_read_tokens", "output_tokens", "reasoning_tokens", "cost_pico")
_NAMES_PEOPLE = ("metadata", "user", "safety_identifier", "background")
"""Fields that say who asked, or that an answer is to be fetched later: of no use to another model."""
_CACHE_KEY = "prompt_cache_key"
_EXCERPT = 400


class Unfit(Exception):
    """An exchange that cannot be run again; the message says why."""


class Kept(msgspec.Struct, frozen=True):
    """An exchange as the journal has it: its row of `exchanges`, and the client's bodies and headers by side."""

    row: Mapping[str, Any]
    bodies: Mapping[str, bytes] = {}
    headers: Mapping[str, str] = {}
    whole: int = 0


class Tool(msgspec.Struct, frozen=True):
    """A call of a tool that an answer asks for. arguments: as the model wrote them."""

    name: str
    arguments: str


class Answer(msgspec.Struct, frozen=True):
    """What came back: from whom (`provider/model`), its words and calls, why it ended (or the error), what it took. Tokens, cost (1e-12
    US dollar) and times are None where nobody told. after: how its request stood to earlier answers; "" where it went on from none."""

    by: str | None = None
    text: str = ""
    calls: tuple[Tool, ...] = ()
    reason: str | None = None
    error: str | None = None
    exchange: str | None = None
    total_s: float | None = None
    first_token_s: float | None = None
    input_tokens: int | None = None
    cache_read_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None
    cost_pico: int | None = None
    warnings: tuple[str, ...] = ()
    after: str = ""


class Case(msgspec.Struct, frozen=True):
    """A recorded request that is run again. asked: the end of what it says. notes: what is not as it was."""

    id: str
    dialect: str
    stream: bool
    body: bytes
    headers: dict[str, str]
    asked: str
    recorded: Answer
    turn: str | None = None
    notes: tuple[str, ...] = ()


def case_of(kept: Kept) -> Case:
    """What is run again of a recorded exchange. Raises Unfit."""
    row, body = kept.row, kept.bodies.get("client_request")
    name = row["id"]
    if body is None:
        raise Unfit(f"`{name}` cannot be run again: {_NO_BODY.get(row.get('bodies') or 'none', _GONE)}")
    spoken = dialect(row["dialect_in"])
    try:
        outline = Outline(body)
    except WireError as error:
        why = "its request was longer than `journal.body_bytes`, so only its beginning was kept" if len(body) < kept.whole else str(error)
        raise Unfit(f"`{name}` cannot be run again: {why}") from error
    private = next((agent for agent in agents() if agent.name == row.get("agent")), None)
    left_out = {*_NAMES_PEOPLE, *(private.strip_fields if private is not None else ())} & outline.fields.keys()
    hidden = private.strip_headers if private is not None else frozenset[str]()
    notes = ("secrets were taken out of the request before it was kept: the models read `[redacted]` in their place",)
    return Case(
        id=name,
        dialect=spoken.name,
        stream=bool(row["stream"]),
        body=outline.replace(dict.fromkeys(left_out)) if left_out else body,
        headers={each: value for each, value in kept.headers.items() if each in spoken.carry_headers and each not in hidden},
        asked=_asked(spoken, body),
        recorded=_recorded(spoken, kept),
        turn=row.get("turn"),
        notes=notes if MARK in body else (),
    )


_NO_BODY = {
    "none": "its bodies were not kept, as `journal.bodies`, its key or its own header wanted",
    "dropped": "its bodies were left out, since too much was waiting to be written",
}
_GONE = "its bodies were deleted, their time being over (`journal.keep.bodies_days`)"


def request_for(case: Case, model: str, run: str) -> bytes:
    """The body for this model. run: names this replay, so it shares neither prompt cache nor place with the recorded session."""
    outline = Outline(case.body)
    fields: dict[str, bytes | None] = {"model": msgspec.json.encode(model)}
    if _CACHE_KEY in outline.fields:
        fields[_CACHE_KEY] = msgspec.json.encode(f"replay-{run}")
    return outline.replace(fields)


def headers_of(case: Case) -> dict[str, str]:
    """The headers to send with it: that it is a replay, and what the API itself needs; nothing of the program that asked."""
    return {**case.headers, REPLAYS_HEADER: case.id, "user-agent": "dragoman-replay"}


def answer_of(name: str, body: bytes, status: int, *, stream: bool) -> Answer:
    """What an answer in this dialect says."""
    return read_answer(name, body, status, stream=stream)[0]


def read_answer(name: str, body: bytes, status: int, *, stream: bool) -> tuple[Answer, tuple[Item, ...]]:
    """What an answer in this dialect says, and the items that it is made of."""
    spoken = dialect(name)
    if status >= 300 or status == 0:
        return Answer(error=spoken.read_error(status, (), body).message), ()
    fold, words, items = Fold(), list[str](), list[Item]()
    try:
        for event in play(spoken, body, stream=stream):
            if isinstance(event, ev.TextDelta):
                words.append(event.text)
            elif isinstance(event, ev.TextStarted) and words:
                words.append("\n\n")
            item = fold.feed(event)
            if item is not None:
                items.append(item)
                words += _given(event)
    except (GatewayError, WireError) as error:
        return Answer(text="".join(words), calls=calls_of(items), error=str(error)), tuple(items)
    usage = fold.usage
    failed = fold.failed
    whole = fold.response().choices[0] if failed is None and fold.ended is not None else None
    answer = Answer(
        by=(fold.started.model or None) if fold.started is not None else None,
        text="".join(words),
        calls=calls_of(items),
        reason=None if whole is None else whole.reason,
        error=None if failed is None else failed.message,
        input_tokens=None if usage is None else usage.input_tokens,
        cache_read_tokens=None if usage is None else usage.cache_read_tokens,
        output_tokens=None if usage is None else usage.output_tokens,
        reasoning_tokens=None if usage is None else usage.reasoning_tokens,
    )
    return answer, tuple(items) if whole is None else whole.items


def with_row(answer: Answer, row: Mapping[str, Any]) -> Answer:
    """The answer with what the journal says of it: who gave it, tokens, cost and times."""
    by = f"{row['provider']}/{row['model']}" if row.get("provider") else answer.by
    took = {name: row[name] for name in _TOOK if row.get(name) is not None}
    return msgspec.structs.replace(answer, by=by, exchange=row["id"], error=row.get("message") or answer.error, **took)


def same_calls(answer: Answer, recorded: Answer) -> bool:
    """Whether it calls what the recorded answer called, with the same arguments however they are written."""
    return sorted(map(plain, answer.calls)) == sorted(map(plain, recorded.calls))


def _recorded(spoken: Dialect, kept: Kept) -> Answer:
    body = kept.bodies.get("client_response")
    said = Answer() if body is None else answer_of(spoken.name, body, kept.row["status"], stream=bool(kept.row["stream"]))
    return with_row(said, kept.row)


def _given(event: ev.Event) -> list[str]:
    if isinstance(event, ev.ItemGiven) and isinstance(event.item, Message):
        return [part.text for part in event.item.parts if isinstance(part, Text)]
    return []


def calls_of(items: Iterable[Item]) -> tuple[Tool, ...]:
    """The calls of the client's tools among them."""
    found = (item for item in items if isinstance(item, ToolCall) and item.executor == "client")
    return tuple(Tool(f"{call.namespace}.{call.name}" if call.namespace else call.name, call.arguments) for call in found)


def plain(call: Tool) -> tuple[str, str]:
    """Equal for calls of one tool with the same arguments, however they are written."""
    try:
        return call.name, msgspec.json.encode(msgspec.json.decode(call.arguments), order="deterministic").decode()
    except (msgspec.DecodeError, UnicodeDecodeError):
        return call.name, call.arguments.strip()


def _asked(spoken: Dialect, body: bytes) -> str:
    """The last words of the request: of its user, or of a tool."""
    try:
        items = spoken.read_request(Call(spoken.path, body)).items
    except GatewayError:
        return ""
    last = next((item for item in reversed(items) if isinstance(item, Message | Result)), None)
    if last is None:
        return ""
    text = " ".join(part.text for part in last.parts if isinstance(part, Text)).strip()
    shown = text if len(text) <= _EXCERPT else f"{text[:_EXCERPT]}…"
    return f"(result of a tool) {shown}" if isinstance(last, Result) else shown
