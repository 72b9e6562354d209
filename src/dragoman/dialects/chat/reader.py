"""Replies of the API and of its many variations to neutral events: chunk by chunk, or a whole completion at once.

https://platform.openai.com/docs/api-reference/chat/streaming

When is a stream complete? Every choice that said something has a finish reason; `[DONE]` after that is usual, but several servers
just close. `[DONE]` alone is no proper end: a proxy whose own upstream was cut says it too. Quirks.done_is_enough takes it as one.
It is enough after a chunk with nothing but the counts of the whole reply: OpenAI's models that speak give no finish reason, nor do
some hosts for calls that were demanded.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

import msgspec

from dragoman.dialects.chat.choice import Choice
from dragoman.dialects.chat.errors import error_inside, is_error
from dragoman.dialects.chat.remainder import NAME
from dragoman.dialects.chat.template import Template, template_of
from dragoman.dialects.chat.usage import read_usage, told_usage
from dragoman.dialects.contract import Quirks
from dragoman.dialects.counts import count
from dragoman.dialects.remainder import JsonObject, object_or_empty, objects
from dragoman.ir import events as ev
from dragoman.ir.errors import GatewayError, Kind
from dragoman.wire.frame import Frame
from dragoman.wire.not_json import NOT_JSON

_decode = msgspec.json.Decoder().decode

# Of every chunk; told once, in Started.
_HEAD = ("service_tier", "system_fingerprint", "provider")
_TOP = frozenset({"id", "object", "created", "model", "choices", "usage", "error", *_HEAD})
# obfuscation and p are padding against traffic analysis (OpenAI, Mistral).
_PADDING = frozenset({"obfuscation", "p"})
_TOP_KNOWN = _TOP | _PADDING
# `text` repeats the delta's content (Together).
_LOGPROBS_KNOWN = frozenset({"content", "refusal"})
_CHOICE_KNOWN = frozenset({"index", "delta", "message", "finish_reason", "logprobs", "text"})

MORE = "$choices"
"""Name in Ended.extra of a whole reply: what its choices and messages said that has no neutral form."""

# Templates that nothing fitted, in a row, before no more are made: on some servers every chunk differs.
_MAX_USELESS = 4
_WORDS = (ev.TextDelta, ev.ReasoningDelta)
_SPOKEN = (*_WORDS, ev.CallStarted, ev.CallDelta)

_FAILING = {"error": Kind.SERVER_ERROR, "insufficient_system_resource": Kind.OVERLOADED, "abort": Kind.SERVER_ERROR}
"""Finish reasons that tell of a failure."""


class Reader:
    """Reads one reply. `feed` never raises: what is wrong becomes Failed."""

    def __init__(self, quirks: Quirks) -> None:
        self._quirks = quirks
        self._parts = itertools.count()
        self._choices: dict[int, Choice] = {}
        self._started = False
        self._over = False
        self._seed = ""
        self._usage: Any = None
        self._counted = False
        """The last that came are the counts of all that was said."""
        self._told: JsonObject = {}
        self._template: Template | None = None
        self._speaker: Any = None
        """The choice whose words the template holds."""
        self._useless = 0
        self.rest: JsonObject | None = None
        """Where the leftovers of a whole reply gather, which has no Opaque events: a fold keeps only what Ended says."""

    def feed(self, frame: Frame) -> Iterable[ev.Event]:
        """Translate one frame."""
        if self._over:
            return ()
        data = frame.data
        if self._template is not None and (words := self._template.words(data)) is not None:
            return self._speaker.say(self._template.field, words)
        if data[:1] != b"{" and data.strip() == b"[DONE]":
            return self._done()
        try:
            chunk: Any = _decode(data)
        except NOT_JSON:
            return self._fail(_not_json(data))
        if not isinstance(chunk, dict) or frame.name == "error" or is_error(chunk):  # pyright: ignore[reportUnknownArgumentType]
            return self._fail(error_inside(chunk))
        out: list[ev.Event] = []
        self.chunk(chunk, out)  # pyright: ignore[reportUnknownArgumentType]
        self._remember(data, chunk, out)  # pyright: ignore[reportUnknownArgumentType]
        return out

    def close(self) -> Iterable[ev.Event]:
        """The bytes are over."""
        if self._over:
            return ()
        if self._choices and all(choice.reason is not None for choice in self._choices.values()):
            return self.end()
        return self._fail(GatewayError(Kind.CUT, "the provider's answer ended before it was complete", source="upstream"))

    def chunk(self, chunk: JsonObject, out: list[ev.Event]) -> None:
        """Translate one decoded chunk."""
        choices = objects(chunk.get("choices"))
        if choices and not self._started:
            self._start(chunk, out)
        if not _TOP_KNOWN.issuperset(chunk):
            self._more(chunk, out)
        usage = told_usage(chunk)
        if usage is not None and usage != self._usage:
            self._usage = usage
            out.append(ev.UsageReported(read_usage(usage)))
        if usage is not None and not choices and self._started and count(usage.get("completion_tokens")):
            self._counted, self._template = True, None
        for choice in choices:
            self._choice(choice, out)
            if self._over:
                return
        if self._counted and any(isinstance(event, _SPOKEN) for event in out):
            self._counted = False

    def _remember(self, data: bytes, chunk: JsonObject, out: list[ev.Event]) -> None:
        # What a chunk told beyond its words, it would tell each time: no template of those.
        if len(out) != 1 or type(out[0]) not in _WORDS or self._useless > _MAX_USELESS:
            return
        self._useless = 0 if self._template is not None and self._template.used else self._useless + 1
        self._template = template_of(data, chunk)
        if self._template is not None:
            self._speaker = self._choices[_index(chunk["choices"][0])]

    def _start(self, chunk: JsonObject, out: list[ev.Event]) -> None:
        self._started = True
        reply_id, model, created = chunk.get("id"), chunk.get("model"), chunk.get("created")
        self._seed = f"{reply_id}/{created}/{model}"
        head = {name: chunk[name] for name in _HEAD if chunk.get(name) is not None}
        out.append(
            ev.Started(
                reply_id if isinstance(reply_id, str) else "",
                model if isinstance(model, str) else "",
                int(created) if isinstance(created, (int, float)) else None,
                {NAME: head} if head else None,
            )
        )

    def _choice(self, value: JsonObject, out: list[ev.Event]) -> None:
        if value.get("error"):
            out.extend(self._fail(error_inside(value)))
            return
        index = _index(value)
        choice = self._choices.get(index)
        if choice is None:
            choice = self._choices[index] = Choice(index, self._parts, self._seed, self._quirks)
        # Perplexity sends both, in streams and in completions; each has one that counts.
        delta = object_or_empty(value.get("delta" if self.rest is None else "message"))
        if delta:
            choice.feed(delta, value.get("logprobs"), out)
            if choice.unknown:
                self._opaque(f"delta.{next(iter(choice.unknown))}", {"choices": [{"index": index, "delta": choice.unknown}]}, out)
                choice.unknown = {}
        if value.get("logprobs") or not _CHOICE_KNOWN.issuperset(value):
            self._choice_more(index, value, out)
        reason = value.get("finish_reason")
        if reason:
            self._finish(choice, reason, out)

    def _finish(self, choice: Choice, reason: Any, out: list[ev.Event]) -> None:
        if isinstance(reason, str) and reason in _FAILING:
            out.extend(
                self._fail(GatewayError(_FAILING[reason], f"the provider broke off with `{reason}`", source="upstream", code=reason))
            )
        else:
            choice.finish(str(reason), out)

    def _more(self, chunk: JsonObject, out: list[ev.Event]) -> None:
        more = {key: value for key, value in chunk.items() if key not in _TOP_KNOWN and value and self._told.get(key) != value}
        if more:
            self._told.update(more)
            self._opaque(next(iter(more)), more, out)

    def _choice_more(self, index: int, value: JsonObject, out: list[ev.Event]) -> None:
        more = {key: field for key, field in value.items() if key not in _CHOICE_KNOWN and field}
        told = object_or_empty(value.get("logprobs"))
        if not told and value.get("logprobs"):
            # A bare number (Qwen over OpenRouter).
            more["logprobs"] = value["logprobs"]
        elif not _LOGPROBS_KNOWN.issuperset(told):
            # DeepSeek tells how likely its thoughts were, too.
            more["logprobs"] = {key: field for key, field in told.items() if key not in _LOGPROBS_KNOWN}
        if more:
            self._opaque(f"choice.{next(iter(more))}", {"choices": [{"index": index, "delta": {}, **more}]}, out)

    def _opaque(self, name: str, value: JsonObject, out: list[ev.Event]) -> None:
        if self.rest is None:
            out.append(ev.Opaque(NAME, name, msgspec.json.encode(value)))
        elif "choices" in value:
            self.rest.setdefault(MORE, []).extend(value["choices"])
        else:
            self.rest.update(value)

    def _done(self) -> Iterable[ev.Event]:
        enough = self._counted or self._quirks.done_is_enough
        if enough and self._choices and not any(choice.unfinished_call for choice in self._choices.values()):
            return self.end()
        return self.close()

    def end(self) -> list[ev.Event]:
        """The events of a proper end."""
        out: list[ev.Event] = []
        for choice in self._choices.values():
            choice.close(out)
        out.extend(choice.finished() for choice in self._choices.values())
        out.append(ev.Ended({NAME: self.rest} if self.rest else None))
        self._over = True
        return out

    def _fail(self, error: GatewayError) -> list[ev.Event]:
        self._over = True
        return [ev.Failed(error)]


def read_response(body: bytes, quirks: Quirks) -> list[ev.Event]:
    """A whole completion as the events of a stream that arrived at once.

    Raises GatewayError for an error that came with status 200 and for what is no completion.
    """
    try:
        value: Any = _decode(body)
    except NOT_JSON as error:
        raise _not_json(body) from error
    if not isinstance(value, dict) or is_error(value):  # pyright: ignore[reportUnknownArgumentType]
        raise error_inside(value)
    if not objects(value.get("choices")):  # pyright: ignore[reportUnknownMemberType]
        raise GatewayError(Kind.GARBLED, "the provider's answer has no choices", source="upstream")
    reader = Reader(quirks)
    reader.rest = {}
    out: list[ev.Event] = []
    reader.chunk(value, out)  # pyright: ignore[reportUnknownArgumentType]
    ended = next((event for event in out if isinstance(event, ev.Failed)), None)
    if ended is not None:
        raise ended.error
    out.extend(reader.end())
    return out


def _index(choice: JsonObject) -> int:
    index = choice.get("index")
    return index if type(index) is int else 0


def _not_json(data: bytes) -> GatewayError:
    start = data[:80].decode("utf-8", "replace")
    return GatewayError(Kind.GARBLED, f"the provider's answer is not JSON where JSON should be: `{start}`", source="upstream")
